/** A route in metres: how far along it places and works lie. Plain values, no page. */
import { metres } from "../model.js";

const CHUNK = 64; // segments that share one box
const TIE_M = 15; // places this much farther than the nearest may be meant too: a route that comes back the same street
const STEP_M = 25; // how close together points are taken from a works' line
const BACK_M = 50; // a position may be this far behind the one before
const DEGREE_M = 111_195;

/** @typedef {[lon: number, lat: number]} Lonlat degrees (EPSG:4326) */

export class Way {
  #line;
  #along = [0];
  #chunks = [];
  #near = new WeakMap(); // of each geometry's points: a driver moves, works do not

  /** @param {Lonlat[]} line two places or more */
  constructor(line) {
    this.#line = line;
    for (let index = 1; index < line.length; index += 1) {
      this.#along.push(this.#along[index - 1] + metres(line[index - 1], line[index]));
    }
    for (let first = 0; first < line.length - 1; first += CHUNK) this.#chunks.push(chunk(line, first));
  }

  get line() {
    return this.#line;
  }

  get lengthM() {
    return this.#along.at(-1);
  }

  /**
   * Return how far along the route a place is, and how far off it: of several passes, the first that is not behind.
   * @param {Lonlat} at
   * @param {number} [passedM] how far along the driver has been
   * @returns {{alongM: number, offM: number}}
   */
  locate(at, passedM = 0) {
    return choose(this.#nearest(at), passedM);
  }

  /**
   * Return from where to where a geometry lies along the route, and how far off its nearest point is.
   * @param {any} geometry GeoJSON
   * @param {number} corridorM
   * @param {number} [passedM]
   * @returns {{beginM: number, endM: number, offM: number}}
   */
  extent(geometry, corridorM, passedM = 0) {
    const near = this.#near.get(geometry) ?? pointsOf(geometry).map((at) => this.#nearest(at));
    this.#near.set(geometry, near);
    const found = near.map((one) => choose(one, passedM));
    const offM = Math.min(...found.map((one) => one.offM));
    const inside = found.filter((one) => one.offM <= Math.max(corridorM, offM + 1)).map((one) => one.alongM);
    return { beginM: Math.min(...inside), endM: Math.max(...inside), offM };
  }

  /** Return the places on the route that are as near to a place as it gets, or nearly. */
  #nearest(at) {
    const away = this.#chunks.map(({ box }) => outside(at, box));
    // The nearest box first: most of the others are then too far to be looked into.
    const nearest = away.indexOf(away.reduce((one, other) => Math.min(one, other)));
    const found = this.#inChunk(at, nearest, Infinity);
    let best = Math.min(...found.map(({ offM }) => offM));
    for (let index = 0; index < away.length; index += 1) {
      if (index === nearest || away[index] > best + TIE_M) continue;
      for (const one of this.#inChunk(at, index, best + TIE_M)) {
        best = Math.min(best, one.offM);
        found.push(one);
      }
    }
    return found.filter(({ offM }) => offM <= best + TIE_M);
  }

  #inChunk(at, chunk, mostM) {
    const { first, last } = this.#chunks[chunk];
    const found = [];
    for (let index = first; index < last; index += 1) {
      const one = this.#onSegment(at, index);
      if (one.offM <= mostM) found.push(one);
    }
    return found;
  }

  #onSegment(at, index) {
    const [begin, end] = [toMetres(this.#line[index], at), toMetres(this.#line[index + 1], at)];
    const [dx, dy] = [end[0] - begin[0], end[1] - begin[1]];
    const square = dx * dx + dy * dy;
    const share = square ? Math.min(1, Math.max(0, -(begin[0] * dx + begin[1] * dy) / square)) : 0;
    const offM = Math.hypot(begin[0] + share * dx, begin[1] + share * dy);
    return { alongM: this.#along[index] + share * (this.#along[index + 1] - this.#along[index]), offM };
  }
}

/** Choose the pass that comes next. */
function choose(near, passedM) {
  const ahead = near.filter(({ alongM }) => alongM >= passedM - BACK_M);
  const from = ahead.length ? ahead : near;
  return closest(near, from.reduce((one, other) => (other.alongM < one.alongM ? other : one)));
}

/** The nearest place of the pass that `chosen` belongs to: its own segment may only touch the neighbourhood. */
function closest(near, chosen) {
  const samePass = near.filter(({ alongM }) => Math.abs(alongM - chosen.alongM) <= 2 * TIE_M);
  return samePass.reduce((one, other) => (other.offM < one.offM ? other : one), chosen);
}

function chunk(line, first) {
  const last = Math.min(first + CHUNK, line.length - 1);
  const places = line.slice(first, last + 1);
  const [lons, lats] = [places.map(([lon]) => lon), places.map(([, lat]) => lat)];
  return { first, last, box: [Math.min(...lons), Math.min(...lats), Math.max(...lons), Math.max(...lats)] };
}

/** Metres between a place and a box; 0 inside. */
function outside([lon, lat], [west, south, east, north]) {
  const [x, y] = [Math.max(west - lon, 0, lon - east), Math.max(south - lat, 0, lat - north)];
  return x || y ? metres([0, lat], [x, lat + y]) : 0;
}

/** Metres east and north of an origin, good near it. */
function toMetres([lon, lat], [originLon, originLat]) {
  return [(lon - originLon) * Math.cos((originLat * Math.PI) / 180) * DEGREE_M, (lat - originLat) * DEGREE_M];
}

/**
 * Return the points a geometry is measured by: its corners, and points along its lines.
 * @param {any} geometry GeoJSON
 * @returns {Lonlat[]}
 */
export function pointsOf(geometry) {
  const known = points.get(geometry);
  if (known) return known;
  const found = measured(geometry);
  points.set(geometry, found);
  return found;
}

const points = new WeakMap();

function measured({ type, coordinates, geometries }) {
  if (type === "GeometryCollection") return geometries.flatMap(measured);
  const lines = { Point: [[coordinates]], MultiPoint: [coordinates], LineString: [coordinates], MultiLineString: coordinates, Polygon: coordinates };
  return (lines[type] ?? coordinates.flat()).flatMap(type.endsWith("Point") ? (line) => line : dense);
}

function dense(line) {
  return line.flatMap((at, index) => {
    const next = line[index + 1];
    if (!next) return [at];
    const steps = Math.min(200, Math.max(1, Math.ceil(metres(at, next) / STEP_M)));
    return Array.from({ length: steps }, (_, step) => at.map((value, axis) => value + ((next[axis] - value) * step) / steps));
  });
}

/** Return the metres from a place to the nearest point of a geometry. @param {Lonlat} at @param {any} geometry */
export function distanceTo(at, geometry) {
  return Math.min(...pointsOf(geometry).map((point) => metres(at, /** @type {Lonlat} */ (point))));
}

/** Return the way from one place to another, in degrees from north. @param {Lonlat} from @param {Lonlat} to */
export function bearing(from, to) {
  const [east, north] = toMetres(to, from);
  return (Math.atan2(east, north) * 180) / Math.PI + (east < 0 ? 360 : 0);
}
