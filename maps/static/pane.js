/** What the reader chose, in the place of the list; the page's address names it. And what is said aloud. */
import { byId, el } from "./element.js";
import { keyOf } from "./model.js";
import { t } from "./page.js";
import { titleOf } from "./words.js";

let announcer = null;

export class Pane {
  #known;
  #list;
  #map;
  #chosen = "";
  #shown = null;
  #turn = 0;

  /**
   * @param {{find: any, at: any, zoneName: (id: string) => string, fetchAround?: any}} known finds a feature by its key,
   *   null for none; returns the one that is held; has at hand what details speak of
   * @param {{list: any, map: any}} shown where what was chosen is marked
   */
  constructor(known, { list, map }) {
    this.#known = known;
    this.#list = list;
    this.#map = map;
    byId("back").addEventListener("click", () => this.choose(""));
    byId("panel").addEventListener("keydown", (event) => event.key === "Escape" && this.choose(""));
    // Only readers who go on from the first look need the details; from then on a lost connection does not keep them away.
    for (const sign of ["pointerover", "focusin"]) document.addEventListener(sign, () => loadDetails().catch(() => {}), { once: true });
  }

  /** The key of what the reader looks at; empty for none. */
  get chosen() {
    return this.#chosen;
  }

  /** Open the works that the page's address names. */
  async recall() {
    const id = new URL(location.href).searchParams.get("works");
    if (id) await this.choose(`works ${id}`);
  }

  /** Show the details of a feature; of none, the list. What is not there changes nothing. */
  async choose(key) {
    const turn = ++this.#turn;
    const feature = key ? await this.#known.find(key) : null;
    if (turn !== this.#turn || (key && !feature)) return;
    const before = this.#chosen;
    this.#chosen = feature ? key : "";
    byId("details").hidden = !feature;
    byId("overview").hidden = Boolean(feature);
    this.#list.mark(this.#chosen);
    this.#map.select(feature);
    remember(feature);
    if (feature) this.#open(feature);
    else if (before && !this.#list.focus(before)) byId("works-title").focus();
  }

  /** Bring open details up to date without moving the reader; what is gone says so. */
  async refresh() {
    const chosen = this.#chosen;
    const feature = chosen && (await this.#known.find(chosen));
    if (!chosen || chosen !== this.#chosen) return;
    byId("gone").hidden = Boolean(feature);
    if (!feature || this.#shown === feature) return;
    const reading = byId("details-body").contains(document.activeElement);
    await this.#fill(feature);
    if (reading) byId("details-title").focus({ preventScroll: true });
  }

  async #open(feature) {
    await this.#fill(feature);
    if (keyOf(feature) !== this.#chosen) return;
    byId("details-title").focus({ preventScroll: true });
    // On a phone the map stands above the details: bring both into view.
    byId("panel").scrollTop = 0;
    if (document.documentElement.scrollTop > 0) byId("map").scrollIntoView();
  }

  async #fill(feature) {
    this.#shown = feature;
    byId("gone").hidden = true;
    const [{ details }] = await Promise.all([loadDetails().catch(() => ({ details: withoutDetails })), this.#known.fetchAround?.(feature)]);
    if (this.#shown !== feature) return;
    const { zoneName, at } = this.#known;
    byId("details-body").replaceChildren(...details(feature, { zoneName, find: at, select: (key) => this.choose(key) }));
  }
}

function loadDetails() {
  return import("./details.js");
}

function withoutDetails(feature) {
  return [el("h2", { id: "details-title", tabindex: "-1" }, titleOf(feature)), el("p", { class: "note" }, t("common.offline"))];
}

function remember(feature) {
  const address = new URL(location.href);
  if (feature?.properties.kind === "works") address.searchParams.set("works", feature.id);
  else address.searchParams.delete("works");
  history.replaceState(null, "", address);
}

/** Make room for the map on a phone, and say when the reader's place is not found. */
export function prepareMap() {
  byId("map").addEventListener("place-unknown", () => (byId("announcements").textContent = t("map.place_unknown")));
  if (matchMedia("(max-width: 48rem)").matches) byId("legend").open = false;
}

/** Say what changed to those who do not see it; nothing of it is needed before the first change. */
export async function announce(changes) {
  announcer ??= Promise.all([import("./announce.js"), import("./changes.js")]).then(([{ Announcer }, { changesWords }]) =>
    new Announcer(byId("announcements"), changesWords));
  (await announcer).add(changes);
}
