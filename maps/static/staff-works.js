/** The works: find, write, correct, cancel. */
import { ask, newKey } from "./doors.js";
import { Drawing } from "./draw.js";
import { byId, el } from "./element.js";
import { inReadingOrder, plain } from "./model.js";
import { dates, t } from "./page.js";
import { shapeOf } from "./shapes.js";
import { attempt, tell, wordsOf } from "./told.js";
import { titleOf } from "./words.js";
import { WorksForm } from "./works-form.js";

const form = byId("works-form");
const held = new WorksForm(form);
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
  byId("works-error").hidden = true;
  byId("works-cancel").hidden = !feature;
  byId("works-form-title").textContent = feature ? t("staff.edit_of", { title: feature.properties.title }) : t("staff.new");
  byId("works-list").hidden = byId("works-filter").hidden = true;
  held.fill(feature?.properties ?? null, drafts.has(feature?.id) ? "draft" : "public");
  tellSource(feature);
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

function tellSource(feature) {
  const sourced = Boolean(feature) && feature.properties.source !== "api";
  byId("works-sourced").hidden = !sourced;
  if (sourced) byId("works-sourced").textContent = t("staff.sourced", { source: feature.properties.source });
}

async function save(event) {
  event.preventDefault();
  const fault = held.fault || (drawing.placed ? "" : t("staff.no_place"));
  if (fault) return complain(fault);
  try {
    await (editing ? change(editing) : create());
  } catch (error) {
    return complain(wordsOf(error));
  }
  await readAnew();
  tell(t("staff.saved"));
}

function create() {
  const body = { type: "Feature", geometry: drawing.drawn, properties: held.all };
  return ask("/v1/works", { method: "POST", body, headers: { "Idempotency-Key": newKey() } });
}

function change({ id, properties }) {
  const body = { ...held.changes, ...(drawing.drawn ? { geometry: drawing.drawn } : {}) };
  if (!Object.keys(body).length) return null;
  const headers = { "Content-Type": "application/merge-patch+json", "If-Match": `"${properties.version}"` };
  return ask(`/v1/works/${encodeURIComponent(id)}`, { method: "PATCH", body, headers });
}

async function cancel() {
  if (!confirm(t("staff.cancel_sure"))) return;
  const { id, properties } = editing;
  const headers = { "If-Match": `"${properties.version}"` };
  const done = await attempt(() => ask(`/v1/works/${encodeURIComponent(id)}`, { method: "DELETE", headers }), t("staff.cancelled"));
  if (!done) return;
  await readAnew();
  tell(t("staff.cancelled"));
}

/** Show the list as it is after a write; till then nothing, for what is opened from the old one would be out of date. */
async function readAnew() {
  close();
  byId("works-list").replaceChildren();
  await openWorks();
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
