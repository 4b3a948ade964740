/** Ask again and again what changed where a map looks, from a place in the log on. */
import { Refused } from "../doors.js";
import { url } from "../page.js";

const SOON_MS = 250; // changes that come together are asked about together
const ENOUGH = 100; // changes in an answer from which on there may be more than one answer holds
const LONGEST_MS = 120_000;
const TOO_MANY = 429; // of all readers behind one address
const PATIENCE_MS = 20_000;
// What an answer begins with that is everything there is, as the log cannot be read from the place that was given.
const ANEW = '{"changes":[],"resync"';

export class News {
  #since;
  #box = [];
  #told;
  #failed;
  #everyMs = Infinity;
  #timer = 0;
  #due = Infinity;
  #failures = 0;
  #isAsking = false;
  #isRung = false;

  /**
   * @param {string} since a cursor
   * @param {{told: (changes: any[] | null) => void, failed: () => void}} listener
   *   `put` and `remove` as on the stream; null when anything may have changed
   */
  constructor(since, { told, failed }) {
    this.#since = since;
    this.#told = told;
    this.#failed = failed;
    document.addEventListener("visibilitychange", () => document.hidden || this.ring());
  }

  /** Ask about a box in degrees from now on, so often. */
  watch(box, everyMs) {
    this.#box = box;
    this.#everyMs = everyMs;
    this.#schedule(everyMs);
  }

  /** Ask soon, as there is something new. */
  ring() {
    if (this.#isAsking) this.#isRung = true;
    else this.#schedule(SOON_MS);
  }

  /** Ask after a while, or sooner if that is planned already. */
  #schedule(ms) {
    if (Date.now() + ms >= this.#due) return;
    clearTimeout(this.#timer);
    this.#due = Date.now() + ms;
    this.#timer = setTimeout(() => this.#ask(), ms);
  }

  async #ask() {
    this.#due = Infinity;
    if (document.hidden || this.#isAsking || !this.#box.length) return;
    this.#isAsking = true;
    await this.#askOnce();
    this.#isAsking = false;
    this.#schedule(this.#isRung && !this.#failures ? SOON_MS : this.#pauseMs());
    this.#isRung = false;
  }

  async #askOnce() {
    let said;
    try {
      said = await readChanges(this.#box, this.#since);
      this.#since = said?.cursor ?? (await readCursor());
    } catch (error) {
      this.#failures += 1;
      if (!(error instanceof Refused && error.status === TOO_MANY)) this.#failed();
      return;
    }
    this.#failures = 0;
    this.#isRung ||= said?.changes.length >= ENOUGH;
    this.#told(said?.changes ?? null);
  }

  /** Pauses grow with failures and differ from reader to reader, so that not all come back at once. */
  #pauseMs() {
    if (!this.#failures) return this.#everyMs;
    return Math.min(LONGEST_MS, this.#everyMs * 2 ** Math.min(this.#failures, 6)) * (0.5 + Math.random() / 2);
  }
}

/** Return what changed; null when that would be everything there is, of which no more is read. */
async function readChanges(box, since) {
  const answer = await get(`/v1/changes?bbox=${box.join()}&since=${encodeURIComponent(since)}&wait=0`);
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let text = ""; ; ) {
    const { done, value } = await reader.read();
    if (done) return JSON.parse(text);
    text += value;
    if (!text.startsWith(ANEW)) continue;
    await reader.cancel();
    return null;
  }
}

/** Return where the log stands, by a question that nothing answers to. */
async function readCursor() {
  return (await get("/v1/works?bbox=0,0,0,0&limit=1")).headers.get("Geoworks-Cursor");
}

async function get(path) {
  const answer = await fetch(url(path), { signal: AbortSignal.timeout(PATIENCE_MS) });
  if (!answer.ok) throw new Refused(answer.status, null);
  return answer;
}
