/** The map alone, for other sites; a list that screen readers find says the same. */
import { connectionSign } from "./connection.js";
import { details } from "./details.js";
import { byId, el } from "./element.js";
import { GeoworksStream } from "./geoworks-client.js";
import { LiveMap } from "./map.js";
import { inReadingOrder, isOver } from "./model.js";
import { url } from "./page.js";
import { readAll } from "./read.js";
import { placeOf, stateOf, timeOf, titleOf } from "./words.js";

let first = true;
let drawing = 0;

const map = new LiveMap(byId("map"), choose);
const stream = new GeoworksStream(
  url("/"),
  { subscriptions: [{ id: "map", area: { everywhere: true } }] },
  { changed: () => (drawing ||= requestAnimationFrame(redraw)), connection: connectionSign(byId("connection")), read: readAll },
);

byId("back").addEventListener("click", () => choose(""));
if (matchMedia("(max-width: 48rem)").matches) byId("legend").open = false;
stream.start();

const zoneName = (id) => stream.features.get(`zone ${id}`)?.properties.name ?? id;

async function redraw() {
  drawing = 0;
  const shown = [...stream.features.values()].filter((feature) => !isOver(feature));
  const lines = [...shown].sort(inReadingOrder).map((feature) =>
    el("li", {}, [titleOf(feature), placeOf(feature, zoneName), stateOf(feature), timeOf(feature)].filter(Boolean).join(", ")));
  byId("embed-list").replaceChildren(...lines);
  await map.show(shown);
  if (first) map.fit(shown);
  first = false;
}

function choose(key) {
  const feature = stream.features.get(key) ?? null;
  byId("details").hidden = !feature;
  map.select(feature);
  if (!feature) return;
  byId("details-body").replaceChildren(...details(feature, { zoneName, find: (name) => stream.features.get(name), select: choose }));
  byId("details-title").focus({ preventScroll: true });
}
