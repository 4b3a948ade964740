/** Where the device is, again and again, and in words why not. */

const OPTIONS = { enableHighAccuracy: true, maximumAge: 2000, timeout: 20_000 };
const FAULTS = { 1: "denied", 2: "unavailable", 3: "timeout" };

export class Whereabouts {
  #moved;
  #failed;
  #watch = null;

  /**
   * @param {(fix: import("./pace.js").Fix) => void} moved
   * @param {(fault: "denied" | "unavailable" | "timeout" | "unsupported") => void} failed
   */
  constructor(moved, failed) {
    this.#moved = moved;
    this.#failed = failed;
  }

  /** Begin to follow; the browser asks the driver once whether it may. */
  start() {
    if (!navigator.geolocation) return this.#failed("unsupported");
    this.#watch ??= navigator.geolocation.watchPosition((position) => this.#take(position), (error) => this.#fail(error), OPTIONS);
  }

  stop() {
    if (this.#watch !== null) navigator.geolocation.clearWatch(this.#watch);
    this.#watch = null;
  }

  #take({ coords, timestamp }) {
    this.#moved({
      at: [coords.longitude, coords.latitude], when: timestamp, accuracyM: coords.accuracy, speedMs: coords.speed, heading: coords.heading,
    });
  }

  #fail({ code }) {
    const fault = FAULTS[code] ?? "unavailable";
    // A refusal is for good; anything else may pass, and the watch goes on.
    if (fault === "denied") this.stop();
    this.#failed(fault);
  }
}
