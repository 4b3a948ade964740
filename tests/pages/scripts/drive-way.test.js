import assert from "node:assert/strict";
import { test } from "node:test";
import { Pace } from "../../../maps/static/drive/pace.js";
import { bearing, distanceTo, Way } from "../../../maps/static/drive/way.js";

const DEGREE_M = 111_195;
const NORTH = 100 / DEGREE_M; // a hundred metres in degrees of latitude
const at = (north, east = 0) => [2.3 + (east * NORTH) / 100 / Math.cos((48.6 * Math.PI) / 180), 48.6 + (north * NORTH) / 100];
const line = (...places) => ({ type: "LineString", coordinates: places });
const about = (value, expected, within = 1) => assert.ok(Math.abs(value - expected) <= within, `${value} is not about ${expected}`);

test("a place is so far along the route, and so far off it", () => {
  const way = new Way([at(0), at(500), at(500, 500)]);
  about(way.lengthM, 1000);
  const found = way.locate(at(250, 40));
  about(found.alongM, 250);
  about(found.offM, 40);
  about(way.locate(at(520, 300)).alongM, 800);
});

test("what lies before the beginning or behind the end is at it", () => {
  const way = new Way([at(0), at(500)]);
  about(way.locate(at(-100)).alongM, 0);
  about(way.locate(at(700)).alongM, 500);
});

test("on a street driven twice a place is on the pass that comes next", () => {
  const way = new Way([at(0), at(1000), at(0)]);
  about(way.locate(at(400), 0).alongM, 400);
  about(way.locate(at(400), 900).alongM, 1600);
});

test("works lie from their first to their last point along the route, whichever way they were drawn", () => {
  const way = new Way([at(0), at(1000)]);
  const there = way.extent(line(at(700, 3), at(300, 3)), 50);
  about(there.beginM, 300);
  about(there.endM, 700);
  about(there.offM, 3);
});

test("of works that leave the route only the part on it counts", () => {
  const way = new Way([at(0), at(1000)]);
  const { beginM, endM } = way.extent(line(at(500, 0), at(500, 400)), 50);
  about(beginM, 500);
  about(endM, 500);
});

test("a route of many thousand places is as right as a short one", () => {
  const places = Array.from({ length: 20_001 }, (_, index) => at(index * 10, 30 * Math.sin(index / 50)));
  const way = new Way(places);
  for (let index = 0; index < 20_000; index += 500) {
    const { alongM, offM } = way.locate(places[index], 0);
    assert.ok(offM < 0.01);
    about(alongM, new Way(places.slice(0, index + 2)).lengthM, 25);
  }
});

test("hundreds of works on a route across a country are placed in time, and at once when the driver moves", () => {
  const places = Array.from({ length: 30_000 }, (_, index) => [2 + index * 6e-4, 48 + Math.sin(index / 500) / 5]);
  const works = Array.from({ length: 200 }, (_, index) => line(places[index * 100], places[index * 100 + 2]));
  const way = new Way(places);
  const place = (passedM) => {
    const begin = performance.now();
    for (const geometry of works) way.extent(geometry, 50, passedM);
    return performance.now() - begin;
  };
  assert.ok(place(0) < 4000); // ten times what it takes
  assert.ok(place(1000) < 200);
});

test("a distance and a bearing", () => {
  about(distanceTo(at(0), line(at(300, -200), at(300, 200))), 300);
  about(bearing(at(0), at(100)), 0);
  about(bearing(at(0), at(0, 100)), 90);
  about(bearing(at(0), at(0, -100)), 270);
});

test("a speed that the device tells is taken", () => {
  const pace = new Pace();
  pace.take({ at: at(0), when: 0, speedMs: 10, heading: 45 });
  assert.deepEqual([Math.round(pace.speedKmh), pace.heading, pace.isMoving], [36, 45, true]);
});

test("a speed that the device does not tell is reckoned, with its heading", () => {
  const pace = new Pace();
  pace.take({ at: at(0), when: 0, speedMs: null });
  assert.equal(pace.isMoving, false);
  pace.take({ at: at(20), when: 2000, speedMs: null });
  about(pace.speedKmh, 36);
  about(pace.heading, 0);
  assert.equal(pace.isMoving, true);
});

test("ten kilometres an hour are needed to drive, and six to go on", () => {
  const pace = new Pace();
  const told = (kmh) => (pace.take({ at: at(0), when: 0, speedMs: kmh / 3.6 }), pace.isMoving);
  assert.deepEqual([10, 10.1, 8, 6.1, 5.9, 8].map(told), [false, true, true, true, false, false]);
});

test("who was not seen for minutes is not held to be driving", () => {
  const pace = new Pace();
  pace.take({ at: at(0), when: 1000, speedMs: 20, heading: 0 });
  pace.tick(100_000);
  assert.equal(pace.isMoving, true);
  pace.tick(122_000);
  assert.equal(pace.isMoving, false);
});

test("a blurred position that trembles and one that jumps are no movement", () => {
  const pace = new Pace();
  pace.take({ at: at(0), when: 0, accuracyM: 40 });
  pace.take({ at: at(15), when: 1000, accuracyM: 40 });
  assert.deepEqual([pace.speedKmh, pace.isMoving], [0, false]);
  pace.take({ at: at(500_000), when: 2000, accuracyM: 5 });
  assert.equal(pace.isMoving, false);
});
