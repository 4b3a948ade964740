/** The driver page: choose, then look or drive, and hear only what concerns the driver. */
import { Announcer } from "./announce.js";
import { changesWords } from "./changes.js";
import { details } from "./details.js";
import { Awake } from "./drive/awake.js";
import { Bell } from "./drive/bell.js";
import { cautionLines, entrySpeech } from "./drive/cards.js";
import { keptChoice } from "./drive/choice.js";
import { nextOf } from "./drive/entries.js";
import { Journey } from "./drive/journey.js";
import { Knowledge } from "./drive/knowledge.js";
import { JourneyMap } from "./drive/map.js";
import { News } from "./drive/news.js";
import { Plan } from "./drive/plan.js";
import { Road } from "./drive/road.js";
import { RoutePick } from "./drive/route-pick.js";
import { Reminder } from "./drive/speech.js";
import { Vehicle } from "./drive/vehicle.js";
import { Voice } from "./drive/voice.js";
import { offerZones, readZones } from "./drive/zone-pick.js";
import { byId } from "./element.js";
import { dates, now, page, t, url } from "./page.js";
import { titleOf } from "./words.js";

const LOOK_AGAIN_MS = 5000; // for times and ages, where nothing else happens
const AWAKE_AFTER_MS = 180_000; // red lights and queues are part of driving

let journey = null;
let drawing = 0;
let chosen = "";
let fits = true;
let stillSince = 0;
let zoneNames = new Map();
let map = null;
let reminder = new Reminder();
let news = new News(now());

const zoneName = (id) => zoneNames.get(id) ?? id;
const knowledge = new Knowledge();
const voice = new Voice(page.language);
const awake = new Awake();
const bell = new Bell();
const road = new Road(choose, zoneName);
const announcer = new Announcer(byId("announcements"), changesWords);
const plan = new Plan(byId("plan"), keptChoice(), { begin, switched });
const route = new RoutePick(plan.choice, (chosenRoute) => plan.take(chosenRoute));

byId("stop").addEventListener("click", stop);
byId("repeat").addEventListener("click", () => repeat());
byId("speak").addEventListener("click", () => speakAloud(!voice.isOn));
byId("everything").addEventListener("change", ({ target }) => journey && (journey.everything = target.checked));
byId("back").addEventListener("click", () => choose(""));
byId("panel").addEventListener("keydown", (event) => event.key === "Escape" && chosen && choose(""));
for (const name of ["online", "offline"]) addEventListener(name, () => journey && road.showKnowledge(knowledge));
if (!Voice.isThere) switched("voice", plan.choice.voice);
if (plan.choice.notify && Bell.permission !== "granted") plan.turnOff("notify");
setInterval(lookAgain, LOOK_AGAIN_MS);
loadZones();

async function loadZones() {
  const zones = await readZones();
  zoneNames = new Map((zones ?? []).map(({ id, properties }) => [id, properties.name]));
  plan.take({ zones: offerZones(zones, plan.choice.zones) });
  route.around(zones ?? []);
}

/** A driver wants to be told in another way: what the browser does not do is said at once. */
async function switched(name, isOn) {
  let words = "";
  if (name === "notify" && isOn) words = { denied: t("drive.notify_denied"), unsupported: t("drive.notify_unsupported") }[await bell.ask()] ?? "";
  if (name === "voice" && isOn && !Voice.isThere) words = t("drive.voice_missing");
  if (name === "sound" && isOn) bell.unlock();
  if (words) plan.turnOff(name);
  byId("warn-told").textContent = words;
  byId("warn-told").hidden = !words;
}

function begin({ follow }) {
  const { choice } = plan;
  reminder = new Reminder();
  news = new News(now());
  fits = true;
  byId("plan").hidden = byId("draw-map").hidden = true;
  byId("road").hidden = byId("drive-map").hidden = false;
  byId("main").dataset.mode = "road";
  map ??= new JourneyMap(byId("drive-map"), choose);
  road.open(choice);
  speakAloud(choice.voice && follow);
  if (choice.sound) bell.unlock();
  journey = new Journey(choice, {
    address: url("/"), open: knowledge.open, vehicle: new Vehicle(choice.vehicle, page.severities), wall: (at) => dates.wall(at), now,
  }, { moved, changed, connection, notice, fault: (topic, fault) => road.fault(topic, fault, journey) });
  map.showWay(journey.line);
  journey.start({ follow });
  // In answer to the press, for browsers that let a page speak only then.
  voice.say(" ");
  byId("title").focus({ preventScroll: true });
  toTop();
  redraw();
}

/** Bring what is read at a glance into sight. */
function toTop() {
  scrollTo(0, 0);
  byId("panel").scrollTop = 0;
}

function stop() {
  journey?.stop();
  journey = null;
  knowledge.state = "";
  knowledge.heard = null;
  voice.hush();
  awake.keep(false);
  road.move(false);
  map.showMe(null, { follow: false });
  choose("");
  byId("road").hidden = byId("drive-map").hidden = true;
  byId("plan").hidden = byId("draw-map").hidden = false;
  byId("main").dataset.mode = "plan";
  byId("title").textContent = t("drive.heading");
  byId("go").focus();
}

/** Show how times, ages and a position that does not come change by themselves. */
function lookAgain() {
  if (!journey) return;
  journey.pace.tick(Date.now());
  road.move(journey.pace.isMoving);
  redrawSoon();
}

function connection(state) {
  knowledge.state = state;
  redrawSoon();
}

function moved() {
  const { isMoving } = journey.pace;
  stillSince = isMoving ? 0 : stillSince || Date.now();
  if (isMoving) awake.keep(true);
  else if (Date.now() - stillSince > AWAKE_AFTER_MS) awake.keep(false);
  if (isMoving && chosen) choose("");
  if (road.move(isMoving)) toTop();
  redrawSoon();
}

function changed(changes, snapshot) {
  const entries = journey.entries;
  const told = snapshot ? [] : news.of(changes, entries);
  news.keep(entries);
  for (const { key } of told) reminder.forget(key);
  announcer.add(snapshot ? [] : changes.filter(({ feature, key }) => !feature || told.some((entry) => entry.key === key)));
  if (told.length) tell(t("drive.news"), told.map((entry) => titleOf(entry.feature)).join(", "), told[0].key);
  redrawSoon();
}

/** The service tells of works on the route that begin soon. */
function notice({ code, feature: id, begins }) {
  if (code !== "begins-soon") return;
  const feature = journey.find(`works ${id}`);
  if (!feature) return;
  const said = { title: titleOf(feature), moment: dates.moment(new Date(begins)) };
  tell(t("drive.soon"), t("drive.soon_line", said), `works ${id}`);
  byId("announcements").textContent = t("drive.say_soon", said);
  voice.say(t("drive.say_soon", said));
}

function tell(title, body, tag) {
  const { choice } = plan;
  if (choice.sound) bell.ring();
  if (choice.notify) bell.notify(title, body, tag);
}

function redrawSoon() {
  if (!journey) return;
  // A page that is hidden has no frames, but may still be heard.
  if (document.hidden) speak(journey.next);
  // One drawing a frame, however much happens.
  drawing ||= requestAnimationFrame(redraw);
}

async function redraw() {
  drawing = 0;
  if (!journey) return;
  const entries = journey.entries;
  road.show(journey, plan.choice, knowledge, entries);
  speak(nextOf(entries));
  refreshDetails();
  await map.show(entries.map(({ feature }) => feature));
  if (!journey) return;
  if (fits && journey.isAnswered && !journey.line && entries.length) map.fit(entries.map(({ feature }) => feature));
  if (journey.isAnswered) fits = false;
  map.showMe(journey.at, { follow: journey.pace.isMoving });
}

/** Say the next event to somebody who drives: once when it is next, again when it comes near. */
function speak(next) {
  if (journey.pace.isMoving && reminder.isDue(next)) voice.say(entrySpeech(next, zoneName));
}

function repeat() {
  const next = journey?.next;
  const wasOn = voice.isOn;
  voice.isOn = true; // asked for
  voice.say(next ? entrySpeech(next, zoneName) : t("drive.say_none"));
  voice.isOn = wasOn;
}

function speakAloud(isOn) {
  voice.isOn = isOn;
  if (!isOn) voice.hush();
  byId("speak").setAttribute("aria-pressed", String(isOn));
}

function choose(key) {
  const before = chosen;
  const feature = journey?.find(key) ?? null;
  chosen = feature && !journey.pace.isMoving ? key : "";
  byId("details").hidden = !chosen;
  byId("road").hidden = Boolean(chosen) || !journey;
  map?.select(chosen ? feature : null);
  if (chosen) openDetails(feature);
  else if (before && journey && !road.focus(before)) byId("events-title").focus();
}

let detailed = null;

function openDetails(feature) {
  detailed = feature;
  byId("gone").hidden = true;
  const entry = journey.entries.find(({ key }) => key === chosen);
  const [state, title, ...parts] = details(entry?.feature ?? feature, { zoneName, find: (key) => journey?.find(key), select: choose });
  byId("details-body").replaceChildren(state, title, ...(entry ? cautionLines(entry) : []), ...parts);
  byId("details-title").focus({ preventScroll: true });
  byId("title").scrollIntoView();
}

/** Bring open details up to date; what is gone says so. */
function refreshDetails() {
  if (!chosen) return;
  const feature = journey.find(chosen);
  byId("gone").hidden = Boolean(feature);
  if (feature && feature !== detailed) openDetails(feature);
}
