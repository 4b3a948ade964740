/** Everything about one feature, in the place of the list. */
import { copyText } from "./copy.js";
import { ask, Refused } from "./doors.js";
import { el } from "./element.js";
import { keyOf, LEVELS } from "./model.js";
import { dates, now, t, url } from "./page.js";
import { shape, shapeOf } from "./shapes.js";
import { effectWords, impactOf, placeOf, restrictionsOf, stateOf, timeOf, titleOf } from "./words.js";

/**
 * Build the details of a feature.
 * @param {any} feature
 * @param {{zoneName: (id: string) => string, find: (key: string) => any, select: (key: string) => void}} around
 * @returns {Node[]}
 */
export function details(feature, around) {
  const parts = { works: worksParts, zone: zoneParts, report: reportParts }[feature.properties.kind];
  return [
    el("p", { class: "details-state" }, shapeOf(feature), el("span", { class: "state" }, stateOf(feature)), ...statusTag(feature)),
    el("h2", { id: "details-title", tabindex: "-1" }, titleOf(feature)),
    ...parts(feature, around).filter(Boolean),
  ];
}

function statusTag({ properties }) {
  return properties.kind === "works" ? [el("span", { class: "status" }, t(`works.status.${properties.status}`))] : [];
}

function worksParts(feature, { zoneName }) {
  const { properties } = feature;
  return [
    el("p", { class: "details-place" }, placeOf(feature, zoneName)),
    plate(feature),
    properties.description && el("p", { class: "prose" }, properties.description),
    el("h3", {}, t("works.impact")),
    impactTable(properties),
    ...restrictions(properties),
    ...detours(properties),
    facts(properties, zoneName),
    el("div", { class: "actions" }, copyLink(feature), history(feature)),
  ];
}

/** The dates, on the yellow of a works sign. */
function plate({ properties }) {
  const { schedule, status } = properties;
  const unsure = status !== "planned" && schedule.end && !schedule.end_verified && new Date(schedule.end) < now();
  return el("div", { class: "plate" },
    el("p", { class: "plate-when" }, dates.schedule(schedule, status)),
    ...schedule.windows.map((window) => el("p", {}, dates.window(window))),
    schedule.windows.length > 0 && nextWords(properties),
    unsure && el("p", {}, t("works.end_unsure")));
}

function nextWords({ next_transition: transition, status }) {
  const words = dates.next(transition, status);
  return words && el("p", { class: "plate-next" }, words);
}

function impactTable(properties) {
  const rows = impactOf(properties).map(({ mode, words, severity }) =>
    el("div", { class: severity ? "" : "untold" },
      el("dt", {}, mode),
      el("dd", {}, severity ? shape(severity) : "", words)));
  return el("dl", { class: "impact" }, ...rows);
}

function restrictions(properties) {
  const said = restrictionsOf(properties);
  const { exempt, emergency_passage: passage } = properties.impact;
  if (exempt.length) said.push(t("works.exempt", { who: exempt.map((who) => t(`works.exemption.${who}`)).join(", ") }));
  if (passage !== "unknown") said.push(t(`works.emergency.${passage}`));
  return said.length ? [el("h3", {}, t("works.limits")), el("ul", { class: "plain" }, ...said.map((line) => el("li", {}, line)))] : [];
}

function detours({ impact }) {
  if (!impact.detours.length) return [];
  const lines = impact.detours.map(({ text }) => el("li", {}, text || t("works.detour_drawn")));
  return [el("h3", {}, t("works.detour")), el("ul", { class: "plain detours" }, ...lines)];
}

function facts(properties, zoneName) {
  const rows = [
    ["zones", properties.effects.map((effect) => effectWords(effect, zoneName)).join(" ; ")],
    ["kind", properties.types_of_work.map((type) => t(`works.type.${type}`)).join(", ")],
    ["promoter", properties.promoter],
    ["road_authority", properties.road_authority],
    ["reference", properties.reference],
    ["project", properties.project],
    ["updated", `${dates.ago(new Date(properties.updated))}${properties.corrected.length ? ` (${t("works.corrected")})` : ""}`],
  ];
  return factList(rows.map(([name, words]) => [t(`works.fact.${name}`), words]));
}

function factList(rows) {
  const told = rows.filter(([, words]) => words);
  return el("dl", { class: "facts" }, ...told.map(([name, words]) => el("div", {}, el("dt", {}, name), el("dd", {}, words))));
}

function zoneParts({ properties }, { find, select }) {
  const causes = properties.causes.map((id) => find(`works ${id}`)).filter(Boolean);
  return [
    el("p", { class: "prose" }, t(`map.level_meaning.${LEVELS[LEVELS.indexOf(properties.level)]}`)),
    causes.length > 0 && el("h3", {}, t("list.because")),
    el("ul", { class: "plain causes" }, ...causes.map((works) =>
      el("li", {}, el("button", { type: "button", class: "link", onclick: () => select(keyOf(works)) }, shapeOf(works), titleOf(works))))),
  ];
}

function reportParts(feature, { zoneName, find, select }) {
  const { properties } = feature;
  const works = properties.works.map((id) => find(`works ${id}`)).filter(Boolean);
  return [
    el("p", { class: "details-place" }, placeOf(feature, zoneName)),
    el("p", {}, timeOf(feature)),
    properties.released
      ? properties.text && el("blockquote", { class: "quote" }, properties.text)
      : el("p", { class: "muted" }, t("reports.not_released")),
    works.length > 0 && el("h3", {}, t("reports.works_here")),
    ...works.map((one) => el("button", { type: "button", class: "link", onclick: () => select(keyOf(one)) }, shapeOf(one), titleOf(one))),
  ];
}

function copyLink(feature) {
  const address = new URL(`${url("/")}?works=${encodeURIComponent(feature.id)}`, location.href).href;
  const done = el("span", { role: "status", class: "visually-hidden" });
  const button = el("button", {
    type: "button", class: "button quiet",
    onclick: async () => {
      if (await copyText(address)) button.textContent = done.textContent = t("works.link_copied");
    },
  }, t("works.copy_link"));
  return el("span", {}, button, done);
}

function history(feature) {
  const box = el("details", { class: "history" }, el("summary", {}, t("works.history")));
  box.addEventListener("toggle", () => fillHistory(box, feature.id), { once: true });
  return box;
}

async function fillHistory(box, id) {
  try {
    const { versions } = await ask(`/v1/works/${encodeURIComponent(id)}/history`);
    box.append(el("ol", { class: "plain versions", reversed: true }, ...versions.map(versionLine)));
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    box.append(el("p", { class: "muted" }, t("works.no_history")));
  }
}

function versionLine({ version, at, feature }) {
  const { schedule, status } = feature.properties;
  return el("li", {}, el("b", {}, t("works.version", { version })), `, ${dates.moment(new Date(at))} : ${dates.schedule(schedule, status)}`);
}
