/** Follow one report: told by the stream that it changed, then read again by its secret link. */
import { connectionSign } from "./connection.js";
import { ask, Refused } from "./doors.js";
import { byId, el } from "./element.js";
import { GeoworksStream } from "./geoworks-client.js";
import { dates, t, url } from "./page.js";
import { photoList } from "./photo-list.js";
import { categoryName } from "./words.js";

const POLL_MS = 30_000;
const AROUND_M = 25;
const OPEN = new Set(["received", "accepted", "in-progress"]);
const box = byId("follow");
const door = `/v1/reports/follow/${encodeURIComponent(box.dataset.token)}`;
let status = "";
let shown = "";
let listening = false;

read();
setInterval(read, POLL_MS); // also what a stream cannot tell: answers given while the status stays

async function read() {
  try {
    show(await ask(door));
    return [];
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    if (error.status === 404) box.replaceChildren(el("p", { class: "note bad" }, t("follow.not_found")));
    else if (!status) box.replaceChildren(el("p", { class: "note bad" }, error.message));
    return null;
  } finally {
    box.removeAttribute("aria-busy");
  }
}

function show(report) {
  if (status && status !== report.status) {
    byId("announcements").textContent = t("follow.changed", { status: t(`reports.status.${report.status}`) });
  }
  // What is being read or pressed stays as it is when nothing changed.
  const said = JSON.stringify(report);
  if (said !== shown) box.replaceChildren(...(report.status === "withdrawn" ? withdrawnParts : parts)(report).filter(Boolean));
  [status, shown] = [report.status, said];
  listen(report);
}

/** Nothing is left of a report that was taken back but that it was. */
function withdrawnParts(report) {
  return [
    head(report),
    el("p", { class: "note good" }, t("follow.withdrawn")),
    el("h2", {}, t("follow.steps")),
    steps(report.steps),
    el("p", {}, el("a", { href: url("/report") }, t("follow.again"))),
  ];
}

function head(report) {
  return el("div", { class: "follow-head" },
    el("p", { class: "muted" }, [categoryName(report.category), report.place].filter(Boolean).join(" · ")),
    el("p", { class: "follow-status", tabindex: "-1" }, t(`reports.status.${report.status}`)),
    el("p", { class: "muted" }, t("reports.created", { ago: dates.ago(new Date(report.created)) })));
}

function parts(report) {
  return [
    head(report),
    el("h2", {}, t("follow.steps")),
    steps(report.steps.length ? report.steps : [{ at: report.created, status: "received", answer: "" }]),
    el("h2", {}, t("follow.handler")),
    el("p", {}, el("b", {}, report.handler), report.reason ? ` — ${report.reason}` : ""),
    report.works.length > 0 && el("h2", {}, t("follow.works")),
    report.works.length > 0 && el("ul", { class: "plain" }, ...report.works.map(worksLine)),
    el("h2", {}, t("follow.your_text")),
    el("blockquote", { class: "quote" }, report.text),
    photoList(report.photos),
    OPEN.has(report.status) && el("p", { class: "actions" },
      el("button", { type: "button", class: "button quiet danger", onclick: withdraw }, t("follow.withdraw"))),
  ];
}

async function withdraw() {
  if (!confirm(t("follow.withdraw_sure"))) return;
  const failed = byId("failed");
  failed.hidden = true;
  try {
    show(await ask(door, { method: "DELETE" }));
    box.querySelector(".follow-status").focus();
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    failed.textContent = error.message;
    failed.hidden = false;
  }
}

function steps(list) {
  return el("ol", { class: "steps" }, ...list.map(({ at, status: step, answer }) =>
    el("li", {},
      el("b", {}, t(`reports.status.${step}`)),
      el("time", { datetime: at }, dates.moment(new Date(at))),
      answer ? el("blockquote", { class: "quote" }, answer) : "")));
}

function worksLine({ id, title }) {
  return el("li", {}, el("a", { href: url(`/?works=${encodeURIComponent(id)}`) }, title));
}

/** Ask the stream for what happens around the report's point: far less than the town, and no token in it. */
function listen({ id, geometry }) {
  if (listening || !geometry) return;
  listening = true;
  const around = { id: "around", area: { circle: { center: geometry.coordinates, radius_m: AROUND_M } }, kinds: ["report"] };
  const heard = (changes, snapshot) => {
    if (!snapshot && changes.some(({ key }) => key === `report ${id}`)) read();
  };
  const listener = { changed: heard, connection: connectionSign(byId("connection")), read };
  new GeoworksStream(url("/"), { subscriptions: [around] }, listener).start();
}
