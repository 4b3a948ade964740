import assert from "node:assert/strict";
import { test } from "node:test";
import { dates } from "./saying.js";

const NOW = "2026-11-24T09:00:00Z"; // a Tuesday, 10:00 in Paris
const at = (text) => new Date(text);

test("an end is said the way people say it, in French", () => {
  const fr = dates("fr", NOW);
  assert.equal(fr.until(at("2026-11-27T16:00:00Z")), "jusqu’à vendredi 17 h");
  assert.equal(fr.until(at("2026-11-24T16:30:00Z")), "jusqu’à 17 h 30");
  assert.equal(fr.until(at("2026-11-25T07:00:00Z")), "jusqu’à demain 8 h");
  assert.equal(fr.until(at("2026-12-04T16:00:00Z")), "jusqu’au 4 décembre, 17 h");
  assert.equal(fr.until(at("2027-01-01T11:00:00Z")), "jusqu’au 1er janvier 2027, 12 h");
});

test("an end is said the way people say it, in English", () => {
  const en = dates("en", NOW);
  assert.equal(en.until(at("2026-11-27T16:00:00Z")), "until Friday 5 pm");
  assert.equal(en.until(at("2026-11-24T16:30:00Z")), "until 5:30 pm");
  assert.equal(en.until(at("2026-12-04T16:00:00Z")), "until 4 December, 5 pm");
});

test("an end at local midnight is the whole day before it", () => {
  assert.equal(dates("fr", NOW).until(at("2026-12-04T23:00:00Z")), "jusqu’au 4 décembre inclus");
  assert.equal(dates("fr", NOW).until(at("2026-11-24T23:00:00Z")), "jusqu’à ce soir");
  assert.equal(dates("en", NOW).until(at("2026-11-27T23:00:00Z")), "until the end of Friday");
});

test("planned works say both ends, works without an end say so", () => {
  const fr = dates("fr", NOW);
  const schedule = { start: "2026-11-25T07:00:00Z", end: "2026-12-04T16:00:00Z" };
  assert.equal(fr.schedule(schedule, "planned"), "à partir de demain 8 h, jusqu’au 4 décembre, 17 h");
  assert.equal(fr.schedule({ start: NOW, end: null }, "active"), "fin non connue");
  assert.equal(fr.schedule(schedule, "cancelled"), "annulés");
});

test("an actual end is said instead of the proposed one", () => {
  const schedule = { start: NOW, end: "2026-12-04T16:00:00Z", actual_end: "2026-11-26T16:00:00Z" };
  assert.equal(dates("fr", NOW).schedule(schedule, "active"), "jusqu’à jeudi 17 h");
});

test("windows are said as hours and days", () => {
  const fr = dates("fr", NOW);
  const days = ["mon", "tue", "wed", "thu", "fri"];
  assert.equal(fr.window({ days, from: "21:00", to: "06:00" }), "la nuit de 21 h à 6 h, du lundi au vendredi");
  assert.equal(fr.window({ days: ["sat", "sun"], from: "00:00", to: "24:00" }), "toute la journée, le week-end");
  assert.equal(
    fr.window({ days: ["mon", "thu"], from: "09:00", to: "16:30", except: ["2026-12-03"], holidays: "skip" }),
    "de 9 h à 16 h 30, le lundi et jeudi, sauf le 3 décembre, sauf jours fériés",
  );
  assert.equal(dates("en", NOW).window({ days, from: "21:00", to: "06:00" }), "at night from 9 pm to 6 am, Monday to Friday");
});

test("what comes next is told of works that are on", () => {
  assert.equal(dates("fr", NOW).next("2026-11-24T20:00:00Z", "paused"), "Reprise aujourd’hui à 21 h");
  assert.equal(dates("fr", NOW).next("2026-11-25T05:00:00Z", "active"), "Pause demain à 6 h");
  assert.equal(dates("fr", NOW).next("2026-11-25T05:00:00Z", "planned"), "");
});

test("a local day begins at local midnight on both nights that change the clock, east and west of Greenwich", () => {
  const paris = dates("fr", NOW);
  assert.equal(paris.startOf("2026-03-29").toISOString(), "2026-03-28T23:00:00.000Z");
  assert.equal(paris.startOf("2026-03-29", { after: true }).toISOString(), "2026-03-29T22:00:00.000Z");
  assert.equal(paris.startOf("2026-10-25").toISOString(), "2026-10-24T22:00:00.000Z");
  assert.equal(paris.startOf("2026-10-26").toISOString(), "2026-10-25T23:00:00.000Z");
  assert.equal(dates("fr", NOW, "America/Martinique").startOf("2026-11-24").toISOString(), "2026-11-24T04:00:00.000Z");
});

test("a form's field and the moment it says are each other's inverse", () => {
  const paris = dates("fr", NOW);
  for (const moment of ["2026-07-14T10:30:00.000Z", "2026-12-31T23:59:00.000Z", "2026-03-29T01:00:00.000Z"]) {
    assert.equal(paris.fromField(paris.field(moment)), moment);
  }
});

test("how long ago is said in the largest unit that fits", () => {
  const fr = dates("fr", NOW);
  assert.equal(fr.ago(at("2026-11-24T08:59:40Z")), "à l’instant");
  assert.equal(fr.ago(at("2026-11-24T08:57:00Z")), "il y a 3 minutes");
  assert.equal(fr.ago(at("2026-11-22T09:00:00Z")), "il y a 2 jours");
});
