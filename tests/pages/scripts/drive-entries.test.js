import assert from "node:assert/strict";
import { test } from "node:test";
import { liesOn, unfitDetour } from "../../../maps/static/drive/detours.js";
import { entriesOf, nextOf } from "../../../maps/static/drive/entries.js";
import { isInForce, nextForce } from "../../../maps/static/drive/force.js";
import { News } from "../../../maps/static/drive/news.js";
import { Vehicle } from "../../../maps/static/drive/vehicle.js";
import { Way } from "../../../maps/static/drive/way.js";
import { dates } from "./saying.js";

const NOW = new Date("2026-11-24T09:00:00Z"); // a Tuesday, 10:00 in Paris
const wall = (at) => dates("fr", NOW).wall(at);
// A part of the service's table, for what these tests need of it; all of it is compared in test_drive.py.
const TABLE = {
  modes: ["car", "hgv"],
  rows: {
    vehicle_impact: { "all-lanes-closed": ["blocked", "blocked"], "alternating-one-way": ["high", "high"], "all-lanes-open": ["none", "none"], unknown: ["medium", "medium"] },
    footway: { unknown: ["none", "none"] }, cycleway: { unknown: ["none", "none"] }, parking: { unknown: ["none", "none"] },
    restrictions: { "reduced-height": ["blocked", "blocked"], "gross-weight-limit": ["blocked", "blocked"], "no-trucks": ["none", "blocked"] },
  },
  unknownLimit: ["none", "high"],
  usualSize: { "reduced-height": [2, 4], "gross-weight-limit": [2.5, 44], "reduced-width": [2, 2.55], "reduced-length": [5, 16.5] },
};
const CAR = new Vehicle({ class: "car" }, TABLE);
const LORRY = new Vehicle({ class: "hgv", weight_t: 12 }, TABLE);
const DEGREE_M = 111_195;
const at = (north, east = 0) => [2.3 + east / DEGREE_M / Math.cos((48.6 * Math.PI) / 180), 48.6 + north / DEGREE_M];
const line = (...places) => ({ type: "LineString", coordinates: places });

function works(id, geometry, { impact = {}, schedule = {}, ...properties } = {}) {
  return {
    type: "Feature", id, geometry,
    properties: {
      kind: "works", status: "active", severity: "medium", direction: "both", next_transition: null, updated: "2026-11-20T00:00:00Z", ...properties,
      schedule: { start: "2026-11-01T00:00:00Z", end: null, windows: [], ...schedule },
      impact: { vehicle_impact: "alternating-one-way", restrictions: [], detours: [], exempt: [], ...impact },
    },
  };
}

function journey(more = {}) {
  const way = new Way([at(0), at(10_000)]);
  return { way, corridorM: 50, passedM: 0, at: null, heading: null, speedKmh: 36, begins: NOW, vehicle: CAR, wall, others: [], ...more };
}

const marks = (entries) => entries.map(({ key, mark, why }) => [key, mark, why]);

test("what lies ahead is in the order in which it is met, with distance and time", () => {
  const found = entriesOf([works("b", line(at(3000), at(3100))), works("a", line(at(600), at(500)))], journey());
  assert.deepEqual(found.map(({ key, distanceM, secondsAway }) => [key, Math.round(distanceM), Math.round(secondsAway)]), [["works a", 500, 50], ["works b", 3000, 300]]);
});

test("what is passed is left out, what the driver is at is not", () => {
  const found = entriesOf([works("passed", line(at(100), at(200))), works("here", line(at(900), at(1100)))], journey({ passedM: 1000 }));
  assert.deepEqual(found.map(({ key, distanceM }) => [key, distanceM]), [["works here", 0]]);
});

test("works that begin after the driver has passed are for later, those that begin before are for now", () => {
  const soon = { status: "planned", next_transition: "2026-11-24T09:10:00Z", schedule: { start: "2026-11-24T09:10:00Z" } };
  const near = works("near", line(at(500), at(600)), soon); // reached after a minute
  const far = works("far", line(at(9000), at(9100)), soon); // reached after fifteen
  assert.deepEqual(marks(entriesOf([near, far], journey())), [["works near", "later", ""], ["works far", "now", ""]]);
  assert.equal(entriesOf([near], journey())[0].since.toISOString(), "2026-11-24T09:10:00.000Z");
});

test("a departure that is still to come decides what is on", () => {
  const night = works("night", line(at(500), at(600)), {
    status: "paused", next_transition: "2026-11-24T20:00:00Z", schedule: { windows: [{ days: ["mon", "tue"], from: "21:00", to: "05:30" }] },
  });
  assert.equal(entriesOf([night], journey())[0].mark, "later");
  assert.equal(entriesOf([night], journey({ begins: new Date("2026-11-24T21:30:00Z") }))[0].mark, "now");
  assert.equal(entriesOf([night], journey({ begins: new Date("2026-11-25T21:30:00Z") }))[0].mark, "later");
});

test("what is not for this driver says why, and is never the next event", () => {
  const found = entriesOf([
    works("foot", line(at(100), at(200)), { impact: { vehicle_impact: "all-lanes-open" } }),
    works("mine", line(at(800), at(900))),
  ], journey());
  assert.deepEqual(marks(found), [["works foot", "not", "vehicle"], ["works mine", "now", ""]]);
  assert.equal(nextOf(found).key, "works mine");
});

test("a limit below the vehicle's size stops it and is named", () => {
  const low = works("low", line(at(100), at(200)), { impact: { restrictions: [{ type: "gross-weight-limit", value: 7.5, unit: "t" }] } });
  const [entry] = entriesOf([low], journey({ vehicle: LORRY }));
  assert.deepEqual([entry.feature.properties.severity, entry.stops.map(({ type }) => type)], ["blocked", ["gross-weight-limit"]]);
  assert.deepEqual(entriesOf([low], journey())[0].stops, []);
});

test("around a driver the nearest comes first, and what is behind is not for them", () => {
  const around = { way: null, at: at(0), heading: 0 };
  const found = entriesOf([works("far", line(at(900), at(950))), works("near", line(at(300), at(350))), works("back", line(at(-200), at(-300)))], journey(around));
  assert.deepEqual(marks(found), [["works back", "not", "behind"], ["works near", "now", ""], ["works far", "now", ""]]);
});

test("nothing is drawn anew for works that stay the same", () => {
  const one = works("one", line(at(100), at(200)));
  assert.equal(entriesOf([one], journey())[0].feature, entriesOf([one], journey({ passedM: 50 }))[0].feature);
});

test("a timetable says when works are on, nights and excepted days included", () => {
  const schedule = { start: "2026-11-01T00:00:00Z", end: "2026-12-01T00:00:00Z", windows: [{ days: ["tue"], from: "21:00", to: "06:00", except: ["2026-12-01"] }] };
  const properties = { status: "paused", next_transition: "2026-11-24T20:00:00Z", schedule };
  const on = (moment) => isInForce(properties, new Date(moment), wall);
  assert.deepEqual(["2026-11-24T19:59:00Z", "2026-11-24T20:00:00Z", "2026-11-25T04:59:00Z", "2026-11-25T05:00:00Z", "2026-11-25T21:00:00Z"].map(on), [false, true, true, false, false]);
  assert.equal(on("2026-12-02T21:00:00Z"), false);
  assert.equal(nextForce(properties, new Date("2026-11-25T12:00:00Z"), wall), null);
  assert.equal(nextForce(properties, NOW, wall).toISOString(), "2026-11-24T20:00:00.000Z");
});

test("a detour whose words hold a limit below the vehicle's size is not for it", () => {
  const unfit = (text, vehicle) => unfitDetour(works("w", line(at(0), at(100)), { impact: { detours: [{ text, geometry: null }] } }), vehicle, []);
  assert.deepEqual(unfit("Par la rue du Pont, limitée à 3,5 t", LORRY), { why: "limit", type: "gross-weight-limit", value: 3.5 });
  assert.equal(unfit("Par la rue du Pont, limitée à 3,5 t", CAR), null);
  assert.deepEqual(unfit("By Mill Lane, height 3.2 m", LORRY), { why: "limit", type: "reduced-height", value: 3.2 });
  assert.deepEqual(unfit("Par la D19, interdite aux poids lourds", LORRY), { why: "no-trucks" });
  assert.deepEqual(unfit("Light vehicles only", LORRY), { why: "no-trucks" });
  assert.equal(unfit("Par la rue de la Gare sur 800 m", LORRY), null);
});

test("a detour on which other works stop the vehicle is not for it; one way that is open is enough", () => {
  const detour = line(at(0, 0), at(0, 400), at(500, 400));
  const low = works("low", line(at(100, 403), at(160, 403)), { impact: { restrictions: [{ type: "reduced-height", value: 3, unit: "m" }] } });
  const crossing = works("crossing", line(at(200, 300), at(200, 500)), { impact: { vehicle_impact: "all-lanes-closed" } });
  const closed = (...detours) => works("w", line(at(0), at(100)), { impact: { detours } });
  assert.equal(unfitDetour(closed({ text: "", geometry: detour }), LORRY, [low]).works.id, "low");
  assert.equal(unfitDetour(closed({ text: "", geometry: detour }), CAR, [low]), null);
  assert.equal(unfitDetour(closed({ text: "", geometry: detour }, { text: "Par la gare", geometry: null }), LORRY, [low]), null);
  assert.equal(unfitDetour(closed({ text: "", geometry: detour }), LORRY, [crossing]), null);
  assert.equal(liesOn(low.geometry, { type: "MultiLineString", coordinates: [detour.coordinates] }), true);
});

test("news is what has just happened, not what comes into view", () => {
  const old = works("old", line(at(100), at(200)));
  const fresh = works("fresh", line(at(300), at(400)), { updated: "2026-11-24T09:01:00Z" });
  const news = new News(NOW);
  const entries = entriesOf([old, fresh], journey());
  const changes = [old, fresh].map((feature) => ({ key: `works ${feature.id}`, feature }));
  assert.deepEqual(news.of(changes, entries).map(({ key }) => key), ["works fresh"]);
  news.keep(entries);
  assert.deepEqual(news.of(changes, entries), []);
  const closed = works("old", line(at(100), at(200)), { impact: { vehicle_impact: "all-lanes-closed" } });
  assert.deepEqual(news.of([{ key: "works old", feature: closed }], entriesOf([closed, fresh], journey())).map(({ key }) => key), ["works old"]);
});
