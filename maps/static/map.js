/** Draw works, reports and zones, and keep the drawing true while they change. */
import { addLocate, addLabels, colours, ground, loadClusters, zoneLabel } from "./ground.js";
import { anchor, keyOf, LEVELS, rank, SEVERITIES } from "./model.js";
import { shapeOf, shape } from "./shapes.js";
import { stateOf, titleOf } from "./words.js";

const L = globalThis.L;
const MANY = 150; // markers from which they are gathered into clusters, lines from which they are drawn on a canvas
const ROOMY_PX = 190; // a zone narrower than this on the screen shows its name alone

export class LiveMap {
  #map;
  #select;
  #drawn = new Map();
  #selected = "";
  #markers = L.layerGroup();
  #canvas = null;
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
    addLabels(this.#map);
    // The list says the same with names and order: markers are no stops on the keyboard's way.
    this.#map.getPane("markerPane").setAttribute("aria-hidden", "true");
    this.#markers.addTo(this.#map);
    this.#detours.addTo(this.#map);
    this.#map.on("zoomend", () => this.#fitLabels());
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.#paintAll());
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
    this.#fitLabels();
  }

  /** Move the view so that all features show; nothing happens without any. */
  fit(features) {
    const bounds = L.latLngBounds(features.flatMap((feature) => {
      const box = L.geoJSON(feature).getBounds();
      return box.isValid() ? [box] : [];
    }));
    if (bounds.isValid()) this.#map.fitBounds(bounds, {
      paddingTopLeft: [this.#covered(), 28], paddingBottomRight: [64, 28], maxZoom: 17,
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
    const drawn = { feature, shapes: null, marker: null, label: null };
    this.#drawn.set(key, drawn);
    if (feature.properties.kind === "zone") drawn.label = zoneLabel(feature, labelWords(feature)).addTo(this.#map);
    else this.#markers.addLayer((drawn.marker = this.#marker(key, feature)));
    if (feature.properties.kind !== "report") drawn.shapes = this.#outline(key, feature).addTo(this.#map);
    this.#paint(key);
  }

  #remove(key) {
    const drawn = this.#drawn.get(key);
    if (!drawn) return;
    this.#drawn.delete(key);
    drawn.shapes?.remove();
    drawn.label?.remove();
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
    const colour = colours()("detour");
    for (const { geometry } of properties.impact?.detours ?? []) {
      if (geometry) L.geoJSON(geometry, { style: { color: colour, weight: 5, dashArray: "2 9" }, interactive: false }).addTo(this.#detours);
    }
  }

  #fitLabels() {
    for (const { label, shapes } of this.#drawn.values()) {
      if (!label) continue;
      const box = shapes.getBounds();
      const [west, east] = [box.getSouthWest(), box.getNorthEast()].map((corner) => this.#map.latLngToLayerPoint(corner).x);
      const words = label.getElement().firstElementChild;
      words.classList.toggle("brief", east - west < ROOMY_PX);
      words.classList.toggle("hidden", east - west < words.offsetWidth);
    }
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

// Nothing to say of a zone where nothing is wrong: its name is enough.
const labelWords = (zone) => (rank(zone) ? stateOf(zone) : "");

function clusterIcon(cluster) {
  const worst = Math.max(...cluster.getAllChildMarkers().map((marker) => marker.rank));
  const pin = document.createElement("span");
  pin.className = "cluster";
  pin.append(shape(SEVERITIES[worst]), String(cluster.getChildCount()));
  return L.divIcon({ className: "pin-place", html: pin, iconSize: [44, 44] });
}

function worksStyle(feature, chosen) {
  const colour = colours();
  const { severity, status } = feature.properties;
  return {
    color: colour(`severity-${severity}`),
    weight: chosen ? 10 : 6,
    opacity: status === "active" || chosen ? 0.95 : 0.6,
    dashArray: status === "planned" ? "1 10" : undefined,
    fillOpacity: 0.25,
    lineCap: "round",
  };
}

function zoneStyle(feature, chosen) {
  const colour = colours();
  const level = LEVELS[rank(feature)];
  return {
    color: colour(chosen ? "ink" : "zone-line"), weight: chosen ? 3.5 : 1.5,
    fillColor: colour(`zone-${level}`), fillOpacity: Number(colour("zone-opacity")),
  };
}
