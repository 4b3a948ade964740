import assert from "node:assert/strict";
import { test } from "node:test";
import { firstChoice, keepChoice, keptChoice, readChoice } from "../../../maps/static/drive/choice.js";
import { fitsFrame, isComplete, questionOf } from "../../../maps/static/drive/question.js";
import { readRoute } from "../../../maps/static/drive/route-file.js";
import { distanceSpeech, eventSpeech, Reminder } from "../../../maps/static/drive/speech.js";
import { say } from "./saying.js";

const DEPART = new Date("2026-11-24T09:00:00Z");
const LINE = [[2.3, 48.6], [2.31, 48.61]];
const plain = (text) => text.replaceAll("\u00a0", " ");

/** A place for a choice that holds nothing yet, as a browser's. */
function storage() {
  const kept = new Map();
  return { getItem: (name) => kept.get(name) ?? null, setItem: (name, value) => kept.set(name, value) };
}

function event({ distanceM = 800, stops = [], detour = null, detours = [] } = {}) {
  return { key: "works a", distanceM, stops, detour, feature: { properties: { impact: { detours } } } };
}

test("distances are said in whole words", () => {
  const said = (language) => [10, 120, 810, 960, 1849, 12_000].map((metres) => plain(distanceSpeech(metres, say(language), language)));
  assert.deepEqual(said("fr"), ["Ici", "Dans 100 mètres", "Dans 800 mètres", "Dans 1 kilomètre", "Dans 1,8 kilomètre", "Dans 12 kilomètres"]);
  assert.deepEqual(said("en"), ["Here", "In 100 metres", "In 800 metres", "In 1 kilometre", "In 1.8 kilometres", "In 12 kilometres"]);
});

test("an event is said short, in the page's language, with what the vehicle cannot do", () => {
  const names = { title: "Réfection", place: "Rue de la Gare", state: "route barrée" };
  const fr = (entry) => plain(eventSpeech(entry, { t: say("fr"), language: "fr", names }));
  assert.equal(fr(event({ detours: [{ text: "Par la rue Berlioz." }] })), "Dans 800 mètres : route barrée, Rue de la Gare. Déviation : Par la rue Berlioz.");
  assert.equal(
    fr(event({ stops: [{ type: "reduced-height", value: 3.5, unit: "m" }], detour: { why: "no-trucks" } })),
    "Dans 800 mètres : route barrée, Rue de la Gare. Votre véhicule ne passe pas : Hauteur limitée à 3,5 m. La déviation n’est pas pour votre véhicule.",
  );
  const en = eventSpeech(event({ distanceM: null }), { t: say("en"), language: "en", names: { ...names, place: "", state: "road closed" } });
  assert.equal(en, "road closed, Réfection.");
});

test("an event is said when it is next, when it comes near and when it is close: three times at most", () => {
  const reminder = new Reminder();
  const due = (...distances) => distances.map((distanceM) => reminder.isDue(event({ distanceM })));
  assert.deepEqual(due(5000, 4000, 1400, 900, 200, 100, 0), [true, false, true, false, true, false, false]);
  assert.equal(reminder.isDue(null), false);
  reminder.forget("works a");
  assert.deepEqual(due(100, 90), [true, false]);
});

test("a choice is kept as it was, but for a departure", () => {
  const kept = storage();
  const choice = { ...firstChoice(), place: "route", line: LINE, source: "a.gpx", vehicle: { class: "hgv", height_m: 4 }, depart: "2026-11-24T09:00:00Z" };
  keepChoice(choice, kept);
  assert.deepEqual(keptChoice(kept), { ...choice, depart: "" });
});

test("what was kept is not trusted", () => {
  const broken = { getItem: () => "{", setItem() {} };
  assert.deepEqual(keptChoice(broken), firstChoice());
  const forbidden = { getItem() { throw new Error("no"); }, setItem() { throw new Error("no"); } };
  assert.deepEqual(keptChoice(forbidden), firstChoice());
  keepChoice(firstChoice(), forbidden);
  const strange = { place: "moon", line: [[1, 2], ["a", 0]], radiusM: -1, zones: "all", vehicle: { class: "tank", height_m: "4" }, speedKmh: 1e9, voice: "yes" };
  assert.deepEqual(readChoice(strange), firstChoice());
});

test("a long route is not kept rather than nothing", () => {
  const kept = storage();
  const line = Array.from({ length: 30_000 }, (_, index) => [2.12345 + index / 1e5, 48.12345]);
  keepChoice({ ...firstChoice(), line, zones: ["gare"] }, kept);
  assert.deepEqual([keptChoice(kept).line, keptChoice(kept).zones], [[], ["gare"]]);
});

test("each place has its question, and the vehicle goes with it", () => {
  const ask = (part, more) => questionOf({ ...firstChoice(), ...part }, { depart: DEPART, everything: false, ...more });
  assert.deepEqual(ask({ place: "zones", zones: ["gare"] }), { id: "drive", area: { zones: ["gare"] }, kinds: ["works"], vehicle: { class: "car" }, horizon: "PT12H" });
  assert.deepEqual(ask({ place: "around", radiusM: 500, reports: true }).area, { around_me: { radius_m: 500 } });
  assert.deepEqual(ask({ place: "around", reports: true }).kinds, ["works", "report"]);
  const route = ask({ line: LINE });
  assert.equal(route.area.route.depart, "2026-11-24T09:00:00.000Z");
  assert.equal(route.horizon, undefined);
  assert.deepEqual(ask({ line: LINE }, { areaId: "abc" }).area, { area_id: "abc" });
});

test("to explain what is not for the driver, everything on the route is asked for", () => {
  const { area, vehicle, horizon } = questionOf({ ...firstChoice(), line: LINE }, { depart: DEPART, everything: true });
  assert.deepEqual([area.route.depart, vehicle, horizon], [undefined, undefined, "P7D"]);
});

test("nothing is asked before there is a route or a zone", () => {
  const complete = (part) => isComplete({ ...firstChoice(), ...part });
  assert.deepEqual([complete({}), complete({ line: LINE }), complete({ place: "zones" }), complete({ place: "around" })], [false, true, false, true]);
  assert.deepEqual([fitsFrame({ line: LINE }), fitsFrame({ line: Array(3000).fill([2.12345, 48.12345]) })], [true, false]);
});

test("a GeoJSON route is read from whatever holds it, without what says nothing", () => {
  const line = { type: "LineString", coordinates: [[2.300001, 48.6, 85], [2.300001, 48.6, 86], [2.31, 48.61, 87]] };
  const held = [line, { type: "Feature", properties: { name: "home" }, geometry: line }, { type: "FeatureCollection", features: [{ type: "Feature", geometry: line }] }];
  for (const one of held) assert.deepEqual(readRoute(JSON.stringify(one)), [[2.3, 48.6], [2.31, 48.61]]);
  const parts = { type: "MultiLineString", coordinates: [[[2.3, 48.6], [2.31, 48.61]], [[2.31, 48.61], [2.32, 48.61]]] };
  assert.deepEqual(readRoute(`\ufeff${JSON.stringify(parts)}`), [[2.3, 48.6], [2.31, 48.61], [2.32, 48.61]]);
});

test("the first track of a GPX file is read, else a route, whatever its prefix and the order of its attributes", () => {
  const gpx = (inside) => `<?xml version="1.0"?><gpx xmlns="http://www.topografix.com/GPX/1/1"><!-- <trk> -->${inside}</gpx>\n`;
  const track = '<trk><name>a</name><trkseg><trkpt lat="48.6" lon="2.3"><ele>80</ele></trkpt></trkseg><trkseg><trkpt lon=\'2.31\' lat=\'48.61\'/></trkseg></trk>';
  const route = '<rte><rtept lat="48.7" lon="2.4"/><rtept lat="48.8" lon="2.5"/></rte>';
  assert.deepEqual(readRoute(gpx(route + track)), [[2.3, 48.6], [2.31, 48.61]]);
  assert.deepEqual(readRoute(gpx(`<trk><trkseg/></trk>${route}`)), [[2.4, 48.7], [2.5, 48.8]]);
  assert.deepEqual(readRoute(gpx(route).replaceAll("<rte", "<g:rte").replaceAll("</rte", "</g:rte")), [[2.4, 48.7], [2.5, 48.8]]);
  assert.throws(() => readRoute(gpx('<trk><trkpt lat="48.6"/><trkpt lat="48.6" lon="2.3"/></trk>')), { code: "place" });
});

test("what is wrong with a file is named", () => {
  const code = (text) => {
    try {
      return readRoute(typeof text === "string" ? text : JSON.stringify(text)).length;
    } catch (error) {
      return error.code;
    }
  };
  assert.equal(code("  "), "empty");
  assert.equal(code("PK\u0003"), "format");
  assert.equal(code("{oops"), "broken");
  assert.equal(code({ type: "Point", coordinates: [2, 48] }), "no_line");
  assert.equal(code({ type: "LineString", coordinates: [[2, 48], [2, 48]] }), "short");
  assert.equal(code({ type: "LineString", coordinates: [[652_000, 6_862_000], [652_100, 6_862_100]] }), "place");
  assert.equal(code({ type: "LineString", coordinates: [[2, 48], [null, 48]] }), "place");
  assert.equal(code({ type: "LineString", coordinates: "here" }), "place");
  assert.equal(code({ type: "MultiLineString", coordinates: [[[2, 48], [2.1, 48]], [[3, 48], [3.1, 48]]] }), "several");
});

test("a file of a million places is thinned to what a route needs", () => {
  const coordinates = Array.from({ length: 1_000_000 }, (_, index) => [2 + index / 1e5, 48]);
  const read = readRoute(JSON.stringify({ type: "LineString", coordinates }));
  assert.ok(read.length <= 30_000);
  assert.deepEqual([read[0], read.at(-1)], [[2, 48], [11.99999, 48]]);
});
