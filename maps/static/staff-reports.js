/** The queue of reports: read them, publish them, answer. */
import { ask } from "./doors.js";
import { byId, el } from "./element.js";
import { dates, t } from "./page.js";
import { attempt } from "./told.js";
import { photoList } from "./photo-list.js";
import { categoryName } from "./words.js";

const STATUSES = ["received", "accepted", "in-progress", "resolved", "refused"];

/** Read the reports and show them. */
export async function openReports() {
  let [features, more] = [[], 0];
  await attempt(async () => ({ features, more } = await ask("/v1/reports/queue")), "");
  const rows = features.map(row);
  if (more) rows.push(el("li", { class: "note" }, t("staff.more_reports", { count: more })));
  byId("reports-list").replaceChildren(...(rows.length ? rows : [el("li", { class: "note good" }, t("staff.no_reports"))]));
}

function row({ id, properties }) {
  const { category, place, text, released, status, created, photos } = properties;
  return el("li", { class: "row" },
    el("h3", {}, categoryName(category), place ? `, ${place}` : ""),
    el("p", { class: "muted" }, t("reports.created", { ago: dates.ago(new Date(created)) }), " · ",
      t(`reports.status.${status}`), " · ", t(released ? "staff.released" : "staff.hidden")),
    el("blockquote", { class: "quote" }, text || t("staff.no_text")),
    photoList(photos),
    !released && el("p", {}, el("button", { type: "button", class: "button quiet", onclick: () => release(id) }, t(photos.length ? "staff.release_photos" : "staff.release"))),
    answerForm(id, status));
}

function answerForm(id, status) {
  const choice = el("select", { name: "status" }, ...STATUSES.map((name) =>
    el("option", { value: name, selected: name === status }, t(`reports.status.${name}`))));
  const answer = el("textarea", { name: "answer", rows: 2, maxlength: 2000 });
  const send = (event) => {
    event.preventDefault();
    act(id, "status", { status: choice.value, answer: answer.value.trim() });
  };
  return el("form", { onsubmit: send },
    el("label", { class: "field" }, t("staff.status"), choice),
    el("label", { class: "field" }, t("staff.answer"), answer),
    el("p", {}, el("button", { type: "submit", class: "button" }, t("staff.send_answer"))));
}

const release = (id) => act(id, "release");

async function act(id, door, body) {
  const path = `/v1/reports/${encodeURIComponent(id)}/${door}`;
  if (await attempt(() => ask(path, { method: "POST", body }), t("staff.saved"))) await openReports();
}
