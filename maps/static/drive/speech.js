/** What a driver hears of what is ahead: short, without anything that has to be looked at. */
import { effectiveStops } from "./limits.js";

const NEAR_M = 250;
const FAR_M = 1500;
const LONGEST_SAID = 90; // letters of a detour; a longer one is for the eyes, at rest

/**
 * Say an event the way somebody beside the driver would.
 * @param {import("./entries.js").Entry} entry
 * @param {{t: import("../texts.js").Say, language: string, names: {title: string, place: string, state: string}}} saying
 */
export function eventSpeech({ distanceM, stops, detour, feature }, { t, language, names }) {
  const where = distanceM === null ? "" : distanceSpeech(distanceM, t, language);
  return [
    t(where ? "drive.say_event_at" : "drive.say_event", { where, state: names.state, place: names.place || names.title }),
    stops.length ? t("drive.say_stops", { limits: effectiveStops(stops, t, language).join(", ") }) : "",
    detour ? t("drive.say_detour_unfit") : detourSpeech(feature, t),
  ].filter(Boolean).join(" ");
}

/** Return the words of the first detour that has any, without a full stop. */
export function detourText({ properties }) {
  const text = (properties.impact?.detours ?? []).map((detour) => detour.text).find(Boolean) ?? "";
  return text.replace(/[.\s]+$/, "");
}

function detourSpeech(feature, t) {
  const text = detourText(feature);
  return text && text.length <= LONGEST_SAID ? t("drive.say_detour", { text }) : "";
}

/** Say a distance in whole words: "dans 800 mètres", "dans 1,2 kilomètre". */
export function distanceSpeech(metres, t, language) {
  if (metres < 30) return t("drive.say_here");
  if (metres < 950) return t("drive.say_metres", { count: Math.max(50, Math.round(metres / 50) * 50) });
  const kilometres = Math.round(metres / 100) / 10;
  // French counts less than two as one; English everything but one as many.
  return t("drive.say_kilometres", { count: kilometres, value: kilometres.toLocaleString(language) });
}

/** Decides when an event is said: when it becomes the next one, and once more when it is near. */
export class Reminder {
  #said = new Map();

  /**
   * Return whether the next event should be said now.
   * @param {import("./entries.js").Entry | null} next
   */
  isDue(next) {
    if (!next) return false;
    const stage = next.distanceM === null || next.distanceM > FAR_M ? 1 : next.distanceM > NEAR_M ? 2 : 3;
    if ((this.#said.get(next.key) ?? 0) >= stage) return false;
    this.#said.set(next.key, stage);
    return true;
  }

  /** Forget what was said: what has changed is said again. @param {string} key */
  forget(key) {
    this.#said.delete(key);
  }
}
