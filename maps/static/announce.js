/** Tell screen readers what changed: grouped, and never more than once in ten seconds. */

const QUIET_MS = 10_000;

export class Announcer {
  #region;
  #say;
  #quietMs;
  #waiting = [];
  #timer = 0;
  #last = -Infinity;

  /**
   * @param {{textContent: string}} region a polite live region
   * @param {(changes: any[]) => string} say what to say of all the changes since the last time
   */
  constructor(region, say, quietMs = QUIET_MS) {
    this.#region = region;
    this.#say = say;
    this.#quietMs = quietMs;
  }

  /** Take changes to be told when it is time. */
  add(changes) {
    if (!changes.length) return;
    this.#waiting.push(...changes);
    if (this.#timer) return;
    // A moment is left even to the first, so that a burst is told as one.
    const wait = Math.max(this.#last + this.#quietMs - Date.now(), Math.min(1000, this.#quietMs));
    this.#timer = setTimeout(() => this.#tell(), wait);
  }

  #tell() {
    const latest = new Map(this.#waiting.map((change) => [change.key, change]));
    this.#waiting = [];
    this.#timer = 0;
    this.#last = Date.now();
    this.#region.textContent = this.#say([...latest.values()]);
  }
}
