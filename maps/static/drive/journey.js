/** A journey: the driver's question on the stream, where they are, and what lies before them. */
import { GeoworksStream } from "../geoworks-client.js";
import { entriesOf, nextOf } from "./entries.js";
import { detourBoxes } from "./detours.js";
import { Pace } from "./pace.js";
import { CORRIDOR_M, fitsFrame, questionOf, routeOf } from "./question.js";
import { Way } from "./way.js";
import { Whereabouts } from "./whereabouts.js";

const AREA_UNKNOWN = 110;
const OFF_M = 150;
const AGAIN_MS = 10_000;
const ASK_ANEW_MS = 300_000; // a departure "now" of somebody who has not left yet
const MOST_DETOURS = 20;
const SLOWEST_KMH = 3;

/**
 * @typedef {object} Listener
 * @property {() => void} moved the driver is elsewhere, or the features are others: show anew
 * @property {(changes: any[], snapshot: boolean) => void} changed
 * @property {(state: string) => void} connection
 * @property {(notice: any) => void} notice
 * @property {(topic: "question" | "position", fault: string) => void} fault what is wrong; "" when it is mended
 */

export class Journey {
  /** @type {[number, number] | null} */
  at = null;
  /** Metres to the route of a driver who is not on it. @type {number | null} */
  offM = null;
  passedM = 0;
  /** Whether the service has answered. */
  isAnswered = false;
  pace = new Pace();
  #choice;
  #setting;
  #listener;
  #way;
  #stream;
  #detours;
  #whereabouts;
  #everything = false;
  #asked = 0;
  #boxes = "";
  #timers = [];

  /**
   * @param {import("./choice.js").Choice} choice
   * @param {{address: string, open: any, vehicle: import("./vehicle.js").Vehicle, wall: import("./force.js").Wall, now: () => Date}} setting
   * @param {Listener} listener
   */
  constructor(choice, setting, listener) {
    this.#choice = choice;
    this.#setting = setting;
    this.#listener = listener;
    this.#way = choice.place === "route" ? new Way(choice.line) : null;
    this.#stream = new GeoworksStream(setting.address, { open: setting.open }, {
      changed: (changes, snapshot) => this.#changed(changes, snapshot),
      connection: (state) => listener.connection(state),
      notice: (notice) => listener.notice(notice),
      refused: (refusal) => this.#refused(refusal),
    });
    this.#detours = new GeoworksStream(setting.address, {}, { changed: () => listener.moved() });
    this.#whereabouts = new Whereabouts((fix) => this.#moved(fix), (fault) => listener.fault("position", this.#faultOf(fault)));
  }

  /** Begin; `follow`: with the position of the device. @param {{follow: boolean}} how */
  start({ follow }) {
    this.#ask();
    this.#stream.start();
    this.#detours.start();
    if (follow) this.#whereabouts.start();
    this.#timers.push(setInterval(() => this.at || this.#choice.depart || this.#ask(), ASK_ANEW_MS));
  }

  stop() {
    this.#asked += 1; // what is on its way is wanted no more
    this.#whereabouts.stop();
    this.#stream.stop();
    this.#detours.stop();
    for (const timer of this.#timers) clearTimeout(timer);
  }

  get everything() {
    return this.#everything;
  }

  /** Ask also for what is not for this driver, or no more. */
  set everything(wanted) {
    this.#everything = wanted;
    this.#ask();
  }

  get line() {
    return this.#way?.line ?? null;
  }

  /** Return a feature by its `kind id`. */
  find(key) {
    return this.#stream.features.get(key) ?? null;
  }

  /** What lies before the driver, nearest first. @returns {import("./entries.js").Entry[]} */
  get entries() {
    const { vehicle, wall } = this.#setting;
    return entriesOf(this.#stream.features.values(), {
      way: this.#way, corridorM: CORRIDOR_M, passedM: this.passedM, at: this.at, heading: this.pace.heading, speedKmh: this.speedKmh,
      begins: this.begins, vehicle, wall, others: [...this.#detours.features.values(), ...this.#stream.features.values()].filter(({ properties }) => properties.kind === "works"),
    });
  }

  get next() {
    return nextOf(this.entries);
  }

  /** The speed that times are reckoned with: the present one of a driver on the move, else the usual one. */
  get speedKmh() {
    const { isMoving, speedKmh } = this.pace;
    return isMoving && speedKmh ? Math.max(SLOWEST_KMH, speedKmh) : this.#choice.speedKmh;
  }

  /** When the driver is where they are: now, or at a departure that is still to come. */
  get begins() {
    const now = this.#setting.now();
    const depart = this.#choice.depart && !this.at ? new Date(this.#choice.depart) : now;
    return depart > now ? depart : now;
  }

  async #ask() {
    const turn = (this.#asked += 1);
    const how = { depart: this.begins, everything: this.#everything };
    const areaId = await this.#areaId(how, turn);
    if (turn !== this.#asked || areaId === null) return;
    this.#stream.subscribe(questionOf(this.#choice, { ...how, areaId }));
  }

  /** Return the id of a route that has to be posted, "" when it goes into the question, null when it cannot be now. */
  async #areaId(how, turn) {
    const { place, source } = this.#choice;
    if (place !== "route" || (!source && fitsFrame(this.#choice))) return "";
    try {
      const { area_id: id } = await this.#stream.postArea({ route: routeOf(this.#choice, how) });
      if (turn === this.#asked) this.#listener.fault("question", "");
      return id;
    } catch (error) {
      this.#notPosted(error, turn);
      return null;
    }
  }

  #notPosted({ status }, turn) {
    if (turn !== this.#asked) return;
    const isLasting = status >= 400 && status < 500 && status !== 429 && status !== 408;
    this.#listener.fault("question", isLasting ? "refused" : "posting_offline");
    if (!isLasting) this.#later(() => turn === this.#asked && this.#ask(), AGAIN_MS);
  }

  #refused({ code, id }) {
    if (id !== "drive") return;
    // The service was started anew, or the route was left there for too long: leave it there again.
    if (code === AREA_UNKNOWN) this.#later(() => this.#ask(), 0);
    else this.#listener.fault("question", "refused");
  }

  #later(action, ms) {
    this.#timers.push(setTimeout(action, ms));
  }

  #changed(changes, snapshot) {
    this.isAnswered = true;
    this.#watchDetours();
    this.#listener.changed(changes, snapshot);
  }

  /** Ask which works on the advised detours stop this vehicle. */
  #watchDetours() {
    const boxes = detourBoxes([...this.#stream.features.values()]).slice(0, MOST_DETOURS);
    if (JSON.stringify(boxes) === this.#boxes) return;
    this.#boxes = JSON.stringify(boxes);
    for (const { id } of this.#detours.subscriptions) if (Number(id) >= boxes.length) this.#detours.unsubscribe(id);
    boxes.forEach((bbox, index) => this.#detours.subscribe({
      id: String(index), area: { bbox }, kinds: ["works"], min_severity: "blocked", vehicle: this.#choice.vehicle, horizon: "PT12H",
    }));
  }

  #moved(fix) {
    this.pace.take(fix);
    this.at = fix.at;
    this.#advance(fix.at);
    // With zones the position stays here; speed and heading always do: no answer depends on them.
    if (this.#choice.place !== "zones") this.#stream.position("drive", fix.at);
    this.#listener.fault("position", this.offM === null ? "" : "off");
    this.#listener.moved();
  }

  #advance(at) {
    if (!this.#way) return;
    const { alongM, offM } = this.#way.locate(at, this.passedM);
    this.offM = offM > CORRIDOR_M + OFF_M ? offM : null;
    if (this.offM === null) this.passedM = alongM;
  }

  #faultOf(fault) {
    return fault === "denied" && this.#choice.place === "around" ? "denied_around" : fault;
  }
}
