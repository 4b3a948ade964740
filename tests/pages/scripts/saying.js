// What the tests of the scripts share: the real words, and dates told from a moment of their own.
import { readFileSync } from "node:fs";
import { Dates } from "../../../maps/static/dates.js";
import { speaker } from "../../../maps/static/texts.js";

const words = (language) =>
  JSON.parse(readFileSync(new URL(`../../../maps/texts/${language}.json`, import.meta.url), "utf8"));

/** Return what says the texts of a language. */
export const say = (language) => speaker(words(language), language);

/** Dates as the town says them at `now`; spaces that do not break are made plain to compare. */
export function dates(language, now, timeZone = "Europe/Paris") {
  const t = speaker(words(language), language);
  const said = new Dates({ language, timeZone, t, now: () => new Date(now) });
  const plain = (text) => (typeof text === "string" ? text.replaceAll("\u00a0", " ") : text);
  return new Proxy(said, { get: (_, name) => (...values) => plain(said[name](...values)) });
}
