// Plays the shared cases against the JavaScript client, without a socket; prints what went wrong with each, "" for nothing:
//     node tests/protocol/run_cases.mjs
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Conversation } from "../../maps/static/geoworks-client.js";

const { cases } = JSON.parse(readFileSync(new URL("cases.json", import.meta.url), "utf8"));

/** Plays one case against the client's state machine. */
class Player {
  #sent = [];
  #told = [];
  #refused = [];
  #wait = null;

  constructor({ subscriptions }) {
    this.conversation = new Conversation(subscriptions, () => 1);
  }

  play(step) {
    const [[name, given]] = Object.entries(step);
    assert.ok(typeof this[name] === "function", `no such step: ${name}`);
    this[name](given);
  }

  end() {
    assert.deepEqual(this.#refused, []);
  }

  open(messages) {
    this.conversation.open();
    assert.deepEqual(this.#sending(), messages);
    this.#sent = [];
  }

  server(message) {
    for (const told of this.conversation.hear(JSON.stringify(message))) this.#note(told);
  }

  client(message) {
    assert.deepEqual(this.#sending()[0], message);
    this.#sent.shift();
  }

  quiet() {
    assert.deepEqual(this.#sending(), []);
  }

  do(what) {
    const [[name, given]] = Object.entries(what);
    if (name !== "position") this.conversation[name](given);
    else this.conversation.position(given.id, given.at, { speedKmh: given.speed_kmh, heading: given.heading });
  }

  cut(code) {
    this.#wait = this.conversation.cut(code);
  }

  wait(bounds) {
    assert.deepEqual([this.#wait.leastS, this.#wait.waitS], bounds);
  }

  ends() {
    assert.equal(this.#wait, null);
  }

  holds(expected) {
    const held = [...this.conversation.features].map(([key, { properties }]) => [key, properties.version]);
    assert.deepEqual(Object.fromEntries(held), expected);
  }

  resumes(expected) {
    assert.deepEqual(this.conversation.resumes, expected);
  }

  told(expected) {
    assert.deepEqual(this.#told, expected);
    this.#told = [];
  }

  refused({ code, id }) {
    assert.deepEqual(this.#refused, [[code, id]]);
    this.#refused = [];
  }

  #sending() {
    this.#sent.push(...JSON.parse(JSON.stringify(this.conversation.takeDue())));
    return this.#sent;
  }

  #note({ type, key, code, id }) {
    if (type === "refused") this.#refused.push([code, id]);
    else if (type !== "dropped") this.#told.push([type, key ?? code ?? id ?? null]);
  }
}

/** Return what went wrong with a case; nothing is the empty text. */
function fault({ steps, ...rest }) {
  let number = 0;
  try {
    const player = new Player(rest);
    for (const step of steps) {
      number += 1;
      player.play(step);
    }
    player.end();
    return "";
  } catch (error) {
    return `step ${number}, ${JSON.stringify(steps[number - 1])}: ${error.stack}`;
  }
}

console.log(JSON.stringify(Object.fromEntries(cases.map((one) => [one.name, fault(one)]))));
