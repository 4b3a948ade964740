/** The list of what lies ahead, nearest first; it changes in place and never jumps under the reader. */
import { el } from "../element.js";

const MOST = 80;

/** @typedef {{lines: (Node | string)[][] , sign: string}} Shown */

export class EventList {
  #section;
  #list;
  #select;
  #items = new Map();

  /**
   * @param {HTMLElement} section
   * @param {(key: string) => void} select
   */
  constructor(section, select) {
    this.#section = section;
    this.#list = section.querySelector("ol");
    this.#select = select;
  }

  /**
   * Show exactly these entries.
   * @param {import("./entries.js").Entry[]} entries
   * @param {(entry: import("./entries.js").Entry) => {sign: string, nodes: () => Node[]}} card what an entry shows;
   *   nothing is built anew as long as `sign` is the same
   */
  show(entries, card) {
    this.#section.querySelector(".count").textContent = String(entries.length);
    this.#section.querySelector(".empty").hidden = entries.length > 0;
    const shown = entries.slice(0, MOST);
    const keys = new Set(shown.map(({ key }) => key));
    for (const item of [...this.#list.children]) if (!keys.has(item.dataset.key)) this.#drop(item);
    let next = this.#list.firstElementChild;
    for (const entry of shown) {
      const item = this.#item(entry, card(entry));
      if (item === next) next = next.nextElementSibling;
      else this.#list.insertBefore(item, next);
    }
  }

  /** Give the keyboard back to an entry; false when the list no longer has it. */
  focus(key) {
    const known = this.#items.get(key);
    known?.button.focus();
    return Boolean(known);
  }

  #item(entry, { sign, nodes }) {
    const known = this.#items.get(entry.key) ?? this.#make(entry.key);
    if (known.sign !== sign) {
      known.sign = sign;
      known.item.className = `mark-${entry.mark}`;
      known.button.replaceChildren(...nodes());
    }
    return known.item;
  }

  #make(key) {
    const button = el("button", { type: "button", class: "card", onclick: () => this.#select(key) });
    const made = { sign: "", button, item: el("li", { "data-key": key }, button) };
    this.#items.set(key, made);
    return made;
  }

  #drop(item) {
    // Focus must not fall off the page with what it was on.
    if (item.contains(document.activeElement)) (item.nextElementSibling ?? item.previousElementSibling)?.firstChild.focus();
    this.#items.delete(item.dataset.key);
    item.remove();
  }
}
