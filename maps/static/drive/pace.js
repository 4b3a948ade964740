/** How fast a driver moves, and which way: told by the device, or reckoned from where it was. */
import { metres } from "../model.js";
import { bearing } from "./way.js";

const STARTS_KMH = 10;
const ENDS_KMH = 6; // between the two nothing changes, so that a slow queue does not make the page flicker
const SHORTEST_S = 0.9; // two positions closer in time tell nothing of the speed
const LONGEST_S = 30; // nor do two that are farther apart
const LOST_MS = 120_000; // nobody knows whether a driver still moves who was not seen for so long
const TOO_FAST_KMH = 250; // a jump of the position, no speed

/** @typedef {{at: [number, number], when: number, accuracyM?: number, speedMs?: number | null, heading?: number | null}} Fix */

export class Pace {
  /** @type {number | null} */
  speedKmh = null;
  /** @type {number | null} degrees from north */
  heading = null;
  /** Whether the driver moves faster than anybody should touch a screen. */
  isMoving = false;
  /** @type {Fix | null} */
  #last = null;

  /** Take a position; `when` in milliseconds. @param {Fix} fix */
  take(fix) {
    const told = Number.isFinite(fix.speedMs) && Number(fix.speedMs) >= 0;
    if (told) this.#set(Number(fix.speedMs) * 3.6, fix.heading);
    else this.#reckon(fix);
    if (told) this.#last = fix;
  }

  /** Take note of the time: a movement is not believed for ever. @param {number} when milliseconds */
  tick(when) {
    if (this.#last && when - this.#last.when > LOST_MS) this.#set(0, null);
  }

  #reckon(fix) {
    const seconds = this.#last ? (fix.when - this.#last.when) / 1000 : Infinity;
    if (seconds < SHORTEST_S) return;
    if (seconds <= LONGEST_S) this.#compare(this.#last, fix, seconds);
    this.#last = fix;
  }

  #compare(before, fix, seconds) {
    const distance = metres(before.at, fix.at);
    const speed = (distance / seconds) * 3.6;
    if (speed > TOO_FAST_KMH) return;
    // What lies within the blur of both positions is no movement.
    const still = distance <= Math.max(fix.accuracyM ?? 0, before.accuracyM ?? 0) / 2;
    this.#set(still ? 0 : speed, still ? null : bearing(before.at, fix.at));
  }

  #set(speedKmh, heading) {
    this.speedKmh = speedKmh;
    if (Number.isFinite(heading)) this.heading = heading;
    if (speedKmh > STARTS_KMH) this.isMoving = true;
    else if (speedKmh < ENDS_KMH) this.isMoving = false;
  }
}
