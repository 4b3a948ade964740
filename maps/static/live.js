/** The live map and the list beside it. */
import { connectionSign } from "./connection.js";
import { byId } from "./element.js";
import { Filters } from "./filters.js";
import { GeoworksStream } from "./geoworks-client.js";
import { FeatureList } from "./list.js";
import { LiveMap } from "./map.js";
import { matches } from "./model.js";
import { url } from "./page.js";
import { announce, Pane, prepareMap } from "./pane.js";

let first = true;
let drawing = 0;
const fresh = new Set();

const choose = (key) => pane.choose(key);
const find = (key) => stream.features.get(key) ?? null;
const zoneName = (id) => find(`zone ${id}`)?.properties.name ?? id;

const map = new LiveMap(byId("map"), choose);
const list = new FeatureList({ works: byId("works"), report: byId("reports"), zone: byId("zones") }, choose, zoneName);
const pane = new Pane({ find, at: find, zoneName }, { list, map });
const filters = new Filters(byId("filters"), () => redraw({ fit: true }));
const stream = new GeoworksStream(
  url("/"),
  { subscriptions: [{ id: "map", area: { everywhere: true } }] },
  { changed, connection: connectionSign(byId("connection")), read },
);

prepareMap();
stream.start();

/** Read all there is; only where the stream does not pass is it needed. */
async function read() {
  return (await import("./read.js")).readAll();
}

function changed(changes, snapshot) {
  if (!snapshot) {
    for (const { key } of changes) fresh.add(key);
    announce(changes);
  }
  // One drawing a frame, however many changes come.
  drawing ||= requestAnimationFrame(() => redraw({ fit: first }));
}

async function redraw({ fit = false } = {}) {
  drawing = 0;
  const wish = filters.wish;
  const shown = [...stream.features.values()].filter((feature) => matches(feature, wish, zoneName));
  list.show(shown, fresh);
  fresh.clear();
  if (first) await pane.recall();
  else pane.refresh();
  await map.show(shown);
  if (fit && !pane.chosen) map.fit(first ? [...stream.features.values()] : wish.text ? shown : []);
  if (fit && first && pane.chosen) map.select(find(pane.chosen));
  first = false;
  byId("panel").removeAttribute("aria-busy");
}
