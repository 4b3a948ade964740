/** Follow the live stream: one connection, taken up again after every cut where it stopped (docs/stream.md). */

const PROTOCOL = "geoworks.v1";
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
const OPENING_MS = 10_000; // some proxies neither let a WebSocket through nor refuse it
const READ_EVERY_MS = 30_000;

/** Return how long to wait before the n-th new attempt: doubled each time, at random so that clients spread out. */
export function backoff(attempt, random = Math.random) {
  return Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** attempt) * (0.5 + random() / 2);
}

/**
 * @typedef {object} Listener
 * @property {(changes: {key: string, feature: any, before: any, reason?: string}[], snapshot: boolean) => void} changed
 *   features put (`feature`) and removed (`feature` null), all at once after a snapshot
 * @property {(state: "connecting" | "live" | "reconnecting" | "offline" | "polled", since: Date) => void} connection
 *   `polled`: no connection comes about, but everything is read another way
 * @property {() => Promise<any[] | null>} [read] reads all features another way; null when that fails too
 */

export class Stream {
  /** @type {Map<string, any>} what the server has that this subscription sees, by `kind id` */
  features = new Map();
  #address;
  #subscription;
  #listener;
  #open;
  #socket = null;
  #cursor = null;
  #filters = null;
  #chunks = [];
  #attempt = 0;
  #silence = 0;
  #heartbeatMs = 25_000;
  #state = "";
  #isOpen = false;
  #reading = false;

  /**
   * @param {string} address
   * @param {{area: object, kinds: string[]}} subscription
   * @param {Listener} listener
   * @param {(address: string, protocol: string) => WebSocket} [open]
   */
  constructor(address, subscription, listener, open = (...which) => new WebSocket(...which)) {
    this.#address = address;
    this.#subscription = { id: "map", ...subscription };
    this.#listener = listener;
    this.#open = open;
  }

  /** Connect, and stay connected. */
  start() {
    this.#tell("connecting");
    this.#connect();
    globalThis.addEventListener?.("online", () => this.#hurry());
    globalThis.document?.addEventListener("visibilitychange", () => document.hidden || this.#hurry());
  }

  #connect() {
    const socket = this.#open(this.#address, PROTOCOL);
    this.#socket = socket;
    socket.onopen = () => this.#ask();
    socket.onmessage = ({ data }) => this.#hear(JSON.parse(data));
    socket.onclose = () => this.#cut(socket);
    this.#listen(OPENING_MS);
  }

  /** Try at once when the network or the reader comes back, instead of at the end of a long wait. */
  #hurry() {
    if (this.#socket) return;
    clearTimeout(this.#silence);
    this.#connect();
  }

  #ask() {
    const { id, ...rest } = this.#subscription;
    const message = this.#cursor
      ? { type: "resume", since: this.#cursor, filters: this.#filters, subscriptions: [{ id, ...rest }] }
      : { type: "subscribe", id, ...rest };
    this.#isOpen = true;
    this.#socket.send(JSON.stringify(message));
    this.#listen();
  }

  #cut(socket) {
    if (socket !== this.#socket) return;
    this.#socket = null;
    this.#isOpen = false;
    this.#chunks = [];
    // Whoever has nothing to look at yet does not wait for a third failure.
    if (this.#attempt > 1 || !this.features.size || this.#isWithout) this.#goWithout();
    else this.#tell("reconnecting");
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#connect(), backoff(this.#attempt));
    this.#attempt += 1;
  }

  /** A connection that says nothing for longer than the server's heartbeat is dead, whatever the network claims. */
  #listen(patienceMs = this.#heartbeatMs * 2) {
    clearTimeout(this.#silence);
    const socket = this.#socket;
    this.#silence = setTimeout(() => {
      this.#cut(socket);
      socket.close();
    }, patienceMs);
  }

  get #isWithout() {
    return this.#state === "offline" || this.#state === "polled";
  }

  #goWithout() {
    if (!this.#isWithout) this.#tell("offline");
    if (!this.#reading && this.#listener.read) this.#readOn();
  }

  /** Have everything read another way, again and again, until a connection brings it. */
  async #readOn() {
    this.#reading = true;
    while (this.#isWithout) {
      const features = await this.#listener.read();
      // What an open connection brings is newer.
      if (this.#isWithout && !this.#isOpen) this.#takeRead(features);
      await new Promise((resolve) => setTimeout(resolve, READ_EVERY_MS));
    }
    this.#reading = false;
  }

  #takeRead(features) {
    this.#tell(features ? "polled" : "offline");
    if (!features) return;
    // Newer than the cursor: the next connection begins with a snapshot.
    this.#cursor = null;
    this.#filters = null;
    this.#replace(features);
  }

  #hear(message) {
    this.#listen();
    const heard = {
      hello: ({ heartbeat_s: seconds }) => (this.#heartbeatMs = (seconds ?? 25) * 1000),
      snapshot: () => this.#snapshot(message),
      put: () => this.#put(message),
      remove: () => this.#remove(message),
      caught_up: () => this.#caughtUp(message),
      resync: () => this.#forget(),
    }[message.type];
    heard?.(message);
    // A snapshot's cursor holds only once all of it is here.
    if (message.cursor && message.type !== "snapshot" && message.type !== "hello" && this.#filters) {
      this.#cursor = message.cursor;
    }
  }

  #snapshot({ features, last }) {
    this.#chunks.push(...features);
    if (!last) return;
    const all = this.#chunks;
    this.#chunks = [];
    this.#replace(all);
  }

  #replace(features) {
    const before = this.features;
    this.features = new Map(features.map((feature) => [named(feature), feature]));
    const gone = [...before].filter(([key]) => !this.features.has(key));
    const changes = [...this.features].map(([key, feature]) => ({ key, feature, before: before.get(key) ?? null }));
    this.#listener.changed([...changes, ...gone.map(([key, was]) => ({ key, feature: null, before: was }))], true);
  }

  #put({ feature }) {
    const key = named(feature);
    const before = this.features.get(key) ?? null;
    this.features.set(key, feature);
    this.#listener.changed([{ key, feature, before }], false);
  }

  #remove({ kind, id, reason }) {
    const key = `${kind} ${id}`;
    const before = this.features.get(key);
    if (!this.features.delete(key)) return;
    this.#listener.changed([{ key, feature: null, before, reason }], false);
  }

  #caughtUp({ filters }) {
    this.#filters = filters;
    this.#attempt = 0;
    this.#tell("live");
  }

  /** The cursor is too old to resume from: the snapshot that follows replaces everything. */
  #forget() {
    this.#cursor = null;
    this.#filters = null;
    this.#chunks = [];
  }

  #tell(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.#listener.connection(state, new Date());
  }
}

const named = (feature) => `${feature.properties.kind} ${feature.id}`;
