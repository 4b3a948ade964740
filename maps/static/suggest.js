/** What the service can say of a report before it is sent: its category, who handles it, what is known there. */
import { ask } from "./doors.js";
import { byId, el } from "./element.js";
import { dates, page, t, url } from "./page.js";
import { shape } from "./shapes.js";
import { categoryName, metresWords } from "./words.js";

const PAUSE_MS = 500;

/**
 * Return the function to call whenever place, text or category changed.
 * @param {{at: () => [number, number] | null, text: () => string, category: any}} report
 */
export function suggestions({ at, text, category }) {
  let timer = 0;
  let asking = new AbortController();
  const look = async () => {
    asking.abort();
    asking = new AbortController();
    if (!at() && text().trim().length < 3) return;
    const geometry = at() ? { type: "Point", coordinates: at() } : null;
    try {
      const body = { text: text(), geometry };
      show(await ask("/v1/reports/suggest", { method: "POST", body, signal: asking.signal }), category);
    } catch {
      showHandler(chosen(category)); // a suggestion is a kindness: without it the form works as well
    }
  };
  return () => {
    clearTimeout(timer);
    timer = setTimeout(look, PAUSE_MS);
    if (category?.value) showHandler(chosen(category));
  };
}

const chosen = (category) => page.categories.find(({ id }) => id === category?.value) ?? null;

function show(answer, category) {
  const byReader = chosen(category);
  if (category) {
    const auto = category.options[0];
    auto.textContent = answer.category ? `${categoryName(answer.category)} (${t("report.category_auto").toLowerCase()})` : t("report.category_auto");
  }
  showHandler(byReader ?? answer);
  showWorks(answer.works ?? []);
  showDuplicates(answer.duplicates ?? []);
}

function showHandler(who) {
  if (!who?.handler) return;
  byId("handler").replaceChildren(el("b", {}, t("report.handler", { handler: who.handler })), who.reason ? t("report.reason", { reason: who.reason }) : "");
}

function showWorks(works) {
  fill(byId("works-here"), works, t("report.works_here"), ({ id, title, distance_m: distance }) =>
    link(`/?works=${encodeURIComponent(id)}`, null, `${title}, ${metresWords(distance)}`));
}

function showDuplicates(duplicates) {
  fill(byId("duplicates"), duplicates, t("report.duplicates"), ({ category, distance_m: distance, created }) =>
    link("/", shape("report"), t("report.duplicate", {
      category: categoryName(category), distance: metresWords(distance), ago: dates.ago(new Date(created)),
    })));
}

function link(path, sign, words) {
  return el("a", { href: url(path), target: "_blank", rel: "noopener" }, sign, words);
}

function fill(box, rows, title, line) {
  if (!rows.length) box.replaceChildren();
  else box.replaceChildren(el("h3", {}, title), el("ul", { class: "plain" }, ...rows.map((row) => el("li", {}, line(row)))));
}
