import assert from "node:assert/strict";
import { test } from "node:test";
import { backoff, Stream } from "../../../maps/static/stream.js";

const feature = (id, version = 1, kind = "works") => ({ type: "Feature", id, properties: { kind, version } });

/** A stream over sockets that the test holds: what it sends, and what it hears. */
function following({ read } = {}) {
  const sockets = [];
  const open = () => {
    const socket = { sent: [], send: (text) => socket.sent.push(JSON.parse(text)), close: () => socket.onclose() };
    socket.hears = (...messages) => messages.forEach((message) => socket.onmessage({ data: JSON.stringify(message) }));
    sockets.push(socket);
    return socket;
  };
  const told = [];
  const states = [];
  const listener = { changed: (changes) => told.push(...changes.map(({ key }) => key)), connection: (state) => states.push(state), read };
  const stream = new Stream("ws://town/v1/stream", { area: { everywhere: true }, kinds: ["works"] }, listener, open);
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

test("waits double, are spread by chance, and never pass half a minute", () => {
  assert.equal(backoff(0, () => 0), 250);
  assert.equal(backoff(0, () => 1), 500);
  assert.equal(backoff(3, () => 1), 4000);
  assert.equal(backoff(30, () => 1), 30_000);
});
