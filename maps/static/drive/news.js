/** What of the changes is news to the driver: not what comes into view by moving, but what has just happened. */
import { rank } from "../model.js";

export class News {
  #since;
  #known = new Map();

  /** @param {Date} since by the service's clock: what is older is no news */
  constructor(since) {
    this.#since = since;
  }

  /**
   * Return the entries that concern the driver from now on.
   * @param {{key: string, feature: any}[]} changes
   * @param {import("./entries.js").Entry[]} entries
   */
  of(changes, entries) {
    const changed = new Set(changes.filter(({ feature }) => feature).map(({ key }) => key));
    return entries.filter(({ key, mark, feature }) => changed.has(key) && mark === "now" && this.#isNew(key, feature));
  }

  /** Remember how entries are marked. @param {import("./entries.js").Entry[]} entries */
  keep(entries) {
    this.#known = new Map(entries.map(({ key, mark, feature }) => [key, { mark, rank: rank(feature) }]));
  }

  #isNew(key, feature) {
    const before = this.#known.get(key);
    if (before) return before.mark !== "now" || rank(feature) > before.rank;
    return new Date(feature.properties.updated) > this.#since;
  }
}
