/** Whether a vehicle can take the detour that works advise. */
import { pointsOf, Way } from "./way.js";

const ON_M = 15; // works this near to a detour's line lie on it
const LEAST_M = 20; // and so much of them; less is a crossing
// What the texts of detours say of limits: a number with its unit, and what it limits by the words before it.
const LIMIT = /(\d+(?:[.,]\d+)?)\s*(tonnes?|t|metres?|mètres?|m)(?![\p{L}\d])/giu;
const WORDS = [
  ["reduced-height", /haut|height|high|gabarit/iu],
  ["reduced-width", /largeur|wid/iu],
  ["reduced-length", /long|length/iu],
];
const NO_LORRIES = /(interdit\w* (aux |de )?(poids[ -]lourds|pl\b|camions)|sauf (poids[ -]lourds|pl\b|camions)|(v[ée]hicules? l[ée]gers?|vl) (seulement|uniquement)|no (lorries|trucks|hgvs?)|(cars?|light vehicles) only|except (lorries|trucks|hgvs?))/iu;

/**
 * @typedef {{why: "works", works: any} | {why: "limit", type: string, value: number} | {why: "no-trucks"}} Unfit
 */

/**
 * Say why none of the detours of works is for a vehicle; null when one is, or when there is none.
 * @param {any} feature works
 * @param {import("./vehicle.js").Vehicle} vehicle
 * @param {any[]} others works that may lie on its detours
 * @returns {Unfit | null}
 */
export function unfitDetour(feature, vehicle, others) {
  const found = (feature.properties.impact.detours ?? []).map((detour) => unfit(detour, vehicle, others.filter(({ id }) => id !== feature.id)));
  return found.length && found.every(Boolean) ? found[0] : null;
}

function unfit({ text, geometry }, vehicle, others) {
  return unfitText(text ?? "", vehicle) ?? (geometry ? unfitWorks(geometry, vehicle, others) : null);
}

function unfitWorks(geometry, vehicle, others) {
  const works = others.find((other) => vehicle.hindrance(other.properties.impact) === "blocked" && liesOn(other.geometry, geometry));
  return works ? { why: "works", works } : null;
}

/** @returns {Unfit | null} */
function unfitText(text, vehicle) {
  if (vehicle.class === "hgv" && NO_LORRIES.test(text)) return { why: "no-trucks" };
  for (const found of text.matchAll(LIMIT)) {
    const type = limitType(text.slice(0, found.index), found[2]);
    const value = Number(found[1].replace(",", "."));
    if (type && vehicle.size(type) > value) return { why: "limit", type, value };
  }
  return null;
}

/** A number of tonnes is a weight; one of metres limits what the last words before it name, and may be any length. */
function limitType(before, unit) {
  if (/^t/iu.test(unit)) return "gross-weight-limit";
  const said = WORDS.map(([type, words]) => [type, before.search(words)]).filter(([, place]) => place >= 0 && before.length - place < 40);
  return said.length ? said.sort((one, other) => other[1] - one[1])[0][0] : null;
}

/** Whether a works' geometry lies on a detour's lines, not just across them. */
export function liesOn(geometry, detour) {
  const lines = { LineString: [detour.coordinates], MultiLineString: detour.coordinates }[detour.type] ?? [];
  return lines.some((line) => {
    const way = new Way(line);
    const inside = pointsOf(geometry).map((at) => way.locate(at)).filter(({ offM }) => offM <= ON_M).map(({ alongM }) => alongM);
    if (!inside.length) return false;
    return geometry.type === "Point" || Math.max(...inside) - Math.min(...inside) >= LEAST_M;
  });
}

/** Return the box around the detours of features, `[west, south, east, north]` each. @param {any[]} features */
export function detourBoxes(features) {
  return features.flatMap(({ properties }) => (properties.impact?.detours ?? []).filter(({ geometry }) => geometry).map(({ geometry }) => boxOf(geometry)));
}

function boxOf(geometry) {
  const places = pointsOf(geometry);
  const [lons, lats] = [places.map(([lon]) => lon), places.map(([, lat]) => lat)];
  const room = 0.0002; // a line along a parallel has no area
  const round = (value) => Math.round(value * 1e6) / 1e6;
  return [Math.min(...lons) - room, Math.min(...lats) - room, Math.max(...lons) + room, Math.max(...lats) + room].map(round);
}
