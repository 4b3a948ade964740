/** What lies before a driver, in the order in which it is met: how far, how soon, and whether it concerns them. */
import { inReadingOrder, isOver, keyOf, rank, SEVERITIES } from "../model.js";
import { unfitDetour } from "./detours.js";
import { isInForce, nextForce } from "./force.js";
import { bearing, distanceTo, pointsOf } from "./way.js";

const PASSED_M = 30; // what ends this far behind is behind
const BESIDE = 1.3; // streets are longer than the crow flies
const MARGIN_S = 120; // how wrong a time of arrival may be, and a tenth of the way there
const BEHIND_DEGREES = 100;

/**
 * Where a driver is and what they drive.
 * @typedef {object} Journey
 * @property {import("./way.js").Way | null} way
 * @property {number} corridorM
 * @property {number} passedM how far along the way the driver is
 * @property {[number, number] | null} at
 * @property {number | null} heading
 * @property {number} speedKmh
 * @property {Date} begins when the driver is at `passedM`
 * @property {import("./vehicle.js").Vehicle} vehicle
 * @property {import("./force.js").Wall} wall
 * @property {any[]} others works that may lie on detours
 */

/**
 * @typedef {object} Entry
 * @property {string} key
 * @property {any} feature with the severity for the vehicle
 * @property {"now" | "later" | "not"} mark
 * @property {"vehicle" | "behind" | "over" | ""} why why it is not for this driver
 * @property {number | null} distanceM from the driver, along the way if there is one
 * @property {number | null} secondsAway
 * @property {Date | null} since when it begins or resumes, of what is for later
 * @property {any[]} stops restrictions that stop the vehicle
 * @property {import("./detours.js").Unfit | null} detour why its detours are not for the vehicle
 */

/**
 * Return what lies before a driver, nearest first; what is passed is left out.
 * @param {Iterable<any>} features
 * @param {Journey} journey
 * @returns {Entry[]}
 */
export function entriesOf(features, journey) {
  return [...features]
    .filter((feature) => feature.properties.kind !== "zone")
    .flatMap((feature) => entryOf(feature, journey) ?? [])
    .sort(inOrder);
}

/** Return the first entry that concerns the driver: what is shown large and said aloud. @param {Entry[]} entries */
export const nextOf = (entries) => entries.find(({ mark, feature }) => mark === "now" && feature.properties.kind === "works") ?? null;

function inOrder(one, other) {
  return (
    (one.distanceM ?? Infinity) - (other.distanceM ?? Infinity) ||
    Number(one.mark === "not") - Number(other.mark === "not") ||
    inReadingOrder(one.feature, other.feature)
  ) || 0;
}

function entryOf(feature, journey) {
  const place = placeOn(feature, journey);
  if (place.isPassed) return null;
  const secondsAway = place.distanceM === null ? null : reachOf(place.distanceM, journey);
  const shown = forVehicle(feature, journey.vehicle);
  return {
    key: keyOf(feature),
    feature: shown,
    distanceM: place.distanceM,
    secondsAway,
    ...markOf(shown, place, secondsAway ?? 0, journey),
    ...(feature.properties.kind === "works" ? passage(feature, journey) : { stops: [], detour: null }),
  };
}

function passage(feature, { vehicle, others }) {
  return { stops: vehicle.stoppedBy(feature.properties.impact), detour: unfitDetour(feature, vehicle, others) };
}

/** Return where a feature is, seen by the driver. */
function placeOn(feature, { way, corridorM, passedM, at, heading }) {
  if (way) {
    const { beginM, endM } = way.extent(feature.geometry, corridorM, passedM);
    return { distanceM: Math.max(0, beginM - passedM), isPassed: endM < passedM - PASSED_M, isBehind: false };
  }
  const distanceM = at ? distanceTo(at, feature.geometry) : null;
  return { distanceM, isPassed: false, isBehind: isBehind(feature, at, heading) };
}

function isBehind({ geometry }, at, heading) {
  if (!at || heading === null) return false;
  return pointsOf(geometry).every((point) => {
    const turn = Math.abs(((bearing(at, /** @type {any} */ (point)) - heading + 540) % 360) - 180);
    return turn > BEHIND_DEGREES;
  });
}

function reachOf(distanceM, { speedKmh, way }) {
  return (distanceM * (way ? 1 : BESIDE)) / (speedKmh / 3.6);
}

const dressed = new WeakMap();

/** Return a works with the severity for the vehicle; the same value for the same works, so that nothing is drawn anew. */
function forVehicle(feature, vehicle) {
  if (feature.properties.kind !== "works") return feature;
  const known = dressed.get(feature);
  if (known?.vehicle === vehicle) return known.shown;
  const severity = vehicle.hindrance(feature.properties.impact);
  const shown = { ...feature, properties: { ...feature.properties, severity } };
  dressed.set(feature, { vehicle, shown });
  return shown;
}

function markOf(feature, place, secondsAway, { begins, wall }) {
  const { properties } = feature;
  const not = (why) => ({ mark: "not", why, since: null });
  if (isOver(feature)) return not("over");
  if (properties.kind !== "works") return { mark: "now", why: "", since: null };
  if (rank(feature) === SEVERITIES.indexOf("none")) return not("vehicle");
  if (place.isBehind) return not("behind");
  const arrival = begins.getTime() + secondsAway * 1000;
  const margin = secondsAway ? (MARGIN_S + secondsAway / 10) * 1000 : 0;
  const moments = [arrival - margin, arrival, arrival + margin].map((at) => new Date(Math.max(at, begins.getTime())));
  if (moments.some((at) => isInForce(properties, at, wall))) return { mark: "now", why: "", since: null };
  return { mark: "later", why: "", since: nextForce(properties, new Date(arrival), wall) };
}
