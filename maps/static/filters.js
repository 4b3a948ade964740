/** What the reader wants to see: read from the form, kept in the page's address so that it can be shared. */
import { SEVERITIES } from "./model.js";
import { dates, now } from "./page.js";

const KINDS = ["works", "report", "zone"];

export class Filters {
  #form;
  #changed;

  /**
   * @param {HTMLFormElement} form
   * @param {() => void} changed
   */
  constructor(form, changed) {
    this.#form = form;
    this.#changed = changed;
    this.#recall();
    form.addEventListener("input", () => this.#update());
    form.addEventListener("submit", (event) => event.preventDefault());
    form.addEventListener("reset", () => setTimeout(() => this.#update()));
  }

  /** @returns {import("./model.js").Wish} */
  get wish() {
    const data = new FormData(this.#form);
    const [from, to] = this.#period(data);
    return {
      text: String(data.get("q") ?? "").trim(),
      least: SEVERITIES.indexOf(String(data.get("severity") ?? "none")),
      kinds: new Set(data.getAll("kind")),
      nowOnly: data.get("period") === "now",
      from,
      to,
    };
  }

  #period(data) {
    if (data.get("period") === "week") return [now(), new Date(now().getTime() + 7 * 86_400_000)];
    if (data.get("period") !== "dates") return [null, null];
    const [from, to] = [data.get("from"), data.get("to")];
    return [from ? dates.startOf(from) : null, to ? dates.startOf(to, { after: true }) : null];
  }

  #update() {
    this.#form.querySelector(".dates").hidden = this.#form.elements.period.value !== "dates";
    this.#keep();
    this.#changed();
  }

  #keep() {
    const address = new URL(location.href);
    const data = new FormData(this.#form);
    const usual = { q: "", severity: "none", period: "all", from: "", to: "" };
    for (const [name, value] of Object.entries(usual)) {
      const said = this.#form.elements[name].value; // of fields that are set aside too
      if (said === value) address.searchParams.delete(name);
      else address.searchParams.set(name, said);
    }
    const kinds = data.getAll("kind").join();
    if (kinds === KINDS.join()) address.searchParams.delete("kinds");
    else address.searchParams.set("kinds", kinds);
    history.replaceState(null, "", address);
  }

  #recall() {
    const said = new URL(location.href).searchParams;
    for (const name of ["q", "severity", "period", "from", "to"]) {
      if (said.has(name)) this.#form.elements[name].value = said.get(name);
    }
    const kinds = said.get("kinds")?.split(",") ?? KINDS;
    for (const box of this.#form.elements.kind) box.checked = kinds.includes(box.value);
    this.#form.querySelector(".dates").hidden = this.#form.elements.period.value !== "dates";
  }
}
