/** Features read one by one, for details that speak of what the page does not hold. */
import { ask, Refused } from "../doors.js";

const DOORS = { works: "works", report: "reports", zone: "zones" };
const MOST_AROUND = 20;

export class Fetched {
  #texts = new Map();
  #features = new Map();

  /** Return what was read of a feature. */
  at(key) {
    return this.#features.get(key) ?? null;
  }

  /** Read a feature; null when there is none, what was read before when it cannot be had. */
  async find(key) {
    const [kind] = key.split(" ", 1);
    try {
      return this.keep(key, await ask(`/v1/${DOORS[kind]}/${encodeURIComponent(key.slice(kind.length + 1))}`));
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return error.status === 404 ? null : this.at(key);
    }
  }

  /**
   * Read what the details of a feature speak of, as far as nobody has it.
   * @param {any} feature
   * @param {(key: string) => boolean} isHeld
   */
  async around({ properties }, isHeld) {
    const { effects = [], zones = [], causes = [], works = [] } = properties;
    const keys = [...[...effects.map(({ zone }) => zone), ...zones].map((id) => `zone ${id}`), ...[...causes, ...works].map((id) => `works ${id}`)];
    await Promise.all(keys.filter((key) => !isHeld(key)).slice(0, MOST_AROUND).map((key) => this.find(key)));
  }

  /** Take a feature in; the same content stays the same object, so that nothing is shown anew. */
  keep(key, feature) {
    const text = JSON.stringify(feature);
    if (this.#texts.get(key) !== text) this.#features.set(key, feature);
    this.#texts.set(key, text);
    return this.#features.get(key);
  }
}
