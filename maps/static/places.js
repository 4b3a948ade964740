/** The places the town knows by name: streets of works, works, zones. Enough to put a marker near what is typed. */
import { anchor, metres, plain } from "./model.js";

const ARTICLES = new Set(["de", "du", "des", "la", "le", "les", "l", "d", "a", "au", "aux", "et", "rue", "avenue", "place"]);

/** @typedef {{name: string, at: [number, number]}} Place */

/**
 * Gather the named places of features; a name that comes twice keeps its first place.
 * @param {any[]} features
 * @returns {Place[]}
 */
export function placesOf(features) {
  const found = new Map();
  for (const { geometry, properties } of features) {
    const names = properties.kind === "zone" ? [properties.name] : properties.road_names;
    for (const name of names ?? []) if (!found.has(plain(name))) found.set(plain(name), { name, at: anchor(geometry) });
  }
  return [...found.values()].sort((one, other) => one.name.localeCompare(other.name));
}

/**
 * Find the place a typed text means: the longest name all of whose telling words are in it.
 * @param {string} text
 * @param {Place[]} places
 * @returns {Place | null}
 */
export function findPlace(text, places) {
  const typed = new Set(plain(text).split(" "));
  const meant = places.filter(({ name }) => {
    const telling = tellingWords(name);
    return telling.length > 0 && telling.every((word) => typed.has(word));
  });
  return meant.sort((one, other) => other.name.length - one.name.length)[0] ?? null;
}

/** Return the named place nearest to a point, if it is within `within` metres. */
export function nearestPlace(at, places, within = 120) {
  const near = places.map((place) => ({ place, distance: metres(at, place.at) })).filter(({ distance }) => distance <= within);
  return near.sort((one, other) => one.distance - other.distance)[0]?.place ?? null;
}

function tellingWords(name) {
  return plain(name).split(" ").filter((word) => !ARTICLES.has(word));
}
