/** Find room on the screen: markers beside each other along their works, names where no marker hides them. */

/** @typedef {[left: number, top: number, right: number, bottom: number]} Box */

/**
 * Choose a place for each thing: the first that nothing chosen before it hides, else the one least hidden.
 * @param {Box[][]} things the places each may take, best first
 * @param {{taken?: Box[], most?: number}} [room] what stands already; the share of a thing that may be hidden
 * @returns {number[]} the index of each thing's place, -1 if there is none
 */
export function settle(things, { taken = [], most = Infinity } = {}) {
  const chosen = [...taken];
  return things.map((places) => {
    const hidden = places.map((place) => chosen.reduce((sum, other) => sum + overlap(place, other), 0) / overlap(place, place));
    const best = hidden.indexOf(Math.min(...hidden));
    if (best < 0 || hidden[best] > most) return -1;
    chosen.push(places[best]);
    return best;
  });
}

/** Return the area two boxes share. */
export function overlap([left, top, right, bottom], other) {
  const width = Math.min(right, other[2]) - Math.max(left, other[0]);
  const height = Math.min(bottom, other[3]) - Math.max(top, other[1]);
  return width > 0 && height > 0 ? width * height : 0;
}

/** Return the box of a width and height around a point. */
export function boxAround([x, y], width, height) {
  return /** @type {Box} */ ([x - width / 2, y - height / 2, x + width / 2, y + height / 2]);
}

// Where a name may go from the middle of its outline: parts of its width, and rows; the nearest first.
const WAYS = [-8, -7, -6, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8]
  .flatMap((row) => [-0.5, -0.375, -0.25, -0.125, 0, 0.125, 0.25, 0.375, 0.5].map((column) => [column, row * 9]))
  .sort((one, other) => Math.hypot(one[0] * 80, one[1]) - Math.hypot(other[0] * 80, other[1]));

/**
 * Return where a name of this size may stand within an outline, nearest to its middle first; nowhere if it is too large.
 * @param {number[][]} ring the outline on the screen
 * @param {number[]} middle
 * @param {number} width
 * @param {number} height
 * @returns {number[][]}
 */
export function roomWithin(ring, [x, y], width, height) {
  const [xs, ys] = [ring.map((corner) => corner[0]), ring.map((corner) => corner[1])];
  if (Math.max(...xs) - Math.min(...xs) < width || Math.max(...ys) - Math.min(...ys) < height) return [];
  return WAYS.map(([part, down]) => [x + part * width, y + down]).filter((at) => {
    const [left, top, right, bottom] = boxAround(at, width - 8, height - 4); // letters may touch the line
    return [[left, top], [right, top], [right, bottom], [left, bottom]].every((corner) => isWithin(corner, ring));
  });
}

/** Whether a point is inside a ring: the lines to its right are odd. */
function isWithin([x, y], ring) {
  let inside = false;
  for (let index = 0, before = ring.length - 1; index < ring.length; before = index, index += 1) {
    const [[x1, y1], [x2, y2]] = [ring[index], ring[before]];
    if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) inside = !inside;
  }
  return inside;
}
