/** The ground every map of the pages stands on: tiles when they can be had, the town's place when not. */
import { el } from "./element.js";
import { LEVELS, rank } from "./model.js";
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
  const waiting = L.control({ position: "topright" });
  waiting.onAdd = () => locateButton(async () => {
    // Before all other styles, so that those of the page prevail.
    document.head.prepend(el("link", { rel: "stylesheet", href: url("/static/vendor/leaflet.locatecontrol/L.Control.Locate.min.css") }));
    await load("leaflet.locatecontrol/L.Control.Locate.min.js");
    waiting.remove();
    const control = locateControl(map).addTo(map);
    control.getContainer().querySelector("a").focus();
    control.start();
  });
  waiting.addTo(map);
}

/** What looks like the control and stands in for it: few readers press it, and none has to load it before. */
function locateButton(press) {
  const link = el("a", { href: "#", role: "button", title: t("map.around_me"), "aria-label": t("map.around_me"), class: "leaflet-bar-part" },
    el("span", { class: "leaflet-control-locate-location-arrow" }));
  const bar = el("div", { class: "leaflet-control-locate leaflet-bar leaflet-control" }, link);
  L.DomEvent.disableClickPropagation(bar);
  link.addEventListener("click", (event) => {
    event.preventDefault();
    press();
  });
  return bar;
}

function locateControl(map) {
  return L.control.locate({
    position: "topright", setView: "once", flyTo: false, showPopup: false, clickBehavior: { inView: "stop" },
    strings: { title: t("map.around_me"), metersUnit: "m" },
    onLocationError: () => map.getContainer().dispatchEvent(new CustomEvent("place-unknown", { bubbles: true })),
  });
}

/** Load the clustering library, which only a map of many markers needs. */
export const loadClusters = () => load("leaflet.markercluster/leaflet.markercluster.js");

/** Load an addition to Leaflet. */
function load(path) {
  const script = el("script", { src: url(`/static/vendor/${path}`) });
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

/** Return how a works is drawn, as Leaflet names it. */
export function worksStyle(feature, chosen = false) {
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

/** Return how a zone is drawn. */
export function zoneStyle(feature, chosen = false) {
  const colour = colours();
  const level = LEVELS[rank(feature)];
  return {
    color: colour(chosen ? "ink" : "zone-line"), weight: chosen ? 3.5 : 1.5,
    fillColor: colour(`zone-${level}`), fillOpacity: Number(colour("zone-opacity")),
  };
}

/** Return how a detour is drawn. */
export const detourStyle = () => ({ color: colours()("detour"), weight: 5, dashArray: "2 9" });
