/** An event ahead in words: how far, how soon, whether it concerns the driver, and what the vehicle cannot do. */
import { el } from "../element.js";
import { dates, now, page, t } from "../page.js";
import { shapeOf } from "../shapes.js";
import { metresWords, placeOf, stateOf, timeOf, titleOf } from "../words.js";
import { effectiveStops } from "./limits.js";
import { detourText, eventSpeech } from "./speech.js";

/** @typedef {import("./entries.js").Entry} Entry */

/**
 * Return the large card of the next event.
 * @param {Entry} entry
 * @param {(id: string) => string} zoneName
 * @param {Date | null} begins a departure that is still to come
 */
export function nextCard(entry, zoneName, begins) {
  const { feature } = entry;
  return [
    el("p", { class: "next-far" }, el("b", {}, farWords(entry)), " ", el("span", {}, soonWords(entry, begins))),
    el("p", { class: "next-what" }, shapeOf(feature), " ", stateOf(feature)),
    el("p", { class: "next-where" }, [placeOf(feature, zoneName), titleOf(feature)].filter(Boolean).join(" · ")),
    ...cautionLines(entry),
    !entry.detour && detourText(feature) && el("p", { class: "next-detour" }, t("drive.say_detour", { text: detourText(feature) })),
  ].filter(Boolean);
}

/** Return what the vehicle cannot do, a line each. @param {Entry} entry */
export const cautionLines = (entry) => cautions(entry).map((words) => el("p", { class: "caution" }, words));

/**
 * Return what an entry shows in the list.
 * @param {Entry} entry
 * @param {(id: string) => string} zoneName
 * @param {Date | null} begins a departure that is still to come
 */
export function entryCard(entry, zoneName, begins) {
  const { feature, mark } = entry;
  const said = {
    far: farWords(entry), soon: soonWords(entry, begins), mark: markWords(entry, Boolean(begins)), title: titleOf(feature), place: placeOf(feature, zoneName),
    state: stateOf(feature), time: timeOf(feature), why: whyWords(entry), cautions: cautions(entry),
  };
  const status = feature.properties.status;
  return { sign: JSON.stringify([said, mark, status]), nodes: () => cardNodes(feature, mark, said) };
}

function cardNodes(feature, mark, said) {
  return [
    shapeOf(feature),
    el("span", { class: "card-text" },
      el("span", { class: "card-far" }, said.far && el("b", {}, said.far), said.soon && el("span", {}, said.soon), el("span", { class: `mark mark-${mark}` }, said.mark)),
      el("span", { class: "card-title" }, said.title),
      said.place && el("span", { class: "card-place" }, said.place),
      el("span", { class: "card-facts" }, el("span", { class: "state" }, said.state), said.time && el("span", { class: "time" }, said.time)),
      said.why && el("span", { class: "card-why" }, said.why),
      ...said.cautions.map((words) => el("span", { class: "caution" }, words))),
  ];
}

/** Say how far: "850 m", "ici". @param {Entry} entry */
export function farWords({ distanceM }) {
  if (distanceM === null) return "";
  return distanceM < 20 ? t("drive.here") : metresWords(distanceM);
}

/** Say how soon, or at what hour of a departure that is still to come. @param {Entry} entry @param {Date | null} begins */
export function soonWords({ secondsAway, distanceM, feature }, begins) {
  if (secondsAway === null || distanceM === null || distanceM < 20 || feature.properties.kind !== "works") return "";
  if (begins) return t("drive.arrival", { hour: dates.hour(new Date(begins.getTime() + secondsAway * 1000)) });
  const minutes = Math.round(secondsAway / 60);
  if (minutes < 1) return t("drive.under_minute");
  if (minutes < 60) return t("drive.minutes", { count: minutes });
  return t("drive.hours", { hours: Math.floor(minutes / 60), minutes: String(minutes % 60).padStart(2, "0") });
}

function markWords({ mark }, isPlanned) {
  return t(`drive.mark.${mark === "now" && isPlanned ? "then" : mark}`);
}

function whyWords({ mark, why, since, feature }) {
  if (mark === "not") return t(`drive.why.${why}`);
  // Of works that have not begun, their time says so.
  return mark === "later" && since && feature.properties.status !== "planned" ? t("drive.later_at", { moment: dates.moment(since) }) : "";
}

/** Say what the vehicle cannot do. @param {Entry} entry @returns {string[]} */
function cautions({ stops, detour, mark }) {
  if (mark === "not") return [];
  const said = stops.length ? [t("drive.stops", { limits: lower(effectiveStops(stops, t, page.language).join(", ")) })] : [];
  return detour ? [...said, detourWords(detour)] : said;
}

function detourWords(detour) {
  if (detour.why === "works") return t("drive.detour_works", { title: titleOf(detour.works) });
  if (detour.why === "no-trucks") return t("drive.detour_no_trucks");
  const unit = detour.type === "gross-weight-limit" ? "t" : "m";
  return t("drive.detour_limit", { limits: lower(effectiveStops([{ type: detour.type, value: detour.value, unit }], t, page.language)[0]) });
}

/** Say an event aloud. @param {Entry} entry @param {(id: string) => string} zoneName */
export function entrySpeech(entry, zoneName) {
  const names = { title: titleOf(entry.feature), place: placeOf(entry.feature, zoneName), state: stateOf(entry.feature) };
  return eventSpeech(entry, { t, language: page.language, names });
}

/** Say how old what is known is. @param {import("./knowledge.js").Knowledge} knowledge */
export function knowledgeWords({ state, heard, isLive }) {
  if (isLive) return { state: "live", words: t("drive.knowledge.live") };
  const shown = state === "live" ? "offline" : state;
  if (!heard) return { state: shown, words: t(shown === "connecting" ? "drive.knowledge.connecting" : "drive.knowledge.never") };
  // `heard` is of the device's clock, and so is the difference.
  const ago = dates.ago(new Date(now().getTime() - (Date.now() - heard.getTime())));
  return { state: shown, words: t(`drive.knowledge.${shown === "offline" ? "offline" : "reconnecting"}`, { ago }) };
}

function lower(text) {
  return text.charAt(0).toLocaleLowerCase() + text.slice(1);
}
