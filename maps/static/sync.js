/** Show on a map where the rejected records are that have a place; the table beside it says the same. */
import { ground } from "./ground.js";
import { byId } from "./element.js";

const L = globalThis.L;
const map = ground(byId("map"), { scrollZoom: false });
const places = L.featureGroup().addTo(map);

for (const row of document.querySelectorAll("tr[data-at]")) {
  const [lon, lat] = row.dataset.at.split(",").map(Number);
  const name = document.createElement("span");
  name.textContent = row.cells[0].textContent;
  L.circleMarker([lat, lon], { radius: 8, color: "#a3172e", fillOpacity: 0.5 }).bindTooltip(name).addTo(places);
}
if (places.getLayers().length) map.fitBounds(places.getBounds(), { maxZoom: 16, padding: [30, 30] });
else byId("map").hidden = true;
