/** A client of a town's live stream, for any site: one file that needs no other; docs/client-js.md tells how to use it. */

/** @typedef {{type: "Feature", id: string, geometry: any, properties: {kind: string, [name: string]: any}}} Feature */
/** @typedef {{id: string, area: object, kinds?: string[], min_severity?: string, vehicle?: object, horizon?: string}} Subscription */
/** @typedef {[lon: number, lat: number]} Lonlat degrees */
/** @typedef {{speedKmh?: number | null, heading?: number | null}} Motion heading in degrees from north */
/** @typedef {{code: string, message: string, [field: string]: any}} Notice such as `stopping` or `begins-soon` */
/** @typedef {{code: number, message: string, id: string | null}} Refusal code of docs/stream.md; which subscription */
/** @typedef {{area_id: string, expires: string, length_m?: number, line?: object}} StoredArea */
/** @typedef {"connecting" | "live" | "reconnecting" | "offline" | "polled"} State */

/**
 * What became of a feature: it is new or has changed (`feature`), or matches no more (`feature` null).
 * @typedef {{key: string, feature: Feature | null, before: Feature | null, reason?: string}} Change
 */

/**
 * What a program may want to hear; all of it may be left out.
 * @typedef {object} Listener
 * @property {(changes: Change[], snapshot: boolean) => void} [changed] all at once after a snapshot
 * @property {(state: State, since: Date) => void} [connection] `polled`: no connection, but `read` brings everything
 * @property {(notice: Notice) => void} [notice]
 * @property {(refusal: Refusal) => void} [refused] a subscription the server does not take, and the stream forgets
 * @property {(code: number) => void} [ended] the server closed the connection, and would do so again
 * @property {() => Promise<Feature[] | null>} [read] reads all features another way; null when that fails too
 */

/** @typedef {(address: string, protocol: string) => WebSocket} Open */
/** @typedef {{type: string, [field: string]: any}} Message */

const PROTOCOL = "geoworks.v1";
const OPENING_MS = 10_000; // some proxies neither let a WebSocket through nor refuse it
const READ_EVERY_MS = 30_000;
const AGAIN_MS = 1000;
const ABORTED = 1006;
// What trying again does not mend, of the closing codes of docs/stream.md and RFC 6455.
const FOR_GOOD = new Set([1002, 1003, 1007, 1008, 1009, 1010, 4002]);
const UNKNOWN_SUBSCRIPTION = 106;
const LONGEST_ASKED_S = 3600; // timers take no more than 24 days, whatever a server says

/** Return what names a feature among those of every kind. @param {Feature} feature */
export const keyOf = (feature) => `${feature.properties.kind} ${feature.id}`;

/** Exponential waits with full jitter, so that the clients of a server that comes back do not come all at once. */
class Patience {
  #attempt = 0;
  #askedS = 0;
  #random;

  /** @param {() => number} random */
  constructor(random) {
    this.#random = random;
  }

  /** Return the seconds to the next attempt, and how many of them the server asked for. */
  next() {
    const leastS = this.#askedS;
    const waitS = leastS + this.#random() * Math.min(30, 0.5 * 2 ** this.#attempt);
    this.#attempt = Math.min(this.#attempt + 1, 6);
    this.#askedS = 0;
    return { leastS, waitS };
  }

  /** @param {unknown} retryAfterS */
  heed(retryAfterS) {
    if (isPositive(retryAfterS)) this.#askedS = Math.max(this.#askedS, Math.min(retryAfterS, LONGEST_ASKED_S));
  }

  /** Take note that a connection brought what was asked, or that it is useless to hurry. */
  reset(attempt = 0) {
    this.#attempt = attempt;
  }
}

/** The features, and the place in the log up to which they are right. */
class Held {
  /** @type {Map<string, Feature>} */
  features = new Map();
  /** @type {string | null} */
  #cursor = null;
  /** @type {Set<string> | null} while everything is told anew, what was; the rest is dropped when all of it is */
  #told = new Set();

  get cursor() {
    return this.#told ? null : this.#cursor;
  }

  beginAnew() {
    this.#told = new Set();
  }

  /** Drop what was not told again, now that everything is told. */
  *settle() {
    const told = this.#told;
    this.#told = null;
    if (!told) return;
    const old = [...this.features.keys()].filter((key) => !told.has(key)).sort();
    for (const key of old) yield* this.remove(key);
  }

  /** @param {string | null | undefined} cursor */
  reach(cursor) {
    this.#cursor = cursor || this.#cursor;
  }

  /** @param {Feature} feature */
  put(feature) {
    const key = keyOf(feature);
    this.features.set(key, feature);
    this.#told?.add(key);
    return { type: "put", key, feature };
  }

  /** @param {string} key @param {string} [reason] */
  *remove(key, reason) {
    this.#told?.delete(key);
    if (this.features.delete(key)) yield { type: "remove", key, feature: null, reason };
  }
}

/** What a program wants to know and how far the server has answered: one question of an id is on its way at a time. */
class Asked {
  /** @type {Map<string, Subscription>} */
  wanted = new Map();
  /** @type {Map<string, Subscription>} */
  #known = new Map();
  /** @type {Map<string, Subscription | null>} null: to be asked no more */
  #pending = new Map();
  /** @type {string | null} */
  #filters = null;

  /** The hash of what is wanted, when the server has told it. */
  get filters() {
    const same = this.#known.size === this.wanted.size && [...this.wanted].every(([id, one]) => this.#known.get(id) === one);
    return same && this.isAnswered ? this.#filters : null;
  }

  get isAnswered() {
    return !this.#pending.size;
  }

  /** @param {Subscription} subscription */
  want(subscription) {
    const text = JSON.stringify(subscription);
    const { id } = subscription;
    // The same question is the same object from here on, and what the program does to its own changes nothing.
    const same = [this.wanted, this.#pending, this.#known].map((map) => map.get(id)).find((one) => one && JSON.stringify(one) === text);
    this.wanted.set(id, same ?? JSON.parse(text));
  }

  /** Whether the server was asked the question with an id. @param {string} id */
  has(id) {
    return this.wanted.has(id) && Boolean(this.#pending.has(id) ? this.#pending.get(id) : this.#known.has(id));
  }

  forget() {
    this.#known.clear();
    this.#pending.clear();
    this.#filters = null;
  }

  /** @param {string} id */
  forgetOthers(id) {
    for (const other of this.#known.keys()) if (other !== id) this.#known.delete(other);
  }

  /** @param {string} since @returns {Message} */
  resume(since) {
    return { type: "resume", since, filters: this.#filters, subscriptions: [...this.wanted.values()] };
  }

  /** Yield what has to be sent so that the server has the questions that are wanted. @returns {Iterable<Message>} */
  *reconcile() {
    for (const id of this.#known.keys()) {
      if (this.wanted.has(id) || this.#pending.has(id)) continue;
      this.#pending.set(id, null);
      yield { type: "unsubscribe", id };
    }
    for (const [id, one] of this.wanted) {
      if (this.#pending.has(id) || this.#known.get(id) === one) continue;
      this.#pending.set(id, one);
      yield { type: "subscribe", ...one };
    }
  }

  /** @param {string | null | undefined} id @param {string} filters */
  takeAnswer(id, filters) {
    this.#filters = filters;
    if (id == null || this.takeAbsence(id)) return;
    const one = this.#pending.get(id);
    if (one) this.#known.set(id, one);
    this.#pending.delete(id);
  }

  /** Take note that the server has no question with an id; false unless that was asked of it. @param {string} id */
  takeAbsence(id) {
    return this.#pending.get(id) === null && this.#pending.delete(id) && this.#known.delete(id);
  }

  /** Take note that what was on its way was not taken; null: nobody knows what. @param {string | null} id */
  drop(id) {
    if (id === null) this.#pending.clear();
    else this.#pending.delete(id);
  }

  /** Take note of a refusal: want what the server has, nothing or the question before; false when it was of none.
   * @param {string} id
   */
  giveUp(id) {
    const refused = this.#pending.get(id);
    if (refused && refused === this.wanted.get(id)) {
      this.wanted.delete(id);
      const known = this.#known.get(id);
      if (known) this.wanted.set(id, known);
    }
    return this.#pending.delete(id);
  }
}

/** The client's side of the stream without sockets and clocks: frames in, what to tell and to send out. It never throws. */
export class Conversation {
  heartbeatS = 25;
  #held = new Held();
  #asked = new Asked();
  #patience;
  /** @type {Map<string, Message>} */
  #positions = new Map();
  /** @type {Message[]} */
  #due = [];
  #isOpen = false;
  #resuming = false;

  /** @param {Iterable<Subscription>} subscriptions @param {() => number} [random] draws between 0 and 1 */
  constructor(subscriptions, random = Math.random) {
    for (const one of subscriptions) this.#asked.want(one);
    this.#patience = new Patience(random);
  }

  get features() {
    return this.#held.features;
  }

  get subscriptions() {
    return [...this.#asked.wanted.values()];
  }

  /** The place in the log that was reached; null while everything is told anew. */
  get cursor() {
    return this.#held.cursor;
  }

  /** What a new connection resumes with; null when everything has to be asked anew. */
  get resumes() {
    const since = this.cursor;
    const { filters } = this.#asked;
    return since && filters ? { since, filters } : null;
  }

  /** Take note that a connection is open. */
  open() {
    this.#isOpen = true;
    this.#due = [];
    const place = this.resumes;
    this.#resuming = Boolean(place);
    if (!place) this.#askAll();
    else this.#due = [this.#asked.resume(place.since), ...this.#positionsOf(this.#asked.wanted.keys())];
  }

  /** Return the messages to send now, each once. */
  takeDue() {
    const due = this.#due;
    this.#due = [];
    return due;
  }

  /** Take note that the connection is over; return the seconds to the next, or null when that is of no use. */
  cut(code = ABORTED) {
    this.#isOpen = false;
    this.#due = [];
    return FOR_GOOD.has(code) ? null : this.#patience.next();
  }

  /** @param {Subscription} subscription */
  subscribe(subscription) {
    this.#asked.want(subscription);
    this.reconcile();
  }

  /** @param {string} id */
  unsubscribe(id) {
    this.#asked.wanted.delete(id);
    this.#positions.delete(id);
    this.reconcile();
  }

  /** @param {string} id @param {Lonlat} at @param {Motion} [motion] */
  position(id, [lon, lat], { speedKmh, heading } = {}) {
    /** @type {Message} */
    const message = { type: "position", id, at: [lon, lat] };
    // What a device does not know it tells as null, NaN or -1.
    if (isWithin(speedKmh, 400)) message.speed_kmh = speedKmh;
    if (isWithin(heading, 360)) message.heading = heading;
    this.#positions.set(id, message);
    if (this.#isOpen) this.#due.push(...this.#positionsOf([id]));
  }

  /** Take everything from another place than the stream; it is asked anew next. @param {Feature[]} features */
  replace(features) {
    this.#asked.forget();
    this.#held.beginAnew();
    const told = [...features.map((feature) => this.#held.put(feature)), ...this.#held.settle()];
    this.#held.beginAnew();
    return told;
  }

  /** Take in a frame; return what to tell. What is no message ends in a `fault`: then nothing held is to be trusted.
   * @param {unknown} frame
   * @returns {Message[]}
   */
  hear(frame) {
    const message = read(frame);
    if (message) return [...this.#hear(message)];
    this.#asked.forget();
    this.#held.beginAnew();
    this.#patience.reset(6);
    return [{ type: "fault" }];
  }

  /** @param {Message} message @returns {Iterable<Message>} */
  *#hear(message) {
    switch (message.type) {
      case "hello":
        if (isPositive(message.heartbeat_s)) this.heartbeatS = Math.min(Math.max(message.heartbeat_s, 1), LONGEST_ASKED_S);
        break;
      case "snapshot":
        for (const feature of message.features) this.#held.put(feature);
        yield message;
        break;
      case "put":
        this.#held.reach(message.cursor);
        yield this.#held.put(message.feature);
        break;
      case "remove":
        this.#held.reach(message.cursor);
        yield* this.#held.remove(`${message.kind} ${message.id}`, message.reason);
        break;
      case "caught_up":
        yield* this.#catchUp(message);
        break;
      case "heartbeat":
        this.#held.reach(message.cursor);
        this.reconcile();
        break;
      case "resync":
        yield* this.#resync(message);
        break;
      case "notice":
        this.#patience.heed(message.retry_after_s);
        yield message;
        break;
      case "error":
        yield* this.#fail(message);
    }
  }

  /** @param {Message} message @returns {Iterable<Message>} */
  *#catchUp({ id = null, filters, cursor }) {
    this.#resuming = false;
    this.#asked.takeAnswer(id, filters);
    this.#held.reach(cursor);
    this.#patience.reset();
    this.reconcile();
    if (this.#asked.isAnswered) yield* this.#held.settle();
    yield { type: "live", id };
  }

  /** @param {Message} message @returns {Iterable<Message>} */
  *#resync(message) {
    const { id = null } = message;
    this.#held.beginAnew();
    // Nobody can tell which features were held because of one of several subscriptions alone.
    if (id !== null && this.#asked.wanted.size > 1) {
      this.#asked.forgetOthers(id);
      this.reconcile();
    }
    yield message;
  }

  /** @param {Message} message @returns {Iterable<Message>} */
  *#fail({ code, message, temporary, id = null }) {
    if (temporary) {
      this.#asked.drop(id);
      yield { type: "dropped" };
    } else if (code === UNKNOWN_SUBSCRIPTION && id !== null) {
      this.#asked.takeAbsence(id); // a position or an `unsubscribe` crossed a refusal
    } else if (this.#resuming) {
      // Ask anew on the same connection, without the question that was refused if it was one.
      this.#resuming = false;
      if (id !== null) {
        this.#asked.wanted.delete(id);
        yield { type: "refused", code, message, id };
      }
      this.#askAll();
    } else {
      if (id !== null && !this.#asked.giveUp(id)) this.#positions.delete(id);
      yield { type: "refused", code, message, id };
    }
    if (this.#asked.filters) yield* this.#held.settle();
  }

  #askAll() {
    this.#held.beginAnew();
    this.#asked.forget();
    this.reconcile();
  }

  /** Ask what has to be asked, also again. */
  reconcile() {
    if (!this.#isOpen || this.#resuming) return;
    const questions = [...this.#asked.reconcile()];
    this.#due.push(...questions, ...this.#positionsOf(questions.map(({ id }) => id)));
  }

  /** @param {Iterable<string>} ids */
  *#positionsOf(ids) {
    for (const id of ids) {
      const position = this.#positions.get(id);
      if (position && this.#asked.has(id)) yield position;
    }
  }
}

/** A stream of changes: connects, comes back after every cut where it stopped, and keeps the features current. */
export class GeoworksStream {
  /** @type {Map<string, Feature>} what the server has that the subscriptions see, by `kind id`; as told by `changed` */
  features = new Map();
  #doors;
  #conversation;
  #listener;
  #open;
  /** @type {WebSocket | null} */
  #socket = null;
  /** @type {Map<string, {feature: Feature | null, reason?: string}>} heard, but not told as long as a part is missing */
  #waiting = new Map();
  #inSnapshot = false;
  #hadSnapshot = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #again;
  #notBefore = 0;
  #failures = 0;
  /** @type {State | ""} */
  #state = "";
  #isStarted = false;
  #isOpen = false;
  #caughtUp = false;
  #isReading = false;
  #hurried = () => this.#hurry();

  /**
   * @param {string} url where the town's pages are; of a page it may be relative
   * @param {{subscriptions?: Iterable<Subscription>, open?: Open}} [options] `open` makes the socket
   * @param {Listener} [listener]
   */
  constructor(url, { subscriptions = [], open = (...which) => new WebSocket(...which) } = {}, listener = {}) {
    this.#doors = doorsOf(url);
    this.#conversation = new Conversation(subscriptions);
    this.#listener = listener;
    this.#open = open;
  }

  get subscriptions() {
    return this.#conversation.subscriptions;
  }

  /** The place in the log that was reached; null while everything is told anew. */
  get cursor() {
    return this.#conversation.cursor;
  }

  /** Connect, and stay connected. */
  start() {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#tell("connecting");
    this.#connect();
    globalThis.addEventListener?.("online", this.#hurried);
    globalThis.document?.addEventListener("visibilitychange", this.#hurried);
  }

  /** Leave; what is held stays, and `start` goes on from there. */
  stop() {
    this.#isStarted = false;
    this.#state = "";
    this.#leave()?.close();
    this.#conversation.cut();
    clearTimeout(this.#again);
    globalThis.removeEventListener?.("online", this.#hurried);
    globalThis.document?.removeEventListener("visibilitychange", this.#hurried);
  }

  /** Ask a question, in the place of the one with its id. @param {Subscription} subscription */
  subscribe(subscription) {
    this.#conversation.subscribe(subscription);
    this.#send();
    if (this.#isStarted && !this.#socket && !this.#timer) this.#connect();
  }

  /** Ask a question no more; what it alone had found is told as removed. @param {string} id */
  unsubscribe(id) {
    this.#conversation.unsubscribe(id);
    this.#send();
  }

  /**
   * Tell where the driver is, for a question about `around_me` or a `route`; it is told again after every cut.
   * @param {string} id
   * @param {Lonlat} at
   * @param {Motion} [motion]
   */
  position(id, at, motion) {
    if (!at.every(Number.isFinite)) throw new TypeError("a position is [lon, lat] in degrees");
    this.#conversation.position(id, at, motion);
    this.#send();
  }

  /**
   * Leave an area that is too long for a question at the town; ask about it by `{area: {area_id}}`.
   * @param {string | object} body GeoJSON, GPX, or `{polygon}` or `{route}` as in a question
   * @param {string} [contentType]
   * @param {{corridor_m?: number, depart?: string, speed_kmh?: number}} [route]
   * @returns {Promise<StoredArea>}
   * @throws {Error} with `status` and `code` of the town's answer, when it does not take the area
   */
  async postArea(body, contentType, route = {}) {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const type = contentType ?? (text.trimStart().startsWith("<") ? "application/gpx+xml" : "application/json");
    const address = new URL(this.#doors.areas);
    for (const [name, value] of Object.entries(route)) address.searchParams.set(name, String(value));
    const answer = await fetch(address, { method: "POST", headers: { "Content-Type": type }, body: text });
    const said = await answer.json().catch(() => ({}));
    if (answer.ok) return said;
    throw Object.assign(new Error(said.detail ?? `HTTP status ${answer.status}`), { status: answer.status, code: said.code });
  }

  #connect() {
    this.#rest();
    if (!this.subscriptions.length) return; // a server cuts those who ask nothing
    /** @type {WebSocket} */
    let socket;
    try {
      socket = this.#open(this.#doors.stream, PROTOCOL);
    } catch {
      this.#cut(); // a page that came by https may not ask a town by http
      return;
    }
    this.#socket = socket;
    const current = () => socket === this.#socket;
    socket.onopen = () => current() && this.#begin();
    socket.onmessage = ({ data }) => current() && this.#hear(data);
    socket.onclose = (event) => current() && this.#cut(event?.code);
    this.#watch(OPENING_MS);
  }

  /** Try at once when the network or the reader comes back, instead of at the end of a long wait. */
  #hurry() {
    if (this.#timer && !this.#socket && !globalThis.document?.hidden && Date.now() >= this.#notBefore) this.#connect();
  }

  #begin() {
    this.#isOpen = true;
    this.#conversation.open();
    this.#send();
    this.#watch();
  }

  #send() {
    if (this.#isOpen) for (const message of this.#conversation.takeDue()) this.#socket?.send(JSON.stringify(message));
  }

  /** A connection that says nothing for longer than the server's heartbeat is dead, whatever the network claims. */
  #watch(patienceMs = this.#conversation.heartbeatS * 2000) {
    this.#rest(() => this.#drop(), patienceMs);
  }

  /** Do something after a while, in the place of what was to be done. @param {() => void} [action] */
  #rest(action, ms = 0) {
    clearTimeout(this.#timer);
    this.#timer = action && setTimeout(() => ((this.#timer = undefined), action()), ms);
  }

  /** Let go of the connection; return it. */
  #leave() {
    const socket = this.#socket;
    this.#socket = null;
    this.#isOpen = this.#caughtUp = this.#inSnapshot = false;
    this.#rest();
    return socket;
  }

  #drop() {
    const socket = this.#socket;
    this.#cut();
    socket?.close();
  }

  #cut(code = ABORTED) {
    this.#leave();
    const next = this.#conversation.cut(code);
    if (next) {
      this.#notBefore = Date.now() + next.leastS * 1000;
      this.#rest(() => this.#connect(), next.waitS * 1000);
    }
    // Whoever has nothing to look at yet does not wait for a third failure.
    if (!next || this.#failures > 1 || !this.features.size || this.#isWithout) this.#goWithout();
    else this.#tell("reconnecting");
    this.#failures += 1;
    if (!next) this.#call("ended", code);
  }

  get #isWithout() {
    return this.#state === "offline" || this.#state === "polled";
  }

  #goWithout() {
    if (!this.#isWithout) this.#tell("offline");
    if (!this.#isReading && this.#listener.read) this.#readOn();
  }

  /** Have everything read another way, again and again, until a connection brings it. */
  async #readOn() {
    this.#isReading = true;
    while (this.#isWithout) {
      const features = await this.#call("read");
      // What an open connection brings is newer.
      if (this.#isWithout && !this.#isOpen) this.#takeRead(features);
      await new Promise((resolve) => setTimeout(resolve, READ_EVERY_MS));
    }
    this.#isReading = false;
  }

  /** @param {Feature[] | null | undefined} features */
  #takeRead(features) {
    const isRead = Array.isArray(features);
    this.#tell(isRead ? "polled" : "offline");
    if (!isRead) return;
    for (const told of this.#conversation.replace(features.filter(isFeature))) this.#take(told);
    this.#hadSnapshot = true;
    this.#flush();
  }

  /** @param {unknown} frame */
  #hear(frame) {
    this.#watch();
    const told = this.#conversation.hear(frame);
    this.#send();
    for (const one of told) this.#take(one);
    if (this.cursor === null || this.#inSnapshot) return;
    this.#flush();
    if (!this.#caughtUp) return;
    this.#failures = 0;
    this.#tell("live");
  }

  /** @param {Message} told */
  #take(told) {
    switch (told.type) {
      case "put":
      case "remove":
        this.#waiting.set(told.key, { feature: told.feature, reason: told.reason });
        break;
      case "snapshot":
        for (const feature of told.features) this.#waiting.set(keyOf(feature), { feature });
        this.#inSnapshot = !told.last;
        this.#hadSnapshot = true;
        break;
      case "live":
        this.#caughtUp = true;
        break;
      case "notice":
        this.#call("notice", told);
        break;
      case "refused":
        this.#call("refused", { code: told.code, message: told.message, id: told.id });
        break;
      case "dropped":
        clearTimeout(this.#again);
        this.#again = setTimeout(() => (this.#conversation.reconcile(), this.#send()), AGAIN_MS * (1 + Math.random()));
        break;
      case "fault":
        this.#drop();
    }
  }

  /** Tell what waits, all at once. */
  #flush() {
    const changes = [];
    for (const [key, { feature, reason }] of this.#waiting) {
      const before = this.features.get(key) ?? null;
      if (feature) this.features.set(key, feature);
      else if (!this.features.delete(key)) continue;
      changes.push({ key, feature, before, ...(reason && { reason }) });
    }
    const snapshot = this.#hadSnapshot;
    this.#waiting.clear();
    this.#hadSnapshot = false;
    if (changes.length || snapshot) this.#call("changed", changes, snapshot);
  }

  /** @param {State} state */
  #tell(state) {
    if (state === this.#state) return;
    this.#state = state;
    this.#call("connection", state, new Date());
  }

  /** Call the program; its faults are its own and do not stop the stream.
   * @param {keyof Listener} name
   * @param {any[]} values
   * @returns {any}
   */
  #call(name, ...values) {
    try {
      const answer = this.#isStarted ? /** @type {any} */ (this.#listener)[name]?.(...values) : undefined;
      return name === "read" ? Promise.resolve(answer).catch(report) : answer;
    } catch (error) {
      report(error);
    }
  }
}

/** @param {unknown} error @returns {void} */
function report(error) {
  if (globalThis.reportError) globalThis.reportError(error);
  else queueMicrotask(() => { throw error; });
}

/** Return the addresses of a town's doors, from that of its pages or its stream. @param {string} url */
function doorsOf(url) {
  const { protocol, host, pathname } = new URL(url, globalThis.document?.baseURI);
  if (!/^(http|ws)s?:$/.test(protocol)) throw new TypeError(`${url} is no address of a town; give one such as https://town.example`);
  const place = `//${host}${pathname.replace(/(\/v1\/stream)?\/*$/, "")}/v1/`;
  return { stream: `${protocol.replace("http", "ws")}${place}stream`, areas: `${protocol.replace("ws", "http")}${place}areas` };
}

/** @param {unknown} value @returns {value is string} */
const isText = (value) => typeof value === "string";
/** @param {unknown} value */
const isTextOrNone = (value) => value == null || isText(value);
/** @param {unknown} value @returns {value is number} */
const isPositive = (value) => Number.isFinite(value) && Number(value) > 0;
/** @param {unknown} value @param {number} most */
const isWithin = (value, most) => Number.isFinite(value) && Number(value) >= 0 && Number(value) <= most;
/** @param {any} value @returns {value is Feature} */
const isFeature = (value) => isText(value?.id) && isText(value.properties?.kind);

/** What a client relies on; all else of a message may be as it likes. @type {Record<string, Record<string, (value: any) => boolean>>} */
const SHAPES = {
  hello: {},
  snapshot: { id: isText, features: (value) => Array.isArray(value) && value.every(isFeature) },
  put: { feature: isFeature },
  remove: { kind: isText, id: isText },
  caught_up: { filters: isText, cursor: isText },
  resync: {},
  heartbeat: {},
  notice: { code: isText, message: isText },
  error: { code: Number.isInteger, message: isText },
};
const ALWAYS = { type: isText, id: isTextOrNone, cursor: isTextOrNone };

/** Read a frame of the server; null when it is no message. @param {unknown} frame @returns {Message | null} */
function read(frame) {
  try {
    const message = JSON.parse(isText(frame) ? frame : "");
    const shape = Object.hasOwn(SHAPES, message.type) ? { ...ALWAYS, ...SHAPES[message.type] } : { type: isText };
    return Object.entries(shape).every(([name, holds]) => holds(message[name])) ? message : null;
  } catch {
    return null;
  }
}
