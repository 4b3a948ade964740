import assert from "node:assert/strict";
import { test } from "node:test";
import { Announcer } from "../../../maps/static/announce.js";
import { anchor, inReadingOrder, matches, metres } from "../../../maps/static/model.js";
import { findPlace, nearestPlace, placesOf } from "../../../maps/static/places.js";

const works = (id, properties = {}) => ({
  id,
  geometry: { type: "LineString", coordinates: [[2.3, 48.6], [2.4, 48.6]] },
  properties: {
    kind: "works", title: id, severity: "high", status: "active", road_names: ["Rue de Montlhéry"], effects: [],
    schedule: { start: "2026-11-20T06:00:00Z", end: "2026-12-04T17:00:00Z" }, ...properties,
  },
});
const wish = (part) => ({ text: "", least: 0, kinds: new Set(["works"]), nowOnly: false, from: null, to: null, ...part });
const shows = (feature, part) => matches(feature, wish(part), (id) => (id === "gare" ? "Quartier de la Gare" : id));

test("the list reads what is on first, then the worst, then the soonest", () => {
  const order = [
    works("planned", { status: "planned", severity: "blocked" }), works("low", { severity: "low" }),
    works("late", { schedule: { start: "2026-11-21T06:00:00Z" } }), works("soon"), works("paused", { status: "paused", severity: "blocked" }),
  ];
  assert.deepEqual(order.sort(inReadingOrder).map(({ id }) => id), ["paused", "soon", "late", "low", "planned"]);
});

test("a search finds streets without accents and case, and zones by their name", () => {
  assert.ok(shows(works("a"), { text: "MONTLHERY" }));
  assert.ok(shows(works("a", { effects: [{ zone: "gare" }] }), { text: "quartier de la gare" }));
  assert.ok(!shows(works("a"), { text: "liers" }));
});

test("severity, kinds, now and dates each leave out what the reader does not want", () => {
  const [from, to] = [new Date("2026-12-05T00:00:00Z"), new Date("2026-11-20T06:00:00Z")];
  assert.ok(!shows(works("a", { severity: "medium" }), { least: 3 }));
  assert.ok(!shows(works("a"), { kinds: new Set(["zone"]) }));
  assert.ok(!shows(works("a", { status: "planned" }), { nowOnly: true }));
  assert.ok(!shows(works("a"), { from }));
  assert.ok(!shows(works("a"), { to }));
  assert.ok(shows(works("a", { schedule: { start: "2026-11-20T06:00:00Z", end: null } }), { from }));
});

test("a line is anchored at its middle, an area at its centre, a point where it is", () => {
  assert.deepEqual(anchor({ type: "LineString", coordinates: [[0, 0], [1, 0], [4, 0]] }), [2, 0]);
  const ring = [[2, 48], [4, 48], [4, 50], [2, 50], [2, 48]];
  assert.deepEqual(anchor({ type: "Polygon", coordinates: [ring] }), [3, 49]);
  assert.deepEqual(anchor({ type: "Point", coordinates: [2, 48] }), [2, 48]);
  assert.deepEqual(anchor({ type: "MultiLineString", coordinates: [[[9, 9], [9, 8]], [[0, 0], [1, 0], [4, 0]]] }), [2, 0]);
});

test("a typed address is placed on the street it names, not on one that shares a word", () => {
  const places = placesOf([works("a"), works("b", { road_names: ["Rue de l'Église", "Place de la Gare"] })]);
  assert.equal(findPlace("12 rue de montlhery, devant l'école", places).name, "Rue de Montlhéry");
  assert.equal(findPlace("12 rue des Lilas", places), null);
  assert.equal(findPlace("devant la gare", places).name, "Place de la Gare");
});

test("the nearest named place is told only when it is near", () => {
  const places = [{ name: "Rue A", at: [2.3, 48.6] }];
  assert.equal(nearestPlace([2.3005, 48.6], places)?.name, "Rue A");
  assert.equal(nearestPlace([2.31, 48.6], places), null);
  assert.ok(Math.abs(metres([2.3, 48.6], [2.3, 48.61]) - 1112) < 2);
});

test("announcements are grouped, latest of each, at most one in ten seconds", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const said = [];
  const region = { set textContent(words) { said.push([Date.now(), words]); } };
  const announcer = new Announcer(region, (changes) => changes.map(({ key, n }) => `${key}${n}`).join());
  for (let n = 0; n < 40; n += 1) {
    announcer.add([{ key: n % 2 ? "a" : "b", n }]);
    t.mock.timers.tick(1000);
  }
  assert.deepEqual(said.map(([at]) => at), [1000, 11_000, 21_000, 31_000]);
  assert.deepEqual(said[1][1].split(",").sort(), ["a9", "b10"]);
});
