/** The works: find, write, correct, cancel. */
import { ask, newKey } from "./doors.js";
import { Drawing } from "./draw.js";
import { byId, el } from "./element.js";
import { inReadingOrder, plain } from "./model.js";
import { dates, page, t } from "./page.js";
import { shapeOf } from "./shapes.js";
import { attempt, tell, wordsOf } from "./told.js";
import { titleOf } from "./words.js";

const IMPACT = ["vehicle_impact", "parking", "footway", "cycleway"];
const TEXTS = ["title", "description", "promoter", "reference"];
const form = byId("works-form");
const fields = form.elements;
let works = [];
let drafts = new Set();
let editing = null;
let drawing = null;

byId("new").addEventListener("click", () => edit(null));
byId("works-close").addEventListener("click", close);
byId("works-cancel").addEventListener("click", cancel);
byId("works-filter").addEventListener("input", showList);
byId("draw-centre").addEventListener("click", () => drawing.addCentre());
byId("draw-undo").addEventListener("click", () => drawing.undo());
byId("draw-clear").addEventListener("click", () => drawing.begin(null));
form.addEventListener("submit", save);

/** Read the works, drafts too, and show them. */
export async function openWorks() {
  await attempt(async () => {
    const [all, shown] = await Promise.all([ask("/v1/works?drafts=true"), ask("/v1/works")]);
    const known = new Set(shown.features.map(({ id }) => id));
    works = all.features.sort(inReadingOrder);
    drafts = new Set(works.map(({ id }) => id).filter((id) => !known.has(id)));
  }, "");
  showList();
}

function showList() {
  const wanted = plain(byId("works-filter").value);
  const found = works.filter(({ id, properties }) => plain(`${id} ${properties.title} ${properties.road_names.join(" ")}`).includes(wanted));
  const rows = found.map(row);
  byId("works-list").replaceChildren(...(rows.length ? rows : [el("li", { class: "muted" }, t("staff.no_works"))]));
}

function row(feature) {
  const { properties, id } = feature;
  return el("li", { class: "row row-works" },
    shapeOf(feature),
    el("div", {},
      el("h3", {}, titleOf(feature)),
      el("p", { class: "muted" }, [properties.road_names.join(", "), id].filter(Boolean).join(" · ")),
      el("p", {}, drafts.has(id) ? `${t("staff.draft")} · ` : "", `${t(`works.status.${properties.status}`)}, ${dates.schedule(properties.schedule, properties.status)}`)),
    el("button", { type: "button", class: "button quiet", "aria-label": t("staff.edit_of", { title: properties.title }), onclick: () => edit(feature) }, t("staff.edit")));
}

function edit(feature) {
  editing = feature;
  form.hidden = false;
  form.reset();
  byId("works-error").hidden = true;
  byId("works-cancel").hidden = !feature;
  byId("works-form-title").textContent = feature ? t("staff.edit_of", { title: feature.properties.title }) : t("staff.new");
  byId("works-list").hidden = byId("works-filter").hidden = true;
  fillForm(feature);
  drawing ??= openDrawing();
  drawing.begin(feature?.geometry ?? null);
  byId("works-form-title").focus();
}

function openDrawing() {
  const made = new Drawing(byId("draw"), (count, kept) => {
    byId("draw-count").textContent = kept ? t("staff.kept_shape") : t("staff.points", { count });
  });
  ask("/v1/zones").then(({ features }) => made.around(features), () => {}); // names on the map are a kindness
  return made;
}

function fillForm(feature) {
  const sourced = Boolean(feature) && feature.properties.source !== "api";
  byId("works-sourced").hidden = !sourced;
  if (!feature) return;
  const { properties } = feature;
  byId("works-sourced").textContent = t("staff.sourced", { source: properties.source });
  for (const name of TEXTS) fields[name].value = properties[name];
  for (const name of IMPACT) fields[name].value = properties.impact[name];
  fields.road_names.value = properties.road_names.join(", ");
  fields.start.value = dates.field(properties.schedule.start);
  fields.end.value = properties.schedule.end ? dates.field(properties.schedule.end) : "";
  fields.visibility.value = drafts.has(feature.id) ? "draft" : "public";
}

async function save(event) {
  event.preventDefault();
  const fault = faultOf();
  if (fault) return complain(fault);
  try {
    await (editing ? change(editing) : create());
  } catch (error) {
    return complain(wordsOf(error));
  }
  close();
  await openWorks();
  tell(t("staff.saved"));
}

function faultOf() {
  const [start, end] = [fields.start.value, fields.end.value];
  if (!fields.title.value.trim()) return t("staff.no_title");
  if (!start) return t("staff.no_start");
  if (end && end <= start) return t("staff.end_before");
  return drawing.placed ? "" : t("staff.no_place");
}

function create() {
  const { geometry, ...properties } = written();
  return ask("/v1/works", { method: "POST", body: { type: "Feature", geometry, properties }, headers: { "Idempotency-Key": newKey() } });
}

/** Send only what was changed: a sourced works keeps following its source in everything else. */
function change({ id, properties }) {
  const said = written();
  const before = { ...properties, visibility: drafts.has(id) ? "draft" : "public" };
  const patch = Object.fromEntries(Object.entries(said).filter(([name, value]) => name === "geometry" ? value : differs(value, before[name])));
  if (!Object.keys(patch).length) return null;
  return ask(`/v1/works/${encodeURIComponent(id)}`, {
    method: "PATCH", body: patch, headers: { "Content-Type": "application/merge-patch+json", "If-Match": `"${properties.version}"` },
  });
}

function differs(value, before) {
  if (Array.isArray(value) || value === null || typeof value !== "object") return JSON.stringify(value) !== JSON.stringify(before);
  return Object.entries(value).some(([name, part]) => (name === "start" || name === "end") && part && before?.[name]
    ? Date.parse(part) !== Date.parse(before[name]) : differs(part, before?.[name] ?? null));
}

function written() {
  const end = fields.end.value;
  return {
    ...Object.fromEntries(TEXTS.map((name) => [name, fields[name].value.trim()])),
    road_names: fields.road_names.value.split(",").map((name) => name.trim()).filter(Boolean),
    schedule: { start: dates.fromField(fields.start.value), end: end ? dates.fromField(end) : null, ...(editing ? {} : { time_zone: page.town.timeZone }) },
    impact: Object.fromEntries(IMPACT.map((name) => [name, fields[name].value])),
    visibility: fields.visibility.value,
    geometry: drawing.drawn,
  };
}

async function cancel() {
  if (!confirm(t("staff.cancel_sure"))) return;
  const { id, properties } = editing;
  const headers = { "If-Match": `"${properties.version}"` };
  const done = await attempt(() => ask(`/v1/works/${encodeURIComponent(id)}`, { method: "DELETE", headers }), t("staff.cancelled"));
  if (!done) return;
  close();
  await openWorks();
  tell(t("staff.cancelled"));
}

function complain(words) {
  byId("works-error").textContent = words;
  byId("works-error").hidden = false;
}

function close() {
  form.hidden = true;
  byId("works-list").hidden = byId("works-filter").hidden = false;
  byId("works-title").focus();
}
