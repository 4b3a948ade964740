/** The list beside the map: it says the same as the map, in order of reading, and never jumps under the reader. */
import { el } from "./element.js";
import { inReadingOrder, isOver, keyOf } from "./model.js";
import { t } from "./page.js";
import { shapeOf } from "./shapes.js";
import { placeOf, stateOf, timeOf, titleOf } from "./words.js";

const PAGE = 60;

export class FeatureList {
  #sections;
  #select;
  #zoneName;
  #shown = { works: PAGE, report: PAGE, zone: PAGE };
  #items = new Map();
  #features = [];

  /**
   * @param {Record<"works" | "report" | "zone", HTMLElement>} sections
   * @param {(key: string) => void} select
   * @param {(id: string) => string} zoneName
   */
  constructor(sections, select, zoneName) {
    this.#sections = sections;
    this.#select = select;
    this.#zoneName = zoneName;
    for (const [kind, section] of Object.entries(sections)) {
      section.querySelector(".more").addEventListener("click", () => this.#more(kind));
    }
  }

  /** Show exactly these features; the keys in `fresh` have just changed. */
  show(features, fresh = new Set()) {
    this.#features = features;
    for (const kind of Object.keys(this.#sections)) {
      this.#fill(kind, features.filter(({ properties }) => properties.kind === kind).sort(inReadingOrder), fresh);
    }
  }

  /** Mark the item of one feature as the one whose details show. */
  mark(key) {
    for (const [name, { button }] of this.#items) {
      if (name === key) button.setAttribute("aria-current", "true");
      else button.removeAttribute("aria-current");
    }
  }

  /** Give the keyboard back to the item of a feature; false when the list no longer has it. */
  focus(key) {
    const item = this.#items.get(key);
    item?.button.focus();
    return Boolean(item);
  }

  #more(kind) {
    this.#shown[kind] += PAGE;
    const before = this.#sections[kind].querySelectorAll("li").length;
    this.show(this.#features);
    this.#sections[kind].querySelectorAll("li button")[before]?.focus();
  }

  #fill(kind, features, fresh) {
    const section = this.#sections[kind];
    const shown = features.slice(0, this.#shown[kind]);
    section.querySelector(".count").textContent = String(features.length);
    section.querySelector(".more").hidden = shown.length === features.length;
    section.querySelector(".empty").hidden = features.length > 0;
    this.#place(section.querySelector("ul"), shown, fresh);
  }

  #place(list, features, fresh) {
    const keys = new Set(features.map(keyOf));
    for (const item of [...list.children]) if (!keys.has(item.dataset.key)) this.#drop(item);
    let next = list.firstElementChild;
    for (const feature of features) {
      const item = this.#item(feature, fresh);
      if (item === next) next = next.nextElementSibling;
      else list.insertBefore(item, next);
    }
  }

  #drop(item) {
    // Focus must not fall off the page with what it was on.
    if (item.contains(document.activeElement)) (item.nextElementSibling ?? item.previousElementSibling)?.firstChild.focus();
    this.#items.delete(item.dataset.key);
    item.remove();
  }

  #item(feature, fresh) {
    const key = keyOf(feature);
    const known = this.#items.get(key);
    if (known?.feature === feature) return known.item;
    const button = known?.button ?? el("button", { type: "button", class: "card", onclick: () => this.#select(key) });
    const item = known?.item ?? el("li", { "data-key": key }, button);
    button.replaceChildren(...this.#lines(feature));
    if (fresh.has(key)) flash(item);
    this.#items.set(key, { feature, button, item });
    return item;
  }

  #lines(feature) {
    const place = placeOf(feature, this.#zoneName);
    const time = timeOf(feature);
    const status = feature.properties.kind === "works" ? t(`works.status.${feature.properties.status}`) : "";
    return [
      shapeOf(feature),
      el("span", { class: "card-text" },
        el("span", { class: "card-title" }, titleOf(feature)),
        place && el("span", { class: "card-place" }, place),
        el("span", { class: "card-facts" },
          el("span", { class: "state" }, stateOf(feature)),
          status && !isOver(feature) && el("span", { class: "status" }, status),
          time && el("span", { class: "time" }, time))),
    ];
  }
}

function flash(item) {
  item.classList.remove("fresh");
  requestAnimationFrame(() => item.classList.add("fresh"));
}
