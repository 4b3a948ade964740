/** Say a feature in words: the same words in the list, the details, the map and the announcements. */
import { rank } from "./model.js";
import { dates, page, t } from "./page.js";

const categories = new Map(page.categories.map((category) => [category.id, category]));

/** Say what a report is about. */
export const categoryName = (id) => categories.get(id)?.name ?? t("reports.uncategorised");

/** Return the name of a feature, the first line of it. */
export function titleOf({ properties }) {
  if (properties.kind === "report") return categoryName(properties.category);
  return properties.kind === "zone" ? properties.name : properties.title;
}

/** Say how much a feature hinders, or where it is in its life. */
export function stateOf({ properties }) {
  if (properties.kind === "zone") return t(`map.level.${properties.level}`);
  if (properties.kind === "report") return t(`reports.status.${properties.status}`);
  return t(`map.severity.${properties.severity}`);
}

/** Say what stands under a zone's name: nothing where nothing is wrong. */
export const labelWords = (zone) => (rank(zone) ? stateOf(zone) : "");

/** Say where a feature is. */
export function placeOf({ properties }, zoneName) {
  if (properties.kind === "report") return properties.place || properties.zones.map(zoneName).join(", ");
  if (properties.kind === "zone") return t("list.causes", { count: properties.causes.length });
  return properties.road_names.join(", ") || properties.effects.map(({ zone }) => zoneName(zone)).join(", ");
}

/** Say when a feature is on. */
export function timeOf({ properties }) {
  if (properties.kind === "zone") return "";
  if (properties.kind === "report") return t("reports.created", { ago: dates.ago(new Date(properties.created)) });
  return dates.schedule(properties.schedule, properties.status);
}

/** Say what a works does to each way to travel: rows of a name, words and how bad it is. */
export function impactOf({ impact }) {
  return [
    ["car", t(`works.vehicle.${impact.vehicle_impact}`), CAR[impact.vehicle_impact] ?? "medium"],
    ["foot", t(`works.way.${impact.footway}`), WAY[impact.footway]],
    ["bike", t(`works.way.${impact.cycleway}`), WAY[impact.cycleway]],
    ["parking", t(`works.parking.${impact.parking}`), PARKING[impact.parking]],
  ].map(([mode, words, severity]) => ({ mode: t(`works.mode.${mode}`), words, severity }));
}

const WAY = { open: "none", narrowed: "low", diverted: "medium", closed: "high", unknown: "" };
const PARKING = { open: "none", reduced: "low", suspended: "medium", unknown: "" };
const CAR = {
  "all-lanes-open": "none", "all-lanes-open-shift-left": "low", "all-lanes-open-shift-right": "low",
  "alternating-one-way": "high", flagging: "high", "temporary-traffic-signal": "high", "all-lanes-closed": "blocked",
  unknown: "",
};

/** Say the limits a works sets: width, weight, speed. */
export function restrictionsOf({ impact }) {
  const said = impact.restrictions.map(({ type, value, unit }) => {
    const name = t(`works.restriction.${type}`);
    return value === null ? name : t("works.limit", { name, value: value.toLocaleString(page.language), unit: unit ?? "" });
  });
  if (impact.speed_limit_kmh) said.push(t("works.speed", { value: impact.speed_limit_kmh }));
  return said;
}

/** Say a share of 0 to 1 of a works inside a zone. */
export function effectWords({ zone, length_m: length, share }, zoneName) {
  const name = zoneName(zone);
  if (length) return t("works.effect_length", { zone: name, length: metresWords(length) });
  return share < 1 ? t("works.effect_share", { zone: name, share: Math.round(share * 100) }) : name;
}

/** Say a length: "210 m", "1,4 km". */
export function metresWords(length) {
  const [value, unit] = length < 1000 ? [Math.max(1, Math.round(length / 10) * 10 || length), "m"] : [length / 1000, "km"];
  return `${value.toLocaleString(page.language, { maximumFractionDigits: length < 1000 ? 0 : 1 })}\u00a0${unit}`;
}
