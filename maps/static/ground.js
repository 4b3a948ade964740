/** The ground every map of the pages stands on: tiles when they can be had, the town's place when not. */
import { anchor } from "./model.js";
import { page, t, url } from "./page.js";

const L = globalThis.L;

/**
 * Build a map on an element; what the reader sees there must also be told beside it.
 * @param {HTMLElement} container
 * @param {{scrollZoom?: boolean}} [options]
 */
export function ground(container, { scrollZoom = true } = {}) {
  const { center, zoom } = page.town;
  const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const map = L.map(container, {
    center: [center[1], center[0]], zoom, zoomControl: false, zoomSnap: 0.25, scrollWheelZoom: scrollZoom,
    zoomAnimation: !still, fadeAnimation: !still, markerZoomAnimation: !still, maxZoom: page.tiles.maxZoom,
  });
  map.attributionControl.setPrefix('<a href="https://leafletjs.com">Leaflet</a>');
  L.control.zoom({ position: "topright", zoomInTitle: t("map.zoom_in"), zoomOutTitle: t("map.zoom_out") }).addTo(map);
  addTiles(map);
  new ResizeObserver(() => map.invalidateSize()).observe(container);
  return map;
}

function addTiles(map) {
  const { url: address, attribution, maxZoom } = page.tiles;
  if (!address) return;
  const tiles = L.tileLayer(address, { attribution, maxZoom });
  const missing = document.createElement("p");
  missing.className = "map-note";
  missing.textContent = t("map.no_tiles");
  let loaded = false;
  tiles.on("tileload", () => {
    loaded = true;
    missing.remove();
  });
  tiles.on("tileerror", () => loaded || map.getContainer().append(missing));
  tiles.addTo(map);
}

/** Add the button that shows the reader where they are; the place never leaves the device. */
export function addLocate(map) {
  L.control
    .locate({
      position: "topright", setView: "once", flyTo: false, showPopup: false, clickBehavior: { inView: "stop" },
      strings: { title: t("map.around_me"), metersUnit: "m" },
      onLocationError: () => map.getContainer().dispatchEvent(new CustomEvent("place-unknown", { bubbles: true })),
    })
    .addTo(map);
}

/** Add the layer of names; screen readers find them in the list. */
export function addLabels(map) {
  const pane = map.createPane("labels");
  pane.style.zIndex = "360";
  pane.style.pointerEvents = "none";
  pane.setAttribute("aria-hidden", "true");
}

/** Return the label of a zone, its name and under it a few words. */
export function zoneLabel({ geometry, properties }, words = "") {
  const [lon, lat] = anchor(geometry);
  const name = document.createElement("b");
  name.textContent = properties.name;
  const label = document.createElement("span");
  label.className = "zone-label";
  label.append(name, words);
  const icon = L.divIcon({ className: "zone-place", html: label, iconSize: [0, 0] });
  return L.marker([lat, lon], { icon, pane: "labels", interactive: false, keyboard: false });
}

/** Load the clustering library, which only a map of many markers needs. */
export function loadClusters() {
  const script = document.createElement("script");
  script.src = url("/static/vendor/leaflet.markercluster/leaflet.markercluster.js");
  return new Promise((resolve, reject) => {
    script.onload = () => resolve(undefined);
    script.onerror = reject;
    document.head.append(script);
  });
}

/** Return the colours of the style for maps drawn by Leaflet, named as in the stylesheet. */
export function colours() {
  const style = getComputedStyle(document.documentElement);
  return (name) => style.getPropertyValue(`--${name}`).trim();
}
