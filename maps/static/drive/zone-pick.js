/** Choose among the town's zones. */
import { ask, Refused } from "../doors.js";
import { byId, el } from "../element.js";
import { t } from "../page.js";

/** Read the zones of the town; null when they cannot be had. @returns {Promise<any[] | null>} */
export async function readZones() {
  try {
    return (await ask("/v1/zones")).features;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return null;
  }
}

/**
 * Show the zones to choose from.
 * @param {any[] | null} zones
 * @param {string[]} chosen
 * @returns {string[]} what is chosen and still exists
 */
export function offerZones(zones, chosen) {
  byId("zones-told").hidden = Boolean(zones?.length);
  byId("zones-told").textContent = t(zones ? "drive.zones_none" : "drive.zones_failed");
  const named = [...(zones ?? [])].sort((one, other) => one.properties.name.localeCompare(other.properties.name));
  byId("zones").replaceChildren(...named.map(({ id, properties }) =>
    el("label", { class: "chip" }, el("input", { type: "checkbox", name: "zone", value: id, checked: chosen.includes(id) }), el("span", {}, properties.name))));
  return zones ? chosen.filter((zone) => zones.some(({ id }) => id === zone)) : chosen;
}
