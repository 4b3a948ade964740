import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { Conversation, GeoworksStream, keyOf } from "../../../maps/static/geoworks-client.js";

const feature = (id, version = 1, kind = "works") => ({ type: "Feature", id, properties: { kind, version } });

const EVERYTHING = { id: "map", area: { everywhere: true }, kinds: ["works"] };

/** A stream over sockets that the test holds: what it sends, and what it hears. */
function following({ subscriptions = [EVERYTHING], ...more } = {}) {
  const sockets = [];
  const open = () => {
    const socket = { sent: [], send: (text) => socket.sent.push(JSON.parse(text)), close: () => socket.onclose() };
    socket.hears = (...messages) => messages.forEach((message) => socket.onmessage({ data: JSON.stringify(message) }));
    sockets.push(socket);
    return socket;
  };
  const told = [];
  const states = [];
  const listener = { changed: (changes) => told.push(...changes.map(({ key }) => key)), connection: (state) => states.push(state), ...more };
  const stream = new GeoworksStream("http://town", { subscriptions, open }, listener);
  stream.start();
  sockets[0].onopen();
  return { stream, sockets, told, states };
}

const SNAPSHOT = [
  { type: "hello", cursor: "e.4", heartbeat_s: 25 },
  { type: "snapshot", id: "map", features: [feature("a")], last: false, cursor: "e.4" },
  { type: "snapshot", id: "map", features: [feature("b")], last: true, cursor: "e.4" },
  { type: "caught_up", id: "map", filters: "f1", cursor: "e.4" },
];

test("a snapshot is taken whole, then changes follow", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { stream, sockets, told, states } = following();
  assert.deepEqual(sockets[0].sent, [{ type: "subscribe", id: "map", area: { everywhere: true }, kinds: ["works"] }]);
  sockets[0].hears(SNAPSHOT[0], SNAPSHOT[1]);
  assert.deepEqual(told, []);
  sockets[0].hears(SNAPSHOT[2], SNAPSHOT[3], { type: "put", cursor: "e.5", feature: feature("a", 2) });
  sockets[0].hears({ type: "remove", cursor: "e.6", kind: "works", id: "b", reason: "ended" });
  assert.deepEqual([...stream.features.keys()], ["works a"]);
  assert.equal(stream.features.get("works a").properties.version, 2);
  assert.deepEqual(states, ["connecting", "live"]);
});

test("after a cut it resumes from the last cursor that was not null", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { stream, sockets, states } = following();
  sockets[0].hears(...SNAPSHOT, { type: "put", cursor: "e.7", feature: feature("c") }, { type: "remove", cursor: null, kind: "works", id: "c" });
  sockets[0].onclose();
  t.mock.timers.tick(1000);
  sockets[1].onopen();
  const [resume] = sockets[1].sent;
  assert.deepEqual([resume.type, resume.since, resume.filters, resume.subscriptions[0].id], ["resume", "e.7", "f1", "map"]);
  sockets[1].hears({ type: "hello", cursor: "e.9" }, { type: "put", cursor: "e.9", feature: feature("d") }, { type: "caught_up", id: null, filters: "f1", cursor: "e.9" });
  assert.deepEqual([...stream.features.keys()], ["works a", "works b", "works d"]);
  assert.deepEqual(states, ["connecting", "live", "reconnecting", "live"]);
});

test("a cut within the first snapshot asks for the snapshot again", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { sockets, stream } = following();
  sockets[0].hears(SNAPSHOT[0], SNAPSHOT[1]);
  sockets[0].onclose();
  t.mock.timers.tick(1000);
  sockets[1].onopen();
  assert.equal(sockets[1].sent[0].type, "subscribe");
  sockets[1].hears(SNAPSHOT[0], SNAPSHOT[2], SNAPSHOT[3]);
  assert.deepEqual([...stream.features.keys()], ["works b"]);
});

test("a resync keeps what shows until the new snapshot replaces it, and tells what went", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { sockets, stream, told } = following();
  sockets[0].hears(...SNAPSHOT, { type: "resync", id: null, reason: "too-old" });
  assert.equal(stream.features.size, 2);
  told.length = 0;
  sockets[0].hears({ type: "snapshot", id: "map", features: [feature("b", 3)], last: true, cursor: "x.1" });
  assert.deepEqual([told, stream.features.size], [[], 2]);
  sockets[0].hears({ type: "caught_up", id: null, filters: "f1", cursor: "x.1" });
  assert.deepEqual(told, ["works b", "works a"]);
  assert.deepEqual([...stream.features.keys()], ["works b"]);
});

test("a connection that falls silent is given up, and three failures are offline", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { sockets, states } = following();
  sockets[0].hears(...SNAPSHOT);
  t.mock.timers.tick(51_000);
  t.mock.timers.tick(1000);
  assert.equal(sockets.length, 2);
  for (let attempt = 1; attempt < 3; attempt += 1) {
    sockets.at(-1).onclose();
    t.mock.timers.tick(30_000);
  }
  assert.deepEqual(states.slice(-2), ["reconnecting", "offline"]);
});

/** Let what waits for promises go on. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

test("where no connection comes about everything is read another way, until one does", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const answers = [[feature("a")], null, [feature("a", 2), feature("c")]];
  const { stream, sockets, told, states } = following({ read: async () => (answers.length > 1 ? answers.shift() : answers[0]) });
  sockets[0].onclose();
  await settled();
  assert.deepEqual([told, states], [["works a"], ["connecting", "offline", "polled"]]);
  for (const state of ["offline", "polled"]) {
    t.mock.timers.tick(30_000);
    await settled();
    assert.equal(states.at(-1), state);
  }
  assert.deepEqual([...stream.features.keys()], ["works a", "works c"]);
  const tried = sockets.length;
  while (sockets.length === tried) t.mock.timers.tick(1000);
  sockets.at(-1).onopen();
  assert.equal(sockets.at(-1).sent[0].type, "subscribe");
  sockets.at(-1).hears(...SNAPSHOT);
  assert.deepEqual([...stream.features.keys()], ["works a", "works b"]);
  assert.equal(states.at(-1), "live");
});

test("what was read while a connection opened gives way to what the connection brings", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let answer = () => {};
  const { stream, sockets, states } = following({ read: () => new Promise((resolve) => (answer = resolve)) });
  sockets[0].onclose();
  t.mock.timers.tick(1000);
  sockets[1].onopen();
  sockets[1].hears(...SNAPSHOT.slice(0, 3));
  answer([feature("old")]);
  await settled();
  sockets[1].hears(SNAPSHOT[3]);
  assert.deepEqual([...stream.features.keys()], ["works a", "works b"]);
  assert.deepEqual(states, ["connecting", "offline", "live"]);
});

test("a proxy that neither lets a connection through nor refuses it is not waited for", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { sockets } = following();
  sockets[0].onclose();
  t.mock.timers.tick(500);
  assert.equal(sockets.length, 2);
  t.mock.timers.tick(10_000);
  t.mock.timers.tick(1000);
  assert.equal(sockets.length, 3);
});

test("an address is that of the pages or of the stream, with a base path or without", () => {
  const tried = (url) => {
    const addresses = [];
    const open = (...which) => (addresses.push(...which), { close() {} });
    const stream = new GeoworksStream(url, { subscriptions: [EVERYTHING], open });
    stream.start();
    stream.stop();
    return addresses;
  };
  for (const url of ["https://town.example", "https://town.example/", "wss://town.example/v1/stream"]) {
    assert.deepEqual(tried(url), ["wss://town.example/v1/stream", "geoworks.v1"]);
  }
  assert.deepEqual(tried("http://[::1]:8080/travaux/")[0], "ws://[::1]:8080/travaux/v1/stream");
  for (const url of ["travaux", "javascript:alert(1)", "", "ftp://town.example"]) assert.throws(() => tried(url), TypeError);
});

test("what several snapshots bring is told at once, each feature once, when all of it is there", () => {
  const here = { id: "here", area: { zones: ["gare"] } };
  const told = [];
  const { sockets, stream, states } = following({ subscriptions: [EVERYTHING, here], changed: (changes, snapshot) => told.push([changes.map(({ key }) => key), snapshot]) });
  sockets[0].hears(...SNAPSHOT, { type: "put", cursor: "e.5", feature: feature("a", 2) });
  assert.deepEqual([told, states, stream.features.size], [[], ["connecting"], 0]);
  sockets[0].hears({ type: "snapshot", id: "here", features: [feature("a", 2), feature("c")], last: true, cursor: "e.5" });
  sockets[0].hears({ type: "caught_up", id: "here", filters: "f2", cursor: "e.5" });
  assert.deepEqual([told, states], [[[["works a", "works b", "works c"], true]], ["connecting", "live"]]);
  stream.subscribe({ id: "third", area: { everywhere: true } });
  sockets[0].hears({ type: "snapshot", id: "third", features: [feature("d")], last: false, cursor: "e.5" });
  assert.equal(told.length, 1);
  sockets[0].hears({ type: "snapshot", id: "third", features: [feature("e")], last: true, cursor: "e.5" });
  assert.deepEqual(told[1], [["works d", "works e"], true]);
  stream.stop();
});

test("the network or the reader coming back ends a wait, but not the one the server asked for", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const listeners = {};
  globalThis.addEventListener = (name, listener) => (listeners[name] = listener);
  globalThis.removeEventListener = (name) => delete listeners[name];
  t.after(() => { delete globalThis.addEventListener; delete globalThis.removeEventListener; });
  const { sockets, stream } = following();
  sockets[0].hears(...SNAPSHOT);
  listeners.online();
  assert.equal(sockets.length, 1);
  sockets[0].onclose({ code: 1006 });
  listeners.online();
  assert.equal(sockets.length, 2);
  sockets[1].onopen();
  sockets[1].hears({ type: "notice", code: "stopping", message: "back soon", retry_after_s: 20 });
  sockets[1].onclose({ code: 1001 });
  listeners.online();
  t.mock.timers.tick(19_999);
  assert.equal(sockets.length, 2);
  t.mock.timers.tick(1001);
  assert.equal(sockets.length, 3);
  stream.stop();
  assert.deepEqual(listeners, {});
});

test("closed for good it tells so once, tries no more, and reads on if it can", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const ended = [];
  const { sockets, states, stream } = following({ ended: (code) => ended.push(code), read: async () => [feature("a")] });
  sockets[0].hears(...SNAPSHOT);
  sockets[0].onclose({ code: 4002 });
  await settled();
  t.mock.timers.tick(60_000);
  assert.deepEqual([ended, sockets.length, states.slice(-2)], [[4002], 1, ["offline", "polled"]]);
  assert.deepEqual([...stream.features.keys()], ["works a"]);
});

test("stopped it is silent, and started again it goes on where it was", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { sockets, states, stream } = following();
  sockets[0].hears(...SNAPSHOT);
  stream.stop();
  stream.stop();
  t.mock.timers.tick(120_000);
  assert.deepEqual([sockets.length, states], [1, ["connecting", "live"]]);
  stream.start();
  sockets[1].onopen();
  assert.deepEqual([sockets[1].sent[0].type, sockets[1].sent[0].since], ["resume", "e.4"]);
});

test("without a question there is no connection; the first one makes it", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const opened = [];
  const stream = new GeoworksStream("http://town", { open: () => (opened.push({ sent: [], send(text) { this.sent.push(JSON.parse(text)); }, close() {} }), opened.at(-1)) });
  stream.start();
  assert.equal(opened.length, 0);
  stream.subscribe(EVERYTHING);
  opened[0].onopen();
  stream.subscribe({ id: "me", area: { around_me: { radius_m: 500 } } });
  for (const motion of [{ speedKmh: null, heading: NaN }, { speedKmh: -3.6, heading: 361 }, {}, undefined]) {
    stream.position("me", [2.306, 48.635], motion);
    assert.deepEqual(opened[0].sent.pop(), { type: "position", id: "me", at: [2.306, 48.635] });
  }
  stream.position("me", [2.306, 48.635], { speedKmh: 0, heading: 360 });
  assert.deepEqual(opened[0].sent.pop(), { type: "position", id: "me", at: [2.306, 48.635], speed_kmh: 0, heading: 360 });
  assert.deepEqual(opened[0].sent.map(({ type }) => type), ["subscribe", "subscribe"]);
  assert.throws(() => stream.position("me", [2.306, NaN]), TypeError);
});

test("what came too fast is asked again after a moment, also when nothing else comes", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { sockets, stream } = following();
  sockets[0].hears(...SNAPSHOT);
  stream.subscribe({ id: "second", area: { zones: ["gare"] } });
  sockets[0].hears({ type: "error", code: 111, message: "slow down", temporary: true, id: "second" });
  assert.equal(sockets[0].sent.length, 2);
  t.mock.timers.tick(2000);
  assert.deepEqual(sockets[0].sent.map(({ id }) => id), ["map", "second", "second"]);
});

test("a refused question is told, with what the program needs to mend it", () => {
  const refused = [];
  const { sockets, stream } = following({ refused: (refusal) => refused.push(refusal) });
  sockets[0].hears({ type: "error", code: 110, message: "post it again", temporary: false, id: "map" });
  assert.deepEqual(refused, [{ code: 110, message: "post it again", id: "map" }]);
  assert.deepEqual(stream.subscriptions, []);
  stream.stop();
});

test("a fault of the program is the program's: the stream goes on", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const faults = [];
  globalThis.reportError = (error) => faults.push(error.message);
  t.after(() => delete globalThis.reportError);
  const { sockets, stream } = following({ changed: () => { throw new Error("mine"); } });
  sockets[0].hears(...SNAPSHOT, { type: "put", cursor: "e.5", feature: feature("c") });
  assert.deepEqual([faults, stream.features.size, sockets.length], [["mine", "mine"], 3, 1]);
});

/** Numbers that look random and are the same in every run (mulberry32). */
function dice(seed) {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return { next, pick: (list) => list[Math.floor(next() * list.length)] };
}

const ODD = [null, undefined, true, 0, -1, 1e308, "", "a", "__proto__", "constructor", [], {}, [null], [[]], { properties: null }, feature("a"), feature("__proto__"), [feature("b"), {}]];
const WORDS = ["hello", "snapshot", "put", "remove", "caught_up", "resync", "heartbeat", "notice", "error", "pong", "__proto__", "toString", 7, null];
const FIELDS = ["id", "kind", "cursor", "features", "feature", "last", "filters", "reason", "code", "message", "temporary", "retry_after_s", "heartbeat_s"];
const RAW = ["", "null", "[]", "{", "\u0000", '{"type":', "NaN", "[".repeat(100_000), `${'{"a":'.repeat(50_000)}1${"}".repeat(50_000)}`, new ArrayBuffer(3), undefined, 3];

/** A frame no server should send: garbage, or a good message with odd fields. */
function hostile({ next, pick }) {
  if (next() < 0.1) return pick(RAW);
  const message = { type: pick(WORDS), id: "map", cursor: "e.5", kind: "works", filters: "f", features: [feature("a")], feature: feature("b"), last: true, code: "x", message: "y" };
  while (next() < 0.5) message[pick(FIELDS)] = pick(ODD);
  return JSON.stringify(message);
}

test("whatever a server sends, nothing is thrown, and only features with a name are held", () => {
  for (let seed = 0; seed < 300; seed += 1) {
    const chance = dice(seed);
    const conversation = new Conversation([EVERYTHING, { id: "a", area: { around_me: { radius_m: 9 } } }], chance.next);
    conversation.position("a", [2, 48]);
    conversation.open();
    for (let step = 0; step < 60; step += 1) {
      conversation.hear(hostile(chance)).forEach(({ type }) => assert.equal(typeof type, "string"));
      JSON.stringify(conversation.takeDue());
      if (chance.next() < 0.05) {
        const wait = conversation.cut(1006);
        assert.ok(wait.waitS <= 3630 && wait.waitS >= wait.leastS && wait.leastS >= 0);
        conversation.open();
      }
    }
    assert.ok(conversation.heartbeatS >= 1 && conversation.heartbeatS <= 3600);
    for (const [key, one] of conversation.features) assert.equal(key, keyOf(one));
  }
});

test("after garbage it asks everything anew, without haste, and ends with what the server has", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  t.mock.method(Math, "random", () => 1);
  for (const garbage of RAW) {
    const { sockets, stream, states } = following();
    sockets[0].hears(...SNAPSHOT);
    sockets[0].onmessage({ data: garbage });
    assert.deepEqual([states.at(-1), stream.features.size], ["reconnecting", 2]);
    sockets[0].hears({ type: "put", cursor: "e.9", feature: feature("late") }); // from a connection that is given up
    t.mock.timers.tick(29_000);
    assert.equal(sockets.length, 1);
    t.mock.timers.tick(1001);
    sockets[1].onopen();
    assert.equal(sockets[1].sent[0].type, "subscribe");
    sockets[1].hears(SNAPSHOT[0], { ...SNAPSHOT[2], features: [feature("z")] }, SNAPSHOT[3]);
    assert.deepEqual([[...stream.features.keys()], states.at(-1)], [["works z"], "live"]);
    stream.stop();
  }
});

test("a stored area is posted by its kind, and a refusal says why", async (t) => {
  const asked = [];
  const answers = [{ status: 201, body: { area_id: "r4nd0m", expires: "2026-11-24T18:00:00Z" } }, { status: 413, body: { code: "too-large", detail: "at most 1 MiB" } }, { status: 502, body: null }];
  t.mock.method(globalThis, "fetch", async (address, { headers, body, method }) => {
    asked.push([method, String(address), headers["Content-Type"], body]);
    const { status, body: said } = answers.shift();
    return new Response(said ? JSON.stringify(said) : "<html>", { status });
  });
  const stream = new GeoworksStream("https://town.example/travaux");
  const stored = await stream.postArea("\n<gpx></gpx>", undefined, { corridor_m: 40, depart: "2026-11-24T08:00:00+01:00" });
  assert.equal(stored.area_id, "r4nd0m");
  await assert.rejects(stream.postArea({ polygon: { type: "Polygon" } }), { message: "at most 1 MiB", status: 413, code: "too-large" });
  await assert.rejects(stream.postArea("{}", "application/geo+json"), { message: "HTTP status 502", status: 502 });
  const door = "https://town.example/travaux/v1/areas";
  assert.deepEqual(asked, [
    ["POST", `${door}?corridor_m=40&depart=2026-11-24T08%3A00%3A00%2B01%3A00`, "application/gpx+xml", "\n<gpx></gpx>"],
    ["POST", door, "application/json", '{"polygon":{"type":"Polygon"}}'],
    ["POST", door, "application/geo+json", "{}"],
  ]);
});

test("it is live as soon as everything that is still asked is answered, also by a refusal", () => {
  const { sockets, states, stream } = following({ subscriptions: [EVERYTHING, { id: "b", area: { area_id: "gone" } }] });
  sockets[0].hears(...SNAPSHOT);
  assert.equal(states.at(-1), "connecting");
  sockets[0].hears({ type: "error", code: 110, message: "post it again", temporary: false, id: "b" });
  assert.deepEqual([states.at(-1), stream.features.size], ["live", 2]);
  stream.stop();
});

test("back on the line it is not live before it has caught up", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { sockets, states } = following();
  sockets[0].hears(...SNAPSHOT);
  sockets[0].onclose();
  t.mock.timers.tick(1000);
  sockets[1].onopen();
  sockets[1].hears({ type: "hello", heartbeat_s: 25 }, { type: "put", cursor: "e.5", feature: feature("c") });
  assert.equal(states.at(-1), "reconnecting");
  sockets[1].hears({ type: "caught_up", id: null, filters: "f1", cursor: "e.5" });
  assert.equal(states.at(-1), "live");
});

test("what is read by a program that fails, or reads nonsense, is nothing", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  globalThis.reportError = () => {};
  t.after(() => delete globalThis.reportError);
  const answers = [() => { throw new Error("mine"); }, async () => { throw new Error("mine"); }, () => ({}), () => [null, feature("a")]];
  const { sockets, states, stream } = following({ read: () => answers.shift()() });
  sockets[0].onclose();
  for (let turn = 0; turn < 3; turn += 1) {
    await settled();
    assert.equal(states.at(-1), "offline");
    t.mock.timers.tick(30_000);
  }
  await settled();
  assert.deepEqual([states.at(-1), [...stream.features.keys()]], ["polled", ["works a"]]);
});

test("the document names everything a program may use, and nothing else", () => {
  const text = readFileSync(new URL("../../../docs/client-js.md", import.meta.url), "utf8");
  const named = new Set(text.split("\n").filter((line) => line.startsWith("| `")).flatMap((line) => line.split("|")[1].match(/(?<=`)\w+/g)));
  const usable = [...Object.getOwnPropertyNames(GeoworksStream.prototype), ...Object.keys(new GeoworksStream("http://town"))];
  for (const name of usable) assert.ok(name === "constructor" || named.has(name), name);
  const source = readFileSync(new URL("../../../maps/static/geoworks-client.js", import.meta.url), "utf8");
  const listener = [...source.matchAll(/^ \* @property \{.*\} \[(\w+)\]/gm)].map(([, name]) => name);
  const states = source.match(/@typedef \{("connecting".*)\} State/)[1].match(/\w+/g);
  assert.deepEqual([...named].filter((name) => name !== "new" && !usable.includes(name)).sort(), [...listener, ...states].sort());
});
