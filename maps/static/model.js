/** The features a page knows, and what can be asked of them. No page, no map: plain values. */

export const SEVERITIES = ["none", "low", "medium", "high", "blocked"];
export const LEVELS = ["free", "light", "disturbed", "heavy", "blocked"];
const STATUSES = ["active", "paused", "planned", "completed", "cancelled"];
const SPOTS = [0.5, 0.38, 0.62, 0.25, 0.75, 0.12, 0.88]; // how far along its works a marker may stand, best first
const OVER = new Set(["completed", "cancelled", "resolved", "refused"]);

/** Return what names a feature among those of every kind. */
export const keyOf = (feature) => `${feature.properties.kind} ${feature.id}`;

/** Return how much a feature hinders, 0 (none) to 4 (blocked); a zone by its level, a report not at all. */
export function rank({ properties }) {
  if (properties.kind === "zone") return LEVELS.indexOf(properties.level);
  return properties.kind === "works" ? SEVERITIES.indexOf(properties.severity) : 0;
}

/** Whether nothing will come of a feature any more. */
export const isOver = ({ properties }) => OVER.has(properties.status);

/** Order for reading: what is on before what will be, the worst first, then the soonest. */
export function inReadingOrder(one, other) {
  return (
    statusRank(one) - statusRank(other) ||
    rank(other) - rank(one) ||
    String(startOf(one)).localeCompare(String(startOf(other))) ||
    String(one.id).localeCompare(String(other.id))
  );
}

function statusRank({ properties }) {
  // What pauses until tonight is as much on as what is on.
  return properties.kind === "works" ? Math.max(1, STATUSES.indexOf(properties.status)) : 0;
}

function startOf({ properties }) {
  return properties.schedule?.start ?? properties.created ?? "";
}

/**
 * What a reader wants to see.
 * @typedef {object} Wish
 * @property {string} text words of a street, a title, a zone
 * @property {number} least smallest rank of a works
 * @property {Set<string>} kinds
 * @property {boolean} nowOnly only what is on now
 * @property {Date | null} from
 * @property {Date | null} to end of the dates, not included
 */

/**
 * Whether a feature is what the reader wants to see.
 * @param {any} feature
 * @param {Wish} wish
 * @param {(id: string) => string} zoneName
 */
export function matches(feature, wish, zoneName) {
  const { kind } = feature.properties;
  if (!wish.kinds.has(kind) || isOver(feature)) return false;
  if (kind === "works" && !(rank(feature) >= wish.least && inPeriod(feature.properties, wish))) return false;
  return !wish.text || plain(wordsOf(feature, zoneName)).includes(plain(wish.text));
}

function inPeriod({ schedule, status }, { nowOnly, from, to }) {
  if (nowOnly && status !== "active" && status !== "paused") return false;
  const end = schedule.actual_end ?? schedule.end;
  if (from && end && new Date(end) <= from) return false;
  return !(to && new Date(schedule.actual_start ?? schedule.start) >= to);
}

function wordsOf({ id, properties }, zoneName) {
  const { title, name, place, reference, road_names: roads = [], effects = [], zones = [] } = properties;
  const around = [...effects.map(({ zone }) => zone), ...zones].map(zoneName);
  return [id, title, name, place, reference, ...roads, ...around].filter(Boolean).join(" ");
}

/** Return a text without case, accents and punctuation, for searching. */
export function plain(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase().replace(/[^\p{L}\p{N}]+/gu, " ").trim();
}

/**
 * Return the point that stands for a geometry, `[lon, lat]`: the middle of its longest line, the centre of an area.
 * @param {any} geometry GeoJSON
 * @param {number} [share] how far along the line
 * @returns {[number, number]}
 */
export function anchor(geometry, share = 0.5) {
  const part = longestPart(geometry);
  if (geometry.type.endsWith("Point")) return part;
  return geometry.type.endsWith("Polygon") ? centroid(part[0]) : along(part, share);
}

/** Return where the marker of a geometry may stand, best first. */
export const spotsOf = (geometry) => (geometry.type.endsWith("LineString") ? SPOTS : [0.5]).map((share) => anchor(geometry, share));

/** Return the longest line, the largest outline of a geometry. */
export function outline(geometry) {
  const part = longestPart(geometry);
  return geometry.type.endsWith("Polygon") ? part[0] : part;
}

function longestPart({ type, coordinates, geometries }) {
  if (type === "GeometryCollection") return longestPart(geometries[0]);
  if (!type.startsWith("Multi")) return coordinates;
  const size = (part) => JSON.stringify(part).length;
  return coordinates.reduce((longest, part) => (size(part) > size(longest) ? part : longest));
}

function along(line, portion) {
  const steps = line.slice(1).map(([x, y], index) => Math.hypot(x - line[index][0], y - line[index][1]));
  let left = steps.reduce((sum, step) => sum + step, 0) * portion;
  const index = steps.findIndex((step) => (left -= step) <= 0);
  if (index < 0) return line[0];
  const share = steps[index] ? 1 + left / steps[index] : 0;
  return line[index].map((value, axis) => value + (line[index + 1][axis] - value) * share);
}

function centroid(ring) {
  // Relative to the first corner: products of whole coordinates would lose what the area is made of.
  const [[originX, originY]] = ring;
  let [area, sumX, sumY] = [0, 0, 0];
  for (let index = 1; index < ring.length; index += 1) {
    const [x1, y1, x2, y2] = [...ring[index - 1], ...ring[index]].map((v, axis) => v - (axis % 2 ? originY : originX));
    const cross = x1 * y2 - x2 * y1;
    area += cross;
    sumX += (x1 + x2) * cross;
    sumY += (y1 + y2) * cross;
  }
  return area ? [originX + sumX / (3 * area), originY + sumY / (3 * area)] : [originX, originY];
}

/** Return the metres between two `[lon, lat]` (good to 0.5 % over a town). */
export function metres([lon1, lat1], [lon2, lat2]) {
  const degree = 111_195;
  return Math.hypot((lon2 - lon1) * Math.cos((lat1 * Math.PI) / 180), lat2 - lat1) * degree;
}
