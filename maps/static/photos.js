/** The photos of a report: kept in the page until it is sent, whatever goes wrong meanwhile. */
import { el } from "./element.js";
import { page, t } from "./page.js";

export class Photos {
  /** @type {{file: File, address: string}[]} */
  #kept = [];
  #list;
  #error;

  /**
   * @param {HTMLInputElement} input
   * @param {HTMLElement} list
   * @param {HTMLElement} error
   */
  constructor(input, list, error) {
    this.#list = list;
    this.#error = error;
    input.addEventListener("change", () => {
      this.#add([...input.files]);
      input.value = "";
    });
  }

  /** @returns {File[]} */
  get files() {
    return this.#kept.map(({ file }) => file);
  }

  #add(files) {
    const { photos: most, photoBytes } = page.limits;
    const small = files.filter((file) => file.size <= photoBytes);
    const large = files.find((file) => file.size > photoBytes);
    const room = most - this.#kept.length;
    this.#kept.push(...small.slice(0, room).map((file) => ({ file, address: URL.createObjectURL(file) })));
    const limit = Math.floor(photoBytes / 1_048_576);
    this.#complain(large ? t("report.photo_too_big", { name: large.name, limit })
      : small.length > room ? t("report.too_many_photos", { count: most }) : "");
    this.#show();
  }

  #complain(words) {
    this.#error.textContent = words;
    this.#error.hidden = !words;
  }

  #show() {
    this.#list.replaceChildren(...this.#kept.map(({ file, address }, index) => {
      const number = index + 1;
      return el("li", {},
        el("img", { src: address, alt: t("report.photo", { number, name: file.name }) }),
        el("button", { type: "button", "aria-label": t("report.remove_photo", { number }), onclick: () => this.#remove(index) }, "×"));
    }));
  }

  #remove(index) {
    URL.revokeObjectURL(this.#kept[index].address);
    this.#kept.splice(index, 1);
    this.#complain("");
    this.#show();
    (this.#list.querySelector("button") ?? document.getElementById("photos")).focus();
  }
}
