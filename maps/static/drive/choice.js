/** What a driver chose: kept on this device and nowhere else. */

const NAME = "geoworks.drive";
export const CLASSES = ["car", "hgv", "bus", "bicycle", "pedestrian", "wheelchair", "emergency"];
export const USUAL_KMH = { car: 40, hgv: 35, bus: 20, bicycle: 15, pedestrian: 4, wheelchair: 4, emergency: 50 };
const PLACES = ["route", "around", "zones"];
const MOST_KEPT = 400_000; // a browser keeps some megabytes for all pages together

/**
 * @typedef {object} Choice
 * @property {"route" | "around" | "zones"} place
 * @property {[number, number][]} line the route, lon/lat; empty for none
 * @property {string} source where the route is from: a file's name, or "" for drawn
 * @property {number} radiusM
 * @property {string[]} zones
 * @property {import("./vehicle.js").Profile} vehicle
 * @property {number} speedKmh
 * @property {string} depart RFC 3339, or "" for now
 * @property {boolean} reports whether reports of residents show too
 * @property {boolean} voice
 * @property {boolean} sound
 * @property {boolean} notify
 */

/** @returns {Choice} */
export const firstChoice = () => ({
  place: "route", line: [], source: "", radiusM: 2000, zones: [], vehicle: { class: "car" }, speedKmh: USUAL_KMH.car, depart: "",
  reports: false, voice: true, sound: false, notify: false,
});

/** Return what was kept; what is damaged or forbidden counts for nothing. @param {Storage} [storage] */
export function keptChoice(storage = globalThis.localStorage) {
  try {
    return readChoice(JSON.parse(storage.getItem(NAME) ?? "{}"));
  } catch {
    return firstChoice();
  }
}

/** @param {Choice} choice @param {Storage} [storage] */
export function keepChoice(choice, storage = globalThis.localStorage) {
  // A departure is for once.
  const kept = JSON.stringify({ ...choice, depart: "" });
  try {
    storage.setItem(NAME, kept.length <= MOST_KEPT ? kept : JSON.stringify({ ...choice, depart: "", line: [], source: "" }));
  } catch {
    // A private window keeps nothing; the page works without.
  }
}

/** Read a choice of an earlier release or a hand: field by field. @returns {Choice} */
export function readChoice(given) {
  const first = firstChoice();
  const among = (value, allowed, usual) => (allowed.includes(value) ? value : usual);
  const isLine = Array.isArray(given.line) && given.line.length > 1 && given.line.every(isPlace);
  return {
    ...first,
    ...Object.fromEntries(["reports", "voice", "sound", "notify"].map((name) => [name, typeof given[name] === "boolean" ? given[name] : first[name]])),
    place: among(given.place, PLACES, first.place),
    line: isLine ? given.line : [],
    source: isLine && typeof given.source === "string" ? given.source : "",
    radiusM: within(given.radiusM, 100, 50_000) ?? first.radiusM,
    zones: Array.isArray(given.zones) ? given.zones.filter((zone) => typeof zone === "string") : [],
    vehicle: readVehicle(given.vehicle ?? {}),
    speedKmh: within(given.speedKmh, 1, 200) ?? first.speedKmh,
  };
}

function readVehicle(given) {
  const vehicle = { class: CLASSES.includes(given.class) ? given.class : "car" };
  for (const name of ["height_m", "width_m", "length_m", "weight_t"]) {
    const size = within(given[name], 0.01, 1000);
    if (size !== null) vehicle[name] = size;
  }
  return vehicle;
}

function isPlace(at) {
  return Array.isArray(at) && within(at[0], -180, 180) !== null && within(at[1], -90, 90) !== null;
}

function within(value, least, most) {
  return typeof value === "number" && value >= least && value <= most ? value : null;
}
