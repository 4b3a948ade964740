/** Draw works, reports and zones, and keep the drawing true while they change. */
import { addLocate, detourStyle, ground, loadClusters, worksStyle, zoneStyle } from "./ground.js";
import { ZoneLabels } from "./labels.js";
import { anchor, keyOf, rank, SEVERITIES, spotsOf } from "./model.js";
import { boxAround, settle } from "./room.js";
import { shapeOf, shape } from "./shapes.js";
import { labelWords, stateOf, titleOf } from "./words.js";

const L = globalThis.L;
const MANY = 150; // markers from which they are gathered into clusters, lines from which they are drawn on a canvas
const FAR_ZOOM = 14; // below this markers are drawn smaller

export class LiveMap {
  #map;
  #select;
  #drawn = new Map();
  #selected = "";
  #markers = L.layerGroup();
  #canvas = null;
  #labels;
  #detours = L.layerGroup();

  /**
   * @param {HTMLElement} container
   * @param {(key: string) => void} select told the key of what the reader pressed
   */
  constructor(container, select) {
    this.#select = select;
    this.#map = ground(container);
    addLocate(this.#map);
    this.#map.createPane("zones").style.zIndex = "350";
    this.#labels = new ZoneLabels(this.#map);
    // The list says the same with names and order: markers are no stops on the keyboard's way.
    this.#map.getPane("markerPane").setAttribute("aria-hidden", "true");
    this.#markers.addTo(this.#map);
    this.#detours.addTo(this.#map);
    this.#map.on("moveend", () => this.#arrange());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#paintAll());
  }

  /** The map itself, for what a page lays over it. */
  get ground() {
    return this.#map;
  }

  /** Show exactly these features. */
  async show(features) {
    await this.#makeRoom(features.length);
    const wanted = new Map(features.map((feature) => [keyOf(feature), feature]));
    for (const key of [...this.#drawn.keys()]) if (!wanted.has(key)) this.#remove(key);
    for (const [key, feature] of wanted) {
      if (this.#drawn.get(key)?.feature === feature) continue;
      this.#remove(key);
      this.#add(key, feature);
    }
    this.#arrange();
  }

  /** Move the view so that all features show; nothing happens without any. */
  fit(features) {
    const bounds = L.latLngBounds(features.flatMap((feature) => {
      const box = L.geoJSON(feature).getBounds();
      return box.isValid() ? [box] : [];
    }));
    if (bounds.isValid()) this.#map.fitBounds(bounds, {
      paddingTopLeft: [this.#covered(), 28 + (document.querySelector(".embed-bar")?.offsetHeight ?? 0)], paddingBottomRight: [64, 28], maxZoom: 17,
    });
  }

  /** The pixels at the left that an open legend hides. */
  #covered() {
    const legend = document.querySelector(".legend[open]");
    return legend && this.#map.getSize().x > 600 ? legend.offsetWidth + 24 : 28;
  }

  /** Mark one feature and bring it into view; no feature takes the mark away. */
  select(feature) {
    const before = this.#selected;
    this.#selected = feature ? keyOf(feature) : "";
    for (const key of [before, this.#selected]) this.#paint(key);
    this.#detours.clearLayers();
    if (!feature) return;
    this.#drawDetours(feature);
    const box = L.geoJSON(feature).getBounds();
    if (!this.#map.getBounds().pad(-0.1).contains(box)) this.#map.fitBounds(box, { padding: [60, 60], maxZoom: 17 });
  }

  #add(key, feature) {
    const drawn = { feature, shapes: null, marker: null };
    this.#drawn.set(key, drawn);
    if (feature.properties.kind === "zone") this.#labels.put(key, feature, labelWords(feature));
    else this.#markers.addLayer((drawn.marker = this.#marker(key, feature)));
    if (feature.properties.kind !== "report") drawn.shapes = this.#outline(key, feature).addTo(this.#map);
    this.#paint(key);
  }

  #remove(key) {
    const drawn = this.#drawn.get(key);
    if (!drawn) return;
    this.#drawn.delete(key);
    drawn.shapes?.remove();
    this.#labels.remove(key);
    if (drawn.marker) this.#markers.removeLayer(drawn.marker);
  }

  #outline(key, feature) {
    const zone = feature.properties.kind === "zone";
    const outline = L.geoJSON(feature, {
      pane: zone ? "zones" : "overlayPane",
      renderer: zone ? undefined : (this.#canvas ?? undefined),
      pointToLayer: (_, at) => L.circleMarker(at, { radius: 1, opacity: 0, fillOpacity: 0, interactive: false }),
      bubblingMouseEvents: false,
    });
    return outline.on("click", () => this.#select(key));
  }

  #marker(key, feature) {
    const [lon, lat] = anchor(feature.geometry);
    const pin = document.createElement("span");
    pin.className = "pin";
    pin.title = `${titleOf(feature)}, ${stateOf(feature)}`;
    pin.append(shapeOf(feature));
    const icon = L.divIcon({ className: "pin-place", html: pin, iconSize: [44, 44] });
    const marker = L.marker([lat, lon], { icon, keyboard: false, zIndexOffset: rank(feature) * 100 });
    marker.rank = rank(feature);
    return marker.on("click", () => this.#select(key));
  }

  #paintAll() {
    for (const key of this.#drawn.keys()) this.#paint(key);
  }

  #paint(key) {
    const drawn = this.#drawn.get(key);
    if (!drawn) return;
    const chosen = key === this.#selected;
    drawn.shapes?.setStyle(drawn.feature.properties.kind === "zone" ? zoneStyle(drawn.feature, chosen) : worksStyle(drawn.feature, chosen));
    drawn.marker?.getElement()?.classList.toggle("chosen", chosen);
    if (!chosen) return;
    drawn.marker?.setZIndexOffset(1000);
    drawn.shapes?.bringToFront();
  }

  #drawDetours({ properties }) {
    for (const { geometry } of properties.impact?.detours ?? []) {
      if (geometry) L.geoJSON(geometry, { style: detourStyle(), interactive: false }).addTo(this.#detours);
    }
  }

  /** Give markers and names each their room. */
  #arrange() {
    this.#map.getContainer().classList.toggle("far", this.#map.getZoom() < FAR_ZOOM);
    this.#labels.arrange(this.#canvas ? [] : this.#settleMarkers());
  }

  /** Move each marker along its works to where it hides no other; return where they stand. */
  #settleMarkers() {
    const size = this.#map.getZoom() < FAR_ZOOM ? 18 : 24;
    const pins = [...this.#drawn.values()].flatMap(({ feature, marker }) => (marker ? [{ marker, spots: spotsOf(feature.geometry).map(([lon, lat]) => [lat, lon]) }] : []));
    // What cannot move stands first, then what hinders most.
    pins.sort((one, other) => one.spots.length - other.spots.length || other.marker.rank - one.marker.rank);
    const boxes = pins.map(({ spots }) => spots.map((spot) => {
      const { x, y } = this.#map.latLngToLayerPoint(spot);
      return boxAround([x, y], size, size);
    }));
    return settle(boxes).map((best, index) => {
      pins[index].marker.setLatLng(pins[index].spots[best]);
      return boxes[index][best];
    });
  }

  /** Many features are gathered into clusters and drawn on a canvas. */
  async #makeRoom(count) {
    if (this.#canvas || count < MANY) return;
    this.#canvas = L.canvas({ padding: 0.3, tolerance: 6 });
    await loadClusters();
    L.MarkerCluster.mergeOptions({ keyboard: false });
    for (const key of [...this.#drawn.keys()]) this.#remove(key);
    this.#markers.remove();
    this.#markers = L.markerClusterGroup({
      animate: false, showCoverageOnHover: false, maxClusterRadius: 64, chunkedLoading: true, iconCreateFunction: clusterIcon,
    }).addTo(this.#map);
  }
}

function clusterIcon(cluster) {
  const worst = Math.max(...cluster.getAllChildMarkers().map((marker) => marker.rank));
  const pin = document.createElement("span");
  pin.className = "cluster";
  pin.append(shape(SEVERITIES[worst]), String(cluster.getChildCount()));
  return L.divIcon({ className: "pin-place", html: pin, iconSize: [44, 44] });
}
