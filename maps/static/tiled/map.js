/** A map drawn from vector tiles: it holds what is in view, whatever the town has. */
import { addLocate, detourStyle, ground, worksStyle, zoneStyle } from "../ground.js";
import { ZoneLabels } from "../labels.js";
import { anchor, keyOf, rank, spotsOf } from "../model.js";
import { labelWords, stateOf, titleOf } from "../words.js";
import { TileLayer } from "./layer.js";
import { Pins } from "./pins.js";
import { around, boxOf, degreesOf, meet, moved, planeOf, touches, unite, widen } from "./plane.js";
import { forgetSprites, loadShapes } from "./sprites.js";
import { KINDS } from "./tile.js";

const L = globalThis.L;
const MANY = 150; // markers in view from which on they are gathered
const MOST_NAMES = 100; // zones in view from which on none is named
const REACH = 8; // pixels around a line that belong to it
const MOST_CROSSING = 4;
const BEYOND = 0.2; // how much of the view is drawn beside it, to be seen while the map is moved
const PANES = { tiled: "350", pins: "600" };

/**
 * What is in view.
 * @typedef {object} Sight
 * @property {number} count how many features, with those that were too many to be drawn
 * @property {Set<string>} partial kinds of which some are not drawn
 * @property {boolean} isMissing a tile could not be read
 */

export class TiledMap {
  #map;
  #select;
  #seen;
  #layer;
  #pins;
  #labels;
  #over = L.layerGroup();
  #drawn = new Map();
  #named = new Map();
  /** @type {(feature: any) => boolean} */
  #isShown = () => true;
  /** @type {(key: string) => any} */
  #geometryOf = () => null;
  #chosen = null;
  #looking = 0;

  /**
   * @param {HTMLElement} container
   * @param {(key: string) => void} select told the key of what the reader pressed
   * @param {(sight: Sight) => void} seen told when the view, or what is in it, has changed and is read
   */
  constructor(container, select, seen) {
    this.#select = select;
    this.#seen = seen;
    this.#map = ground(container);
    addLocate(this.#map);
    for (const [name, level] of Object.entries(PANES)) this.#addPane(name, level);
    this.#labels = new ZoneLabels(this.#map);
    this.#pins = new Pins(this.#map);
    this.#layer = new TileLayer(() => this.#lookSoon()).addTo(this.#map);
    this.#over.addTo(this.#map);
    this.#map.on("moveend", () => this.#lookSoon());
    this.#map.on("click", (event) => this.#press(event));
    this.#map.on("mousemove", (event) => this.#hover(event));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#repaint());
    loadShapes().then(() => this.#repaint());
  }

  /** The view in degrees: west, south, east, north. */
  get view() {
    const bounds = this.#map.getBounds();
    return within([bounds.getWest(), bounds.getSouth(), bounds.getEast(), bounds.getNorth()]);
  }

  /** What the tiles that are kept cover, in degrees: the view and some more. */
  get kept() {
    const [west, north, east, south] = around(this.#layer.shown.map(({ box }) => box));
    return within([...degreesOf([west, south]), ...degreesOf([east, north])]);
  }

  /** Return how many features of a kind are drawn in the view. */
  count(kind) {
    return this.#within().filter((feature) => feature.properties.kind === kind && this.#isShown(feature)).length;
  }

  /** Return a feature as the tiles have it. */
  find(key) {
    return this.#drawn.get(key) ?? null;
  }

  /**
   * Draw only what passes.
   * @param {(feature: import("./tile.js").Drawn) => boolean} isShown
   * @param {(key: string) => any} geometryOf the whole of a feature (GeoJSON) if it is held
   */
  show(isShown, geometryOf) {
    this.#isShown = isShown;
    this.#geometryOf = geometryOf;
    this.#layer.show(isShown);
    this.#drawPins();
  }

  /** Read tiles again where features are or were: GeoJSON geometries in degrees. @param {{key: string, geometries: any[]}[]} changes */
  refresh(changes) {
    return this.#layer.refresh(changes.flatMap(({ key, geometries }) => {
      const before = this.#drawn.get(key)?.box;
      const boxes = geometries.map((geometry) => boxOf(moved(geometry, planeOf)));
      return [...boxes, ...(before ? [before] : [])].map((box) => ({ kind: key.split(" ", 1)[0], box }));
    }));
  }

  /** Read again everything, or what could not be read. */
  again(options) {
    return this.#layer.again(options);
  }

  /** Mark one feature and bring it into view; no feature takes the mark away. */
  select(feature) {
    this.#chosen = feature;
    this.#over.clearLayers();
    this.#drawPins();
    if (!feature) return;
    this.#mark(feature);
    const box = L.geoJSON(feature).getBounds();
    if (!this.#map.getBounds().pad(-0.1).contains(box)) this.#map.fitBounds(box, { padding: [60, 60], maxZoom: 17 });
  }

  /** Go nearer, to where the view is in the middle. */
  zoomIn() {
    this.#map.setZoom(Math.min(this.#map.getZoom() + 2, this.#map.getMaxZoom()));
  }

  #addPane(name, level) {
    const pane = this.#map.createPane(name);
    Object.assign(pane.style, { zIndex: level, pointerEvents: "none" });
    // Screen readers find it in the list.
    pane.setAttribute("aria-hidden", "true");
  }

  #lookSoon() {
    this.#looking ||= requestAnimationFrame(() => this.#look());
  }

  /** See what is there; while tiles come in, what was there stays. */
  #look() {
    this.#looking = 0;
    const isComplete = !this.#layer.isLoading();
    if (isComplete) this.#drawn = unite(this.#layer.shown.flatMap(({ layers }) => [...layers.values()].flatMap(({ features }) => features)));
    this.#drawPins();
    if (isComplete) this.#seen(this.#sight());
  }

  #sight() {
    const view = this.#viewOnPlane();
    const tiles = this.#layer.shown.filter(({ box }) => meet(box, view));
    const leftOut = (kind) => tiles.reduce((sum, { layers }) => sum + (layers.get(kind)?.leftOut ?? 0), 0);
    const partial = new Set(KINDS.filter((kind) => leftOut(kind) || tiles.some(({ missing }) => missing.has(kind))));
    const isMissing = tiles.some(({ missing }) => missing.size);
    return { count: this.#within().length + KINDS.reduce((sum, kind) => sum + leftOut(kind), 0), partial, isMissing };
  }

  /** Return what lies in the view, and in such a part of it beside it. */
  #within(more = 0) {
    const view = this.#viewOnPlane();
    const wide = widen(view, (view[2] - view[0]) * more);
    return [...this.#drawn.values()].filter(({ box }) => meet(box, wide));
  }

  #viewOnPlane() {
    const [west, south, east, north] = this.view;
    return /** @type {import("./plane.js").Box} */ ([...planeOf([west, north]), ...planeOf([east, south])]);
  }

  #drawPins() {
    const seen = this.#within(BEYOND).filter(this.#isShown);
    const marked = seen.filter(({ properties }) => properties.kind !== "zone");
    const chosen = this.#chosen ? keyOf(this.#chosen) : "";
    const areMany = this.count("works") + this.count("report") > MANY;
    const taken = this.#pins.draw(marked.map((feature) => ({ feature, spots: this.#spotsOf(feature, areMany) })), { chosen, areMany });
    this.#name(seen.filter(({ properties }) => properties.kind === "zone"), taken);
  }

  /** Return where a marker may stand; among many there is no choice. */
  #spotsOf(feature, isOneOfMany) {
    const whole = this.#geometryOf(keyOf(feature));
    const geometry = whole ?? feature.geometry;
    const spots = isOneOfMany ? [anchor(geometry)] : spotsOf(geometry);
    return spots.map(whole ? (spot) => spot : degreesOf).map(([lon, lat]) => [lat, lon]);
  }

  #name(zones, taken) {
    const wanted = new Map(zones.length > MOST_NAMES ? [] : zones.map((zone) => [keyOf(zone), zone]));
    for (const [key, zone] of this.#named) if (wanted.get(key) !== zone) this.#labels.remove(key);
    for (const [key, zone] of wanted) {
      if (this.#named.get(key) !== zone) this.#labels.put(key, { ...zone, geometry: moved(zone.geometry, degreesOf) }, labelWords(zone));
    }
    this.#named = wanted;
    this.#labels.arrange(taken);
  }

  #mark(feature) {
    const style = feature.properties.kind === "zone" ? zoneStyle(feature, true) : worksStyle(feature, true);
    const unseen = (_, at) => L.circleMarker(at, { radius: 1, opacity: 0, fillOpacity: 0 });
    L.geoJSON(feature, { style, pointToLayer: unseen, interactive: false }).addTo(this.#over);
    for (const { geometry } of feature.properties.impact?.detours ?? []) {
      if (geometry) L.geoJSON(geometry, { style: detourStyle(), interactive: false }).addTo(this.#over);
    }
  }

  #press(event) {
    const found = this.#under(event);
    if (!found.length) return;
    if (found.length === 1) this.#select(keyOf(found[0]));
    else this.#approach(found);
  }

  /** Go to where gathered markers part; those that nothing parts stand for the worst. */
  #approach(features) {
    if (this.#map.getZoom() >= this.#map.getMaxZoom()) {
      this.#select(keyOf([...features].sort((one, other) => rank(other) - rank(one))[0]));
      return;
    }
    const box = around(features.map((feature) => feature.box));
    const bounds = L.latLngBounds([degreesOf([box[0], box[1]]), degreesOf([box[2], box[3]])].map(([lon, lat]) => [lat, lon]));
    const zoom = Math.max(this.#map.getZoom() + 1, Math.min(this.#map.getBoundsZoom(bounds), this.#map.getZoom() + 4));
    this.#map.setView(bounds.getCenter(), Math.min(zoom, this.#map.getMaxZoom()));
  }

  #hover(event) {
    const [first, ...others] = this.#under(event);
    const container = this.#map.getContainer();
    container.classList.toggle("on-feature", Boolean(first));
    const words = first && !others.length ? [titleOf(first), stateOf(first)].filter(Boolean).join(", ") : "";
    if (container.title !== words) container.title = words;
  }

  /** Return what is at a place: what a marker stands for, else the works whose lines pass, else the zone. */
  #under({ latlng, layerPoint }) {
    const pins = this.#pins.under(layerPoint);
    if (pins.length) return pins;
    const at = planeOf([latlng.lng, latlng.lat]);
    const near = REACH / (256 * 2 ** this.#map.getZoom());
    const here = this.#layer.shown.filter(({ box }) => meet(box, [at[0], at[1], at[0], at[1]]));
    const spot = widen([at[0], at[1], at[0], at[1]], near);
    const found = (kind, reach) => here.flatMap(({ layers }) => layers.get(kind)?.features ?? [])
      .filter((feature) => meet(feature.box, spot) && this.#isShown(feature) && touches(feature.geometry, at, reach));
    const works = found("works", near).sort((one, other) => rank(other) - rank(one));
    // A few lines that cross are told apart by the worst; a knot of them only from nearer.
    if (works.length) return works.length > MOST_CROSSING ? works : works.slice(0, 1);
    return found("zone", 0).slice(0, 1);
  }

  #repaint() {
    forgetSprites();
    this.#layer.repaint();
    this.#drawPins();
    this.#over.clearLayers();
    if (this.#chosen) this.#mark(this.#chosen);
  }
}

/** Return a box of degrees inside the bounds of the globe. */
function within([west, south, east, north]) {
  const degrees = (value, most) => Math.round(Math.max(-most, Math.min(most, value)) * 1e6) / 1e6;
  return [degrees(west, 180), degrees(south, 90), degrees(east, 180), degrees(north, 90)];
}
