/** Pick a place on a map: by touch, by dragging, by keys, by buttons. */
import { addLocate, colours, ground } from "./ground.js";
import { ZoneLabels } from "./labels.js";
import { t } from "./page.js";

const L = globalThis.L;
const STEP_M = 5;
const WAYS = { north: [0, 1], south: [0, -1], east: [1, 0], west: [-1, 0] };
const KEYS = { ArrowUp: "north", ArrowDown: "south", ArrowRight: "east", ArrowLeft: "west" };
const DEGREE_M = 111_195;

export class Picker {
  #map;
  #labels;
  #marker = null;
  #moved;

  /**
   * @param {HTMLElement} container
   * @param {(at: [number, number]) => void} moved told where the reader puts the marker
   */
  constructor(container, moved) {
    this.#moved = moved;
    this.#map = ground(container);
    addLocate(this.#map);
    this.#labels = new ZoneLabels(this.#map);
    const crosshair = document.createElement("span");
    crosshair.className = "crosshair";
    container.append(crosshair);
    this.#map.on("click", ({ latlng }) => this.#put(latlng));
    this.#map.on("locationfound", ({ latlng }) => this.#marker ?? this.#put(latlng));
  }

  /** @returns {[number, number] | null} where the marker is, lon/lat */
  get at() {
    const at = this.#marker?.getLatLng();
    return at ? [round(at.lng), round(at.lat)] : null;
  }

  /** Show the marker at a place, without telling anybody. */
  show([lon, lat], { zoom = 17 } = {}) {
    this.#place(L.latLng(lat, lon));
    this.#map.setView([lat, lon], Math.max(this.#map.getZoom(), zoom));
  }

  /** Put the marker where the map's centre is. */
  toCentre() {
    this.#put(this.#map.getCenter());
  }

  /** Move the marker a few metres, from the map's centre if it is nowhere yet. */
  step(way, metres = STEP_M) {
    const from = this.#marker?.getLatLng() ?? this.#map.getCenter();
    const [east, north] = WAYS[way].map((part) => (part * metres) / DEGREE_M);
    const to = L.latLng(from.lat + north, from.lng + east / Math.cos((from.lat * Math.PI) / 180));
    this.#put(to);
    this.#map.panInside(to, { padding: [40, 40] });
  }

  /** Draw what stands around, for the reader to see where things are. */
  around(zones, works) {
    const colour = colours();
    const lines = works.filter(({ geometry }) => !geometry.type.endsWith("Point"));
    this.#draw(zones, { color: colour("zone-line"), weight: 1.5, fillColor: colour("zone-free"), fillOpacity: 0.25 });
    this.#draw(lines, { color: colour("severity-none"), weight: 4, opacity: 0.7 });
    for (const zone of zones) this.#labels.put(zone.id, zone);
    this.#labels.keepArranged();
  }

  #draw(features, style) {
    L.geoJSON({ type: "FeatureCollection", features }, { style, interactive: false }).addTo(this.#map);
  }

  #put(latlng) {
    this.#place(latlng);
    this.#moved(this.at);
  }

  #place(latlng) {
    if (this.#marker) this.#marker.setLatLng(latlng);
    else this.#marker = this.#make(latlng).addTo(this.#map);
    const element = this.#marker.getElement();
    element.setAttribute("aria-label", t("pick.marker"));
  }

  #make(latlng) {
    const icon = L.divIcon({ className: "pick-pin", html: pinShape(), iconSize: [36, 46], iconAnchor: [18, 45] });
    const marker = L.marker(latlng, { icon, draggable: true, autoPan: true });
    marker.on("dragend", () => this.#moved(this.at));
    marker.on("keydown", ({ originalEvent: event }) => {
      const way = KEYS[event.key];
      if (!way) return;
      event.preventDefault();
      event.stopPropagation();
      this.step(way, event.shiftKey ? STEP_M * 10 : STEP_M);
    });
    return marker;
  }
}

function pinShape() {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 36 46");
  for (const [name, attributes] of [["path", { d: "M18 2C9 2 2.500 8.700 2.500 17.200 2.500 28.500 18 44.500 18 44.500S33.500 28.500 33.500 17.200C33.500 8.700 27 2 18 2z" }], ["circle", { cx: "18", cy: "17", r: "6" }]]) {
    const part = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) part.setAttribute(key, value);
    svg.append(part);
  }
  return svg;
}

const round = (degrees) => Math.round(degrees * 1e6) / 1e6;
