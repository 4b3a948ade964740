/** A driver's vehicle, and how much works hinder it: the rules of geoworks/model/severity.py, over the table of the service. */
import { SEVERITIES } from "../model.js";

/**
 * The table as the service tells it: severities by the order of `modes`.
 * @typedef {object} Table
 * @property {string[]} modes
 * @property {Record<string, Record<string, string[]>>} rows by field of the impact and its value
 * @property {string[]} unknownLimit
 * @property {Record<string, number[]>} usualSize metres or tonnes by type of limit
 */

/** @typedef {{class: string, height_m?: number, width_m?: number, length_m?: number, weight_t?: number}} Profile */

const SIZES = {
  "reduced-height": "height_m", "reduced-width": "width_m", "reduced-length": "length_m",
  "reduced-weight": "weight_t", "gross-weight-limit": "weight_t", "axle-load-limit": "axle_t",
};
const OWN_WAY = new Set(["open", "narrowed", "diverted"]);
const EXEMPT = new Set(["bus", "bicycle", "emergency"]);

export class Vehicle {
  #profile;
  #table;
  #column;

  /** @param {Profile} profile @param {Table} table */
  constructor(profile, table) {
    this.#profile = profile;
    this.#table = table;
    this.#column = table.modes.indexOf(profile.class);
  }

  get class() {
    return this.#profile.class;
  }

  /** Return how much an impact hinders this vehicle. @param {any} impact of a works @returns {string} a severity */
  hindrance(impact) {
    const mode = this.#profile.class;
    if (mode === "emergency" && impact.emergency_passage === "no") return "blocked";
    const found = worst(this.#counted(impact));
    const passes = (mode === "emergency" && impact.emergency_passage === "yes") || (EXEMPT.has(mode) && (impact.exempt ?? []).includes(mode));
    return passes && SEVERITIES.indexOf(found) > 1 ? "low" : found;
  }

  /** Return the restrictions that stop this vehicle. @param {any} impact @returns {any[]} */
  stoppedBy(impact) {
    if (this.#goesAside(impact)) return [];
    return (impact.restrictions ?? []).filter((restriction) => this.#restricted(restriction) === "blocked");
  }

  /** Return the size that a type of limit is compared with: told, or the usual one. @param {string} type */
  size(type) {
    const usual = this.#table.usualSize[type]?.[this.#column] ?? 0;
    const { weight_t: weight } = this.#profile;
    // One axle carries the usual load at most, or all of a lighter vehicle.
    if (type === "axle-load-limit") return weight === undefined ? usual : Math.min(weight, usual);
    return this.#profile[SIZES[type]] ?? usual;
  }

  *#counted(impact) {
    if (!this.#goesAside(impact)) {
      yield this.#row("vehicle_impact", impact.vehicle_impact);
      for (const restriction of impact.restrictions ?? []) yield this.#restricted(restriction);
    }
    for (const field of ["footway", "cycleway", "parking"]) yield this.#row(field, impact[field]);
  }

  /** Cyclists with a way of their own do not meet what happens to the lanes. */
  #goesAside(impact) {
    return this.#profile.class === "bicycle" && OWN_WAY.has(impact.cycleway);
  }

  #row(field, value) {
    return this.#table.rows[field][value ?? "unknown"]?.[this.#column] ?? "medium";
  }

  #restricted({ type, value }) {
    if (!(type in this.#table.usualSize)) return this.#row("restrictions", type);
    if (value === null || value === undefined) return this.#table.unknownLimit[this.#column];
    return this.size(type) > value ? this.#row("restrictions", type) : "none";
  }
}

function worst(severities) {
  return SEVERITIES[Math.max(0, ...[...severities].map((severity) => SEVERITIES.indexOf(severity)))];
}
