/** The ground of a map drawn from vector tiles: zones, and over them the lines and areas of works. */
import { worksStyle, zoneStyle } from "../ground.js";
import { rank } from "../model.js";
import { boxOf, meet, partsOf, widen } from "./plane.js";
import { KINDS, readTile } from "./tile.js";

const L = globalThis.L;
const SIDE = 512; // pixels
const BEYOND = 64 / 4096; // how much of its side a tile shows of its neighbours
const DEEPEST = 16;

export class TileLayer extends L.GridLayer {
  #tiles = new Map();
  #isShown = () => true;
  #changed;

  /** @param {() => void} changed told when there is something else to see */
  constructor(changed) {
    // A side of 512 pixels at the zoom above takes a quarter of the requests.
    super({ pane: "tiled", tileSize: SIDE, minNativeZoom: 1, maxNativeZoom: DEEPEST + 1, keepBuffer: 1, noWrap: true, updateWhenZooming: false });
    this.#changed = changed;
    this.on("tileunload", ({ coords }) => this.#drop(coords));
    this.on("load", changed);
  }

  /** Leaflet's: make the canvas of a tile, and fill it when its features have come. */
  createTile(coords, done) {
    const canvas = document.createElement("canvas");
    const address = { z: coords.z - 1, x: coords.x, y: coords.y };
    const tile = { address, canvas, box: boxOfTile(address), layers: new Map(), turns: new Map(), missing: new Set(), leaving: new AbortController() };
    this.#tiles.set(nameOf(coords), tile);
    this.#read(tile, KINDS).then(() => done(null, canvas));
    return canvas;
  }

  /** The tiles of the zoom that shows. */
  get shown() {
    const { minNativeZoom, maxNativeZoom } = this.options;
    const zoom = Math.max(minNativeZoom, Math.min(maxNativeZoom, Math.round(this._map.getZoom()))) - 1;
    return [...this.#tiles.values()].filter(({ address }) => address.z === zoom);
  }

  /** Draw only what passes. @param {(feature: import("./tile.js").Drawn) => boolean} isShown */
  show(isShown) {
    this.#isShown = isShown;
    this.repaint();
  }

  /** Draw everything again, in the colours of now. */
  repaint() {
    for (const tile of this.#tiles.values()) this.#paint(tile);
  }

  /**
   * Read again what lies where something changed.
   * @param {{kind: string, box: import("./plane.js").Box}[]} places
   */
  async refresh(places) {
    const reads = [...this.#tiles.values()].map((tile) => {
      const around = widen(tile.box, (tile.box[2] - tile.box[0]) * BEYOND);
      const kinds = new Set(places.filter(({ box }) => meet(box, around)).map(({ kind }) => kind));
      return this.#read(tile, [...kinds]);
    });
    await Promise.all(reads);
    this.#changed();
  }

  /** Read again everything, or what could not be read. */
  async again({ onlyMissing = false } = {}) {
    await Promise.all([...this.#tiles.values()].map((tile) => this.#read(tile, onlyMissing ? [...tile.missing] : KINDS)));
    this.#changed();
  }

  #drop(coords) {
    this.#tiles.get(nameOf(coords))?.leaving.abort();
    this.#tiles.delete(nameOf(coords));
  }

  async #read(tile, kinds) {
    if (!kinds.length) return;
    await Promise.all(kinds.map((kind) => this.#readKind(tile, kind)));
    if (!tile.leaving.signal.aborted) this.#paint(tile);
  }

  async #readKind(tile, kind) {
    const turn = (tile.turns.get(kind) ?? 0) + 1;
    tile.turns.set(kind, turn);
    const layer = await readTile(kind, tile.address, tile.leaving.signal).catch(() => null);
    if (turn !== tile.turns.get(kind)) return; // asked again meanwhile
    // What was read before stays until it is read anew.
    if (layer) tile.layers.set(kind, layer);
    if (layer) tile.missing.delete(kind);
    else tile.missing.add(kind);
  }

  #paint({ canvas, address, layers }) {
    const scale = globalThis.devicePixelRatio || 1;
    canvas.width = canvas.height = SIDE * scale;
    const pen = canvas.getContext("2d");
    pen.scale(scale, scale);
    const across = 2 ** address.z;
    const place = ([x, y]) => [(x * across - address.x) * SIDE, (y * across - address.y) * SIDE];
    for (const [kind, styleOf] of [["zone", zoneStyle], ["works", worksStyle]]) {
      const features = (layers.get(kind)?.features ?? []).filter(this.#isShown);
      for (const alike of groups(features)) stroke(pen, alike, place, fit(styleOf(alike[0]), address.z));
    }
  }
}

const nameOf = ({ x, y, z }) => `${z}/${x}/${y}`;

const boxOfTile = ({ z, x, y }) => boxOf({ type: "LineString", coordinates: [[x, y], [x + 1, y + 1]].map((at) => at.map((value) => value / 2 ** z)) });

/** Return a style for a zoom: from afar lines as wide as in a street would be all there is to see. */
const fit = (style, z) => ({ ...style, weight: style.weight * Math.max(0.35, Math.min(1, (z - 7) / 6)) });

/** Return features that look the same together, the worst last, so that it lies on top. */
function groups(features) {
  const found = new Map();
  for (const feature of features) {
    const { severity, status, level } = feature.properties;
    const look = `${severity} ${status} ${level}`;
    if (!found.has(look)) found.set(look, []);
    found.get(look).push(feature);
  }
  return [...found.values()].sort(([one], [other]) => rank(one) - rank(other));
}

function stroke(pen, features, place, style) {
  const [lines, areas] = [new Path2D(), new Path2D()];
  for (const { geometry } of features) {
    if (geometry.type.endsWith("Point")) continue; // its marker says it all
    const isArea = geometry.type.endsWith("Polygon");
    for (const line of partsOf(geometry).flat()) trace(isArea ? areas : lines, line.map(place));
  }
  pen.fillStyle = style.fillColor ?? style.color;
  pen.globalAlpha = style.fillOpacity;
  pen.fill(areas, "evenodd");
  Object.assign(pen, { strokeStyle: style.color, lineWidth: style.weight, lineCap: "round", lineJoin: "round", globalAlpha: style.opacity ?? 1 });
  pen.setLineDash(style.dashArray?.split(" ").map(Number) ?? []);
  pen.stroke(areas);
  pen.stroke(lines);
}

function trace(path, [first, ...others]) {
  path.moveTo(...first);
  for (const at of others) path.lineTo(...at);
}
