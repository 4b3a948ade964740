import assert from "node:assert/strict";
import { test } from "node:test";
import { boxAround, overlap, roomWithin, settle } from "../../../maps/static/room.js";

const at = (x, y) => boxAround([x, y], 10, 10);
const SQUARE = [[0, 0], [100, 0], [100, 100], [0, 100], [0, 0]];

test("each takes its first place that nothing hides", () => {
  assert.deepEqual(settle([[at(0, 0), at(20, 0)], [at(3, 0), at(20, 0)], [at(2, 0), at(21, 0), at(50, 0)]]), [0, 1, 2]);
  assert.deepEqual(settle([[at(0, 0), at(20, 0)]], { taken: [at(1, 1)] }), [1]);
});

test("without a free place the least hidden is taken, or none when too much would be", () => {
  const taken = [at(0, 0)];
  assert.deepEqual(settle([[at(1, 0), at(8, 0)]], { taken }), [1]);
  assert.deepEqual(settle([[at(1, 0), at(4, 0)]], { taken, most: 0.25 }), [-1]);
  assert.deepEqual(settle([[]]), [-1]);
});

test("boxes share the area where they meet, and none where they touch", () => {
  assert.equal(overlap([0, 0, 10, 10], [5, 8, 20, 20]), 10);
  assert.equal(overlap([0, 0, 10, 10], [10, 0, 20, 10]), 0);
});

test("a name stands within its outline, nearest to the middle first, or nowhere", () => {
  const places = roomWithin(SQUARE, [50, 50], 40, 20);
  assert.deepEqual(places[0], [50, 50]);
  assert.ok(places.length > 10);
  assert.ok(places.every(([x, y]) => x >= 16 && x <= 84 && y >= 8 && y <= 92));
  assert.deepEqual(roomWithin(SQUARE, [50, 50], 120, 20), []);
});

test("an outline that bends leaves no room in its hollow", () => {
  const hook = [[0, 0], [100, 0], [100, 100], [80, 100], [80, 20], [0, 20], [0, 0]];
  assert.ok(!roomWithin(hook, [50, 50], 30, 12).some(([x, y]) => x < 80 && y > 20));
});
