import assert from "node:assert/strict";
import { test } from "node:test";
import { around, boxOf, degreesOf, gather, meet, moved, planeOf, touches, unite } from "../../../maps/static/tiled/plane.js";

const SQUARE = { type: "Polygon", coordinates: [[[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]], [[4, 4], [6, 4], [6, 6], [4, 6], [4, 4]]] };
const LINE = { type: "MultiLineString", coordinates: [[[0, 0], [10, 0]], [[20, 0], [20, 10]]] };
const piece = (id, geometry) => ({ id, geometry, box: boxOf(geometry), properties: { kind: "works" } });

test("degrees come back from the plane, and the world has side 1", () => {
  for (const place of [[0, 0], [2.308, 48.633], [-179.9, -60], [179.9, 84]]) {
    const back = degreesOf(planeOf(place));
    assert.ok(Math.hypot(back[0] - place[0], back[1] - place[1]) < 1e-9, String(place));
  }
  assert.deepEqual(planeOf([0, 0]).map((value) => Number(value.toFixed(12))), [0.5, 0.5]);
  assert.ok(planeOf([0, 90])[1] < 0.001 && Number.isFinite(planeOf([0, -90])[1]));
});

test("a box is around every corner, of collections too", () => {
  assert.deepEqual(boxOf(LINE), [0, 0, 20, 10]);
  assert.deepEqual(boxOf({ type: "Point", coordinates: [3, 4] }), [3, 4, 3, 4]);
  assert.deepEqual(boxOf({ type: "GeometryCollection", geometries: [SQUARE, { type: "Point", coordinates: [-5, 30] }] }), [-5, 0, 10, 30]);
  assert.deepEqual(around([[0, 0, 1, 1], [5, -2, 6, 3]]), [0, -2, 6, 3]);
  assert.ok(meet([0, 0, 1, 1], [1, 1, 2, 2]) && !meet([0, 0, 1, 1], [1.1, 0, 2, 1]));
});

test("every corner is moved, however deep", () => {
  const there = ([x, y]) => [x + 1, y * 2];
  assert.deepEqual(moved(LINE, there).coordinates[1], [[21, 0], [21, 20]]);
  assert.deepEqual(moved({ type: "GeometryCollection", geometries: [{ type: "Point", coordinates: [1, 1] }] }, there).geometries[0].coordinates, [2, 2]);
});

test("of what several tiles hold the largest piece stays", () => {
  const small = piece("a", { type: "LineString", coordinates: [[0, 0], [1, 0]] });
  const large = piece("a", { type: "LineString", coordinates: [[1, 0], [9, 0]] });
  const other = piece("b", { type: "Point", coordinates: [0, 0] });
  const found = unite([small, large, other]);
  assert.deepEqual([...found.keys()].sort(), ["works a", "works b"]);
  assert.equal(found.get("works a"), large);
  assert.equal(unite([large, small]).get("works a"), large);
});

test("what shares a square is one group with the worst rank; alone a marker stays where it is", () => {
  const groups = gather([{ at: [5, 5], rank: 1 }, { at: [7, 9], rank: 4 }, { at: [151, 1], rank: 2 }], 100, [30, 10]);
  assert.deepEqual(groups.map(({ rank, pins }) => [rank, pins.length]), [[4, 2], [2, 1]]);
  assert.deepEqual(groups[0].at, [30, 10]);
  assert.deepEqual(groups[1].at, [151, 1]);
});

test("no group reaches into the next square", () => {
  const pins = [[99, 50], [98, 50], [101, 50], [102, 50]].map((at) => ({ at, rank: 0 }));
  const [left, right] = gather(pins, 100, [30, 10]);
  assert.ok(right.at[0] - left.at[0] >= 60);
});

test("a finger finds lines it comes near, and areas it is in, not their holes", () => {
  assert.ok(touches(LINE, [5, 2], 2) && touches(LINE, [18.5, 5], 2) && !touches(LINE, [5, 3], 2));
  assert.ok(touches(SQUARE, [2, 2], 0) && !touches(SQUARE, [5, 5], 0) && !touches(SQUARE, [11, 5], 0));
  assert.ok(touches({ type: "MultiPoint", coordinates: [[0, 0], [9, 9]] }, [9, 8], 1));
  assert.ok(!touches({ type: "LineString", coordinates: [[1, 1], [1, 1]] }, [3, 1], 1));
});
