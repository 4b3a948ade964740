/** Read vector tiles. Their features lie on the world as a square of side 1 (Web Mercator), x to the east, y to the south. */
import { url } from "../page.js";
import { classifyRings, VectorTile } from "../vendor/@mapbox/vector-tile/index.js";
import { PbfReader } from "../vendor/pbf/index.js";
import { boxOf } from "./plane.js";

const PATIENCE_MS = 20_000;
const LAYERS = { zone: "zones", works: "works", report: "reports" };

/** The kinds of features that have tiles. */
export const KINDS = Object.keys(LAYERS);

/**
 * @typedef {{z: number, x: number, y: number}} Address
 * @typedef {{id: string, geometry: any, box: import("./plane.js").Box, properties: {kind: string, [name: string]: any}}} Drawn
 */

/**
 * Read the features of a kind in a tile; the browser keeps tiles and asks by their tags.
 * @param {string} kind
 * @param {Address} address
 * @param {AbortSignal} signal
 * @returns {Promise<{features: Drawn[], leftOut: number}>} how many were too many for the tile
 * @throws {Error} it cannot be had
 */
export async function readTile(kind, { z, x, y }, signal) {
  const patience = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE_MS)]);
  const answer = await fetch(url(`/tiles/${LAYERS[kind]}/${z}/${x}/${y}.pbf`), { signal: patience });
  if (!answer.ok) throw new Error(String(answer.status));
  const leftOut = Number(answer.headers.get("Geoworks-Left-Out") ?? 0);
  return { features: decode(await answer.arrayBuffer(), kind, { z, x, y }), leftOut };
}

/**
 * Decode the features of a kind; a tile where nothing is has no bytes.
 * @param {ArrayBuffer} bytes
 * @param {string} kind
 * @param {Address} address
 * @returns {Drawn[]}
 */
export function decode(bytes, kind, address) {
  const layer = new VectorTile(new PbfReader(bytes)).layers[LAYERS[kind]];
  return Array.from({ length: layer?.length ?? 0 }, (_, index) => {
    const feature = layer.feature(index);
    const { id, ...properties } = feature.properties;
    const geometry = geometryOf(feature, address);
    return { id: String(id), geometry, box: boxOf(geometry), properties: { ...properties, kind } };
  });
}

function geometryOf(feature, { z, x, y }) {
  const across = 2 ** z;
  const place = (point) => [(x + point.x / feature.extent) / across, (y + point.y / feature.extent) / across];
  const lines = feature.loadGeometry();
  if (feature.type === 1) return of("Point", lines.flat().map(place));
  if (feature.type === 2) return of("LineString", lines.map((line) => line.map(place)));
  return of("Polygon", classifyRings(lines).map((rings) => rings.map((ring) => ring.map(place))));
}

const of = (type, parts) => (parts.length === 1 ? { type, coordinates: parts[0] } : { type: `Multi${type}`, coordinates: parts });
