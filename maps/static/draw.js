/** Draw the footprint of works: one point, or a line point by point. */
import { colours, ground } from "./ground.js";
import { ZoneLabels } from "./labels.js";

const L = globalThis.L;

export class Drawing {
  #map;
  #corners = [];
  #kept = null;
  #labels;
  #layer = L.layerGroup();
  #changed;
  #colour;
  #moving = false;

  /**
   * @param {HTMLElement} container
   * @param {(corners: number, kept: boolean) => void} changed
   * @param {{colour?: string}} [look] a colour of the stylesheet
   */
  constructor(container, changed, { colour = "severity-high" } = {}) {
    this.#changed = changed;
    this.#colour = colour;
    this.#map = ground(container);
    this.#labels = new ZoneLabels(this.#map);
    this.#layer.addTo(this.#map);
    const crosshair = document.createElement("span");
    crosshair.className = "crosshair";
    container.append(crosshair);
    this.#map.on("click", ({ latlng }) => this.#add(latlng));
    this.#map.on("movestart", () => (this.#moving = true));
    this.#map.on("moveend", () => (this.#moving = false));
  }

  /** @returns {any} the drawn GeoJSON geometry, or null when nothing new was drawn */
  get drawn() {
    const coordinates = this.#corners.map(({ lng, lat }) => [round(lng), round(lat)]);
    if (!coordinates.length) return null;
    return coordinates.length === 1 ? { type: "Point", coordinates: coordinates[0] } : { type: "LineString", coordinates };
  }

  /** Take the size the map has now. */
  measure() {
    this.#map.invalidateSize({ animate: false });
  }

  /** Go on drawing from these places. @param {[number, number][]} line lon/lat */
  resume(line) {
    this.#kept = null;
    this.#corners = line.map(([lon, lat]) => L.latLng(lat, lon));
    this.#show();
    if (line.length > 1) this.#map.fitBounds(L.latLngBounds(this.#corners), { maxZoom: 17, padding: [40, 40] });
  }

  /** Whether there is a footprint, drawn or kept. */
  get placed() {
    return Boolean(this.#kept || this.#corners.length);
  }

  /** Begin anew from the footprint that works have, or from none. */
  begin(geometry) {
    this.#kept = geometry;
    this.#corners = [];
    this.#show();
    if (geometry) this.#map.fitBounds(L.geoJSON(geometry).getBounds(), { maxZoom: 17, padding: [40, 40] });
  }

  /** Show the zones behind the drawing. */
  around(zones) {
    L.geoJSON({ type: "FeatureCollection", features: zones }, { interactive: false, style: { color: colours()("zone-line"), weight: 1.5, fillOpacity: 0.05 } }).addTo(this.#map);
    for (const zone of zones) this.#labels.put(zone.id, zone);
    this.#labels.keepArranged();
  }

  /** Add the map's centre as a point: the way of the keyboard. While the map still glides, that is where it ends. */
  addCentre() {
    if (this.#moving) this.#map.once("moveend", () => this.#add(this.#map.getCenter()));
    else this.#add(this.#map.getCenter());
  }

  /** Take the last point back. */
  undo() {
    this.#corners.pop();
    this.#show();
  }

  #add(latlng) {
    const last = this.#corners.at(-1);
    // A second touch of the same place is no line.
    if (last && round(last.lng) === round(latlng.lng) && round(last.lat) === round(latlng.lat)) return;
    this.#kept = null;
    this.#corners.push(latlng);
    this.#show();
  }

  #show() {
    const style = { color: colours()(this.#colour), weight: 6 };
    this.#layer.clearLayers();
    if (this.#kept) L.geoJSON(this.#kept, { style, pointToLayer: (_, at) => L.circleMarker(at, { ...style, radius: 8 }) }).addTo(this.#layer);
    if (this.#corners.length > 1) L.polyline(this.#corners, style).addTo(this.#layer);
    for (const corner of this.#corners) L.circleMarker(corner, { ...style, radius: 6, weight: 3, fillOpacity: 1 }).addTo(this.#layer);
    this.#changed(this.#corners.length, Boolean(this.#kept));
  }
}

const round = (degrees) => Math.round(degrees * 1e6) / 1e6;
