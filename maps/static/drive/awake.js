/** Keeps the screen on while it is needed, where the browser can (Screen Wake Lock). */

export class Awake {
  #wanted = false;
  #lock = null;

  constructor() {
    // The browser lets go of the screen whenever the page is hidden.
    document.addEventListener("visibilitychange", () => this.#take());
  }

  static get isThere() {
    return "wakeLock" in navigator;
  }

  /** Keep the screen on, or let it go. @param {boolean} wanted */
  keep(wanted) {
    if (wanted === this.#wanted) return;
    this.#wanted = wanted;
    if (wanted) this.#take();
    else this.#release();
  }

  async #take() {
    if (!this.#wanted || document.hidden || !Awake.isThere || (this.#lock && !this.#lock.released)) return;
    try {
      this.#lock = await navigator.wakeLock.request("screen");
    } catch {
      this.#lock = null; // a low battery forbids it; everything else goes on
    }
    if (!this.#wanted) this.#release();
  }

  #release() {
    this.#lock?.release();
    this.#lock = null;
  }
}
