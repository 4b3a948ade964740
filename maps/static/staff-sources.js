/** The sources: how each stands, and where its report is. */
import { ask } from "./doors.js";
import { byId, el } from "./element.js";
import { dates, t, url } from "./page.js";
import { attempt } from "./told.js";

/** Read how the sources stand and show them. */
export async function openSources() {
  let sources = [];
  await attempt(async () => (sources = await ask("/v1/sync")), "");
  const rows = sources.map(row);
  byId("sources-list").replaceChildren(...(rows.length ? rows : [el("li", { class: "note" }, t("staff.no_sources"))]));
}

function row({ source, last_success: success, error, stale, counts }) {
  const state = error ? "failed" : !success ? "waiting" : stale ? "stale" : "fresh";
  return el("li", { class: `source source-${state}` },
    el("h3", {}, source),
    el("p", { class: "source-state" }, t(`staff.source_${state}`)),
    success && el("p", {}, dates.ago(new Date(success))),
    error && el("p", { class: "note" }, error),
    counts.held > 0 && el("p", { class: "note" }, t("staff.held", { count: counts.held }), " ",
      el("button", { type: "button", class: "button quiet", onclick: () => release(source) }, t("staff.release_held"))),
    el("p", { class: "actions" },
      el("button", { type: "button", class: "button quiet", onclick: () => sync(source) }, t("staff.sync_now")),
      el("a", { href: url(`/sync/${encodeURIComponent(source)}`) }, t("staff.sync_report"), el("span", { class: "visually-hidden" }, `, ${source}`))));
}

const sync = (source) => act(`/v1/sync/${encodeURIComponent(source)}`);
const release = (source) => act(`/v1/sync/${encodeURIComponent(source)}/release`);

async function act(path) {
  await attempt(() => ask(path, { method: "POST" }), t("staff.saved"));
  await openSources();
}
