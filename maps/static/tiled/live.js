/** The live map of a town of more than a page can hold: drawn from vector tiles, with a list of what is in view. */
import { connectionSign } from "../connection.js";
import { ask } from "../doors.js";
import { byId } from "../element.js";
import { Filters } from "../filters.js";
import { GeoworksStream } from "../geoworks-client.js";
import { FeatureList } from "../list.js";
import { isOver, keyOf, matches, rank } from "../model.js";
import { page, t, url } from "../page.js";
import { announce, Pane, prepareMap } from "../pane.js";
import { Fetched } from "./fetched.js";
import { TiledMap } from "./map.js";
import { News } from "./news.js";

const MOST_HELD = 500; // features in view up to which the page holds them, lists them and hears of them at once
const STILL_MS = 300; // a view that stays so long is looked at
const FAR_MS = 5000; // how often is asked what changed, where the stream is not listened to
const NEAR_MS = 30_000;
const DATED = new Set(["week", "dates"]);

const fresh = new Set();
/** @type {import("./map.js").Sight | null} */
let sight = null;
let isNear = false; // the stream is asked about the view
let isHeld = false; // it has answered
let settling = 0;
let drawing = 0;
/** @type {Date | null} */
let lost = null; // since when nothing can be asked

const held = (key) => (isHeld ? (stream.features.get(key) ?? null) : null);
const at = (key) => held(key) ?? fetched.at(key);
const zoneName = (id) => (at(`zone ${id}`) ?? map.find(`zone ${id}`))?.properties.name ?? id;
const choose = (key) => pane.choose(key);

const fetched = new Fetched();
const map = new TiledMap(byId("map"), choose, seen);
const sections = { works: byId("works"), report: byId("reports"), zone: byId("zones") };
const list = new FeatureList(sections, choose, zoneName);
const pane = new Pane({ find, at, zoneName, fetchAround: (feature) => fetched.around(feature, (key) => Boolean(at(key))) }, { list, map });
const filters = new Filters(byId("filters"), render);
const sign = connectionSign(byId("connection"));
const news = new News(page.since, { told, failed });
const stream = new GeoworksStream(url("/"), {}, { changed, connection, read: readView });

prepareMap();
byId("nearer").addEventListener("click", () => map.zoomIn());
setInterval(lookAgain, NEAR_MS);
pane.recall();

async function find(key) {
  const feature = held(key) ? fetched.keep(key, held(key)) : await fetched.find(key);
  return feature && !isOver(feature) ? feature : null;
}

/** Take note of what is in view; when the view stays, ask for it. */
function seen(what) {
  sight = what;
  clearTimeout(settling);
  settling = setTimeout(settle, STILL_MS);
}

function settle() {
  // A few more change nothing, so that a view at the bound does not turn with every change.
  isNear = sight.count <= MOST_HELD * (isNear ? 1.2 : 1) && (isNear || !sight.isMissing);
  news.watch(map.kept, isNear ? NEAR_MS : FAR_MS);
  if (isNear) {
    stream.subscribe({ id: "view", area: { bbox: map.view } });
    stream.start();
  } else {
    isHeld = false;
    stream.stop();
    if (!lost) sign("overview", new Date());
  }
  if (!isHeld) render();
}

function changed(changes, snapshot) {
  isHeld = isNear;
  // What leaves the view is neither news nor over.
  const real = snapshot ? [] : changes.filter(({ feature, reason }) => feature || reason !== "moved-out");
  for (const { key } of real) fresh.add(key);
  if (real.length) announce(real);
  if (real.length) map.refresh(real.map(({ key, feature, before }) => ({ key, geometries: [feature, before].flatMap((one) => (one ? [one.geometry] : [])) })));
  // Another view may show what changed since its tiles were read.
  if (real.length < changes.length || snapshot) news.ring();
  if (changes.some(({ key }) => key === pane.chosen)) pane.refresh();
  drawing ||= requestAnimationFrame(render);
}

function connection(state, since) {
  sign(state, since);
  if (state !== "live" || isHeld) return;
  // Back where it was, the stream goes on where it stopped: there may be nothing to tell.
  isHeld = isNear;
  drawing ||= requestAnimationFrame(render);
}

/** Read again the tiles of what changed. */
function told(changes) {
  lost = null;
  if (!isNear) sign("overview", new Date());
  if (!changes) map.again();
  else if (changes.length) {
    map.refresh(changes.map(({ feature, kind, id }) => (feature ? { key: keyOf(feature), geometries: [feature.geometry] } : { key: `${kind} ${id}`, geometries: [] })));
    pane.refresh();
  }
}

function failed() {
  lost ??= new Date();
  if (!isNear) sign("offline", lost);
}

function render() {
  drawing = 0;
  const { wish } = filters;
  map.show((feature) => isWished(feature, wish), (key) => held(key)?.geometry);
  if (isHeld) list.show([...stream.features.values()].filter((feature) => matches(feature, wish, zoneName)), fresh);
  else count();
  fresh.clear();
  tellHowFar();
  byId("panel").removeAttribute("aria-busy");
}

/** Whether what a tile has is what the reader wants to see, as far as is known. */
function isWished(feature, wish) {
  const whole = held(keyOf(feature));
  if (whole) return matches(whole, wish, zoneName);
  const { kind, status } = feature.properties;
  if (!wish.kinds.has(kind)) return false;
  return kind !== "works" || (rank(feature) >= wish.least && !(wish.nowOnly && status === "planned"));
}

/** Say what a view of too much cannot do, and keep the reader from trying. */
function tellHowFar() {
  if (!sight) return;
  byId("far").hidden = isNear && !sight.isMissing;
  const words = t(sight.isMissing ? "tiled.missing" : "tiled.far");
  // The same words again would be said aloud again.
  if (byId("far-words").textContent !== words) byId("far-words").textContent = words;
  const wasPressed = document.activeElement === byId("nearer");
  byId("nearer").hidden = isNear;
  if (wasPressed && isNear) byId("works-title").focus();
  const { q, from, to, period } = byId("filters").elements;
  for (const field of [q, from, to, ...[...period].filter(({ value }) => DATED.has(value))]) field.disabled = !isNear;
}

/** Show how many of each kind are in view and wished for, and none of them. */
function count() {
  list.show([]);
  for (const [kind, section] of Object.entries(sections)) {
    const many = map.count(kind).toLocaleString(page.language);
    section.querySelector(".empty").hidden = true;
    section.querySelector(".count").textContent = sight?.partial.has(kind) ? t("tiled.at_least", { count: many }) : many;
  }
}

/** Bring up to date what nothing tells of. */
function lookAgain() {
  if (document.hidden) return;
  if (sight?.isMissing) map.again({ onlyMissing: true });
  pane.refresh();
}

/** Read what is in view by a plain request, where the stream cannot pass. */
async function readView() {
  news.ring();
  const said = await ask(`/v1/changes?bbox=${map.view.join()}&wait=0`).catch(() => null);
  return said?.features ?? null;
}
