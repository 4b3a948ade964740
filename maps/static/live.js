/** The live map and the list beside it. */
import { connectionSign } from "./connection.js";
import { byId, el } from "./element.js";
import { Filters } from "./filters.js";
import { GeoworksStream } from "./geoworks-client.js";
import { FeatureList } from "./list.js";
import { LiveMap } from "./map.js";
import { keyOf, matches } from "./model.js";
import { t, url } from "./page.js";
import { readAll } from "./read.js";
import { changesWords, titleOf } from "./words.js";

let chosen = "";
let shown = null;
let first = true;
let drawing = 0;
let announcer = null;
const fresh = new Set();

const map = new LiveMap(byId("map"), choose);
const list = new FeatureList({ works: byId("works"), report: byId("reports"), zone: byId("zones") }, choose, zoneName);
const filters = new Filters(byId("filters"), () => redraw({ fit: true }));
const stream = new GeoworksStream(
  url("/"),
  { subscriptions: [{ id: "map", area: { everywhere: true } }] },
  { changed, connection: connectionSign(byId("connection")), read: readAll },
);

byId("back").addEventListener("click", () => choose(""));
byId("panel").addEventListener("keydown", (event) => event.key === "Escape" && choose(""));
byId("map").addEventListener("place-unknown", () => (byId("announcements").textContent = t("map.place_unknown")));
if (matchMedia("(max-width: 48rem)").matches) byId("legend").open = false;
// Only readers who go on from the first look need the details; from then on a lost connection does not keep them away.
for (const sign of ["pointerover", "focusin"]) document.addEventListener(sign, () => loadDetails().catch(() => {}), { once: true });
stream.start();

function loadDetails() {
  return import("./details.js");
}

function zoneName(id) {
  return stream.features.get(`zone ${id}`)?.properties.name ?? id;
}

function changed(changes, snapshot) {
  if (!snapshot) {
    for (const { key } of changes) fresh.add(key);
    announce(changes);
  }
  // One drawing a frame, however many changes come.
  drawing ||= requestAnimationFrame(() => redraw({ fit: first }));
}

/** Say what changed to those who do not see it; nothing of it is needed before the first change. */
async function announce(changes) {
  announcer ??= import("./announce.js").then(({ Announcer }) => new Announcer(byId("announcements"), changesWords));
  (await announcer).add(changes);
}

async function redraw({ fit = false } = {}) {
  drawing = 0;
  const wish = filters.wish;
  const shown = [...stream.features.values()].filter((feature) => matches(feature, wish, zoneName));
  list.show(shown, fresh);
  fresh.clear();
  if (first) recall();
  else if (chosen) refreshDetails();
  await map.show(shown);
  if (fit && !chosen) map.fit(first ? [...stream.features.values()] : wish.text ? shown : []);
  if (fit && first && chosen) map.select(stream.features.get(chosen) ?? null);
  first = false;
  byId("panel").removeAttribute("aria-busy");
}

/** Open the works that the page's address names. */
function recall() {
  const id = new URL(location.href).searchParams.get("works");
  if (id && stream.features.has(`works ${id}`)) choose(`works ${id}`);
}

function choose(key) {
  const before = chosen;
  const feature = stream.features.get(key) ?? null;
  chosen = feature ? key : "";
  byId("details").hidden = !feature;
  byId("overview").hidden = Boolean(feature);
  list.mark(chosen);
  map.select(feature);
  remember(feature);
  if (feature) openDetails(feature);
  else if (before && !list.focus(before)) byId("works-title").focus();
}

async function openDetails(feature) {
  await fillDetails(feature);
  if (keyOf(feature) !== chosen) return;
  byId("details-title").focus({ preventScroll: true });
  // On a phone the map stands above the details: bring both into view.
  byId("panel").scrollTop = 0;
  if (document.documentElement.scrollTop > 0) byId("map").scrollIntoView();
}

async function fillDetails(feature) {
  shown = feature;
  byId("gone").hidden = true;
  const { details } = await loadDetails().catch(() => ({ details: withoutDetails }));
  if (shown === feature) byId("details-body").replaceChildren(...details(feature, { zoneName, find: (key) => stream.features.get(key), select: choose }));
}

function withoutDetails(feature) {
  return [el("h2", { id: "details-title", tabindex: "-1" }, titleOf(feature)), el("p", { class: "note" }, t("common.offline"))];
}

/** Bring open details up to date without moving the reader; what is gone says so. */
async function refreshDetails() {
  const feature = stream.features.get(chosen);
  byId("gone").hidden = Boolean(feature);
  if (!feature || shown === feature) return;
  const reading = byId("details-body").contains(document.activeElement);
  await fillDetails(feature);
  if (reading) byId("details-title").focus({ preventScroll: true });
}

function remember(feature) {
  const address = new URL(location.href);
  if (feature?.properties.kind === "works") address.searchParams.set("works", feature.id);
  else address.searchParams.delete("works");
  history.replaceState(null, "", address);
}
