/** Report a problem: where, what, sent; with who handles it, and what is known there, told before. */
import { copyText } from "./copy.js";
import { ask, newKey, Refused } from "./doors.js";
import { byId, el } from "./element.js";
import { keepReport, myReports } from "./mine.js";
import { Photos } from "./photos.js";
import { Picker } from "./pick.js";
import { findPlace, nearestPlace, placesOf } from "./places.js";
import { dates, page, t } from "./page.js";
import { suggestions } from "./suggest.js";

const form = byId("report");
const place = byId("place");
const text = byId("text");
const category = document.getElementById("category");
const photos = page.limits.photos ? new Photos(byId("photos"), byId("previews"), byId("photos-error")) : { files: [] };
const picker = new Picker(byId("map"), placed);
const suggest = suggestions({ at: () => picker.at, text: () => text.value, category });
// Where a fault the service names is shown.
const FIELDS = { geometry: "place", place: "place", text: "text", category: "category", photo: "photos" };
let places = [];
let placedByHand = false;

let lastSent = { said: "", key: "" };

start();

function start() {
  place.addEventListener("change", () => findTyped());
  text.addEventListener("input", typed);
  category?.addEventListener("change", suggest);
  byId("to-centre").addEventListener("click", () => picker.toCentre());
  for (const button of document.querySelectorAll("[data-way]")) button.addEventListener("click", () => picker.step(button.dataset.way));
  form.addEventListener("submit", send);
  byId("send").disabled = false;
  byId("copy").addEventListener("click", copy);
  typed();
  showMine();
  learnPlaces();
}

/** Learn the names the town knows; without them the map and the typed text still do. */
async function learnPlaces() {
  const [zones, works] = await Promise.allSettled([ask("/v1/zones"), ask("/v1/works")]);
  const [knownZones, knownWorks] = [zones, works].map(({ status, value }) => (status === "fulfilled" ? value.features : []));
  places = placesOf([...knownZones, ...knownWorks]);
  byId("places").replaceChildren(...places.map(({ name }) => el("option", { value: name })));
  picker.around(knownZones, knownWorks);
}

function placed(at) {
  placedByHand = true;
  const near = nearestPlace(at, places);
  tell(near ? t("pick.placed_near", { name: near.name }) : t("pick.placed"));
  complain("place", "");
  suggest();
}

function findTyped() {
  complain("place", "");
  if (!place.value.trim() || placedByHand) return;
  const found = findPlace(place.value, places);
  if (found) picker.show(found.at);
  tell(found ? t("pick.found", { name: found.name }) : t("pick.not_found"), !found);
  suggest();
}

function tell(words, unsure = false) {
  byId("place-found").textContent = words;
  byId("place-found").classList.toggle("unsure", unsure);
}

function typed() {
  byId("text-left").textContent = t("report.text_left", { count: page.limits.text - text.value.length });
  if (text.value.trim()) complain("text", "");
  suggest();
}

async function send(event) {
  event.preventDefault();
  if (missing()) return;
  const button = byId("send");
  button.disabled = true;
  button.textContent = t("report.sending");
  try {
    sent(await post());
  } catch (error) {
    refuse(error);
  } finally {
    button.disabled = false;
    button.textContent = t("report.send");
  }
}

function missing() {
  const faults = [
    ["place", place.value.trim() || picker.at ? "" : t("report.no_place")],
    ["text", text.value.trim() ? "" : t("report.no_text")],
  ];
  for (const [name, words] of faults) complain(name, words);
  const wrong = faults.filter(([, words]) => words);
  byId("summary").hidden = true;
  if (!wrong.length) return false;
  byId(wrong[0][0]).focus();
  return true;
}

function post() {
  // A typed place that no list knows still goes somewhere: to where the map looks.
  if (!picker.at) picker.toCentre();
  const said = {
    category: category?.value || null,
    text: text.value.trim(),
    place: place.value.trim(),
    geometry: { type: "Point", coordinates: picker.at },
  };
  const headers = { "Idempotency-Key": keyOf(JSON.stringify(said)) };
  if (!photos.files.length) return ask("/v1/reports", { method: "POST", body: said, headers });
  const body = new FormData();
  body.append("report", new Blob([JSON.stringify(said)], { type: "application/json" }));
  for (const file of photos.files) body.append("photo", file, file.name);
  return ask("/v1/reports", { method: "POST", body, headers });
}

/** The same words sent again, after an answer was lost, are the same report. */
function keyOf(said) {
  if (said !== lastSent.said) lastSent = { said, key: newKey() };
  return lastSent.key;
}

function refuse(error) {
  if (!(error instanceof Refused)) throw error;
  const summary = byId("summary");
  summary.textContent = t("report.not_sent", { why: error.message });
  summary.hidden = false;
  for (const { where, what, mend } of error.problem?.problems ?? []) {
    const field = FIELDS[where.split(/[ .[]/)[0]];
    if (field && document.getElementById(field)) complain(field, `${what} (${mend})`);
  }
  summary.focus();
}

/** Say what is wrong with a field, beside it; no words take the complaint back. */
function complain(name, words) {
  const error = byId(`${name}-error`);
  error.textContent = words;
  error.hidden = !words;
  const field = byId(name);
  if (words) field.setAttribute("aria-invalid", "true");
  else field.removeAttribute("aria-invalid");
}

function sent(answer) {
  const address = new URL(answer.url, location.href).href;
  keepReport({ url: answer.url, category: answer.category, created: new Date().toISOString() });
  form.hidden = true;
  document.querySelector(".lead").hidden = true;
  byId("link").href = address;
  byId("link").textContent = address;
  byId("sent-handler").textContent = [
    t("report.handler", { handler: answer.handler }), answer.reason && t("report.reason", { reason: answer.reason }),
  ].filter(Boolean).join(" ");
  byId("sent").hidden = false;
  byId("sent-title").focus();
  scrollTo({ top: 0 });
}

async function copy() {
  if (await copyText(byId("link").href)) byId("copied").textContent = t("report.copied");
}

function showMine() {
  const mine = myReports();
  byId("mine").hidden = !mine.length;
  byId("mine").querySelector("ul").replaceChildren(...mine.map((report) =>
    el("li", {}, el("a", { href: new URL(report.url, location.href).href }, t("report.mine_line", {
      category: page.categories.find(({ id }) => id === report.category)?.name ?? t("reports.uncategorised"),
      day: dates.day(new Date(report.created)),
    })))));
}
