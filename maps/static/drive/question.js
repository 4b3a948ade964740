/** What the page asks the stream about a driver's choice. */

export const CORRIDOR_M = 50;
const HORIZON = "PT12H";
const HORIZON_EVERYTHING = "P7D";
const MOST_CHARACTERS = 24_000; // a frame holds 32 KiB, and more than the area

/**
 * Return the question of a choice.
 * @param {import("./choice.js").Choice} choice
 * @param {{areaId?: string | null, depart: Date, everything: boolean}} setting `areaId` of a route that was posted;
 *   `everything`: also what is not for this driver, so that the page can say why
 */
export function questionOf(choice, { areaId = null, depart, everything }) {
  const question = { id: "drive", area: areaOf(choice, { areaId, depart, everything }), kinds: choice.reports ? ["works", "report"] : ["works"] };
  if (!everything) question.vehicle = choice.vehicle;
  // On a route the time of arrival decides.
  if (everything || choice.place !== "route") question.horizon = everything ? HORIZON_EVERYTHING : HORIZON;
  return question;
}

function areaOf(choice, { areaId, depart, everything }) {
  if (choice.place === "zones") return { zones: choice.zones };
  if (choice.place === "around") return { around_me: { radius_m: choice.radiusM } };
  return areaId ? { area_id: areaId } : { route: routeOf(choice, { depart, everything }) };
}

/** Return a route as the stream and `/v1/areas` take it. */
export function routeOf({ line, speedKmh }, { depart, everything }) {
  const route = { line: { type: "LineString", coordinates: line }, corridor_m: CORRIDOR_M };
  return everything ? route : { ...route, depart: depart.toISOString(), speed_kmh: speedKmh };
}

/** Whether a route fits a frame; a longer one, or one from a file, is posted to `/v1/areas`. */
export const fitsFrame = ({ line }) => JSON.stringify(line).length <= MOST_CHARACTERS;

/** Whether there is enough to ask: a route, a zone. */
export function isComplete({ place, line, zones }) {
  return place === "around" || (place === "route" ? line.length > 1 : zones.length > 0);
}
