/** Features of tiles on a plane: each once though several tiles hold it, near ones gathered, and what lies under a finger. */
import { keyOf } from "../model.js";

/** @typedef {[west: number, north: number, east: number, south: number]} Box x to the east, y to the south */

/** Return the parts of a geometry, each as its rings or lines; a point is a line of one corner. */
export function partsOf({ type, coordinates }) {
  const parts = type.startsWith("Multi") ? coordinates : [coordinates];
  if (type.endsWith("Polygon")) return parts;
  return parts.map((part) => [type.endsWith("Point") ? [part] : part]);
}

/** Return the box around a geometry. @returns {Box} */
export function boxOf(geometry) {
  const box = /** @type {Box} */ ([Infinity, Infinity, -Infinity, -Infinity]);
  for (const [x, y] of cornersOf(geometry)) {
    box[0] = Math.min(box[0], x);
    box[1] = Math.min(box[1], y);
    box[2] = Math.max(box[2], x);
    box[3] = Math.max(box[3], y);
  }
  return box;
}

const cornersOf = (geometry) => (geometry.geometries ? geometry.geometries.flatMap(cornersOf) : partsOf(geometry).flat(2));

/** Return the least box that holds others. @param {Box[]} boxes @returns {Box} */
export const around = (boxes) => boxOf({ type: "MultiPoint", coordinates: boxes.flatMap(([west, north, east, south]) => [[west, north], [east, south]]) });

/** Whether two boxes meet. @param {Box} one @param {Box} other */
export const meet = (one, other) => one[0] <= other[2] && other[0] <= one[2] && one[1] <= other[3] && other[1] <= one[3];

/** Return a box with some more on each side. @param {Box} box @returns {Box} */
export const widen = ([west, north, east, south], by) => [west - by, north - by, east + by, south + by];

/** Return the place of degrees on the square of side 1 (Web Mercator). */
export function planeOf([lon, lat]) {
  const south = Math.log(Math.tan(Math.PI / 4 + (Math.max(-85.06, Math.min(85.06, lat)) * Math.PI) / 360));
  return [lon / 360 + 0.5, 0.5 - south / (2 * Math.PI)];
}

/** Return the degrees of a place on the plane. */
export function degreesOf([x, y]) {
  return [(x - 0.5) * 360, (Math.atan(Math.sinh(Math.PI * (1 - 2 * y))) * 180) / Math.PI];
}

/** Return a geometry with each of its corners put elsewhere. */
export function moved({ type, coordinates, geometries }, place) {
  if (geometries) return { type, geometries: geometries.map((part) => moved(part, place)) };
  const deep = (value) => (typeof value[0] === "number" ? place(value) : value.map(deep));
  return { type, coordinates: deep(coordinates) };
}

const extent = ([west, north, east, south]) => east - west + south - north;

/** Return each feature once, by its key: of what several tiles hold the largest piece. */
export function unite(features) {
  const found = new Map();
  for (const feature of features) {
    const key = keyOf(feature);
    const other = found.get(key);
    if (!other || extent(feature.box) > extent(other.box)) found.set(key, feature);
  }
  return found;
}

/**
 * Gather what lies in the same square of a grid.
 * @param {{at: number[], rank: number}[]} pins
 * @param {number} side of a square
 * @param {number[]} room how far from a square's sides a group stands, across and down, so that none hides its neighbour
 */
export function gather(pins, side, room) {
  const squares = new Map();
  for (const pin of pins) {
    const square = pin.at.map((value) => Math.floor(value / side));
    const name = square.join(" ");
    if (!squares.has(name)) squares.set(name, { square, pins: [] });
    squares.get(name).pins.push(pin);
  }
  return [...squares.values()].map(({ square, pins: inside }) => {
    const rank = Math.max(...inside.map((pin) => pin.rank));
    if (inside.length === 1) return { at: inside[0].at, rank, pins: inside };
    const at = square.map((number, axis) => {
      const middle = inside.reduce((sum, pin) => sum + pin.at[axis], 0) / inside.length;
      return Math.max(number * side + room[axis], Math.min((number + 1) * side - room[axis], middle));
    });
    return { at, rank, pins: inside };
  });
}

/** Whether a geometry passes within a distance of a place, or holds it. */
export function touches(geometry, at, near) {
  const isArea = geometry.type.endsWith("Polygon");
  return partsOf(geometry).some((lines) => (isArea && holds(lines, at)) || lines.some((line) => passes(line, at, near)));
}

function passes(line, at, near) {
  if (line.length === 1) return Math.hypot(line[0][0] - at[0], line[0][1] - at[1]) <= near;
  return line.some((corner, index) => index > 0 && distance(line[index - 1], corner, at) <= near);
}

function distance([x1, y1], [x2, y2], [x, y]) {
  const [dx, dy] = [x2 - x1, y2 - y1];
  const length = dx * dx + dy * dy;
  const share = length ? Math.max(0, Math.min(1, ((x - x1) * dx + (y - y1) * dy) / length)) : 0;
  return Math.hypot(x - x1 - share * dx, y - y1 - share * dy);
}

/** Whether a place is inside rings: the sides to its east are odd, those of holes with them. */
function holds(rings, [x, y]) {
  let inside = false;
  for (const ring of rings) {
    for (let index = 1; index < ring.length; index += 1) {
      const [[x1, y1], [x2, y2]] = [ring[index - 1], ring[index]];
      if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) inside = !inside;
    }
  }
  return inside;
}
