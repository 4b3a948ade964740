/** The form in which a driver says where, by what and when. */
import { byId } from "../element.js";
import { dates, now, t } from "../page.js";
import { keepChoice, USUAL_KMH } from "./choice.js";
import { isComplete } from "./question.js";

const SIZES = ["height_m", "width_m", "length_m", "weight_t"];
const SWITCHES = ["voice", "sound", "notify", "reports"];

export class Plan {
  /** @type {import("./choice.js").Choice} */
  choice;
  #form;
  #begin;

  /**
   * @param {HTMLFormElement} form
   * @param {import("./choice.js").Choice} choice what was kept
   * @param {{begin: (how: {follow: boolean}) => void, switched: (name: string, isOn: boolean) => void}} listener
   */
  constructor(form, choice, { begin, switched }) {
    this.#form = form;
    this.#begin = begin;
    this.choice = choice;
    this.#fill();
    form.addEventListener("input", ({ target }) => this.#input(target, switched));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit(event.submitter?.value === "go");
    });
  }

  /** Take a route that was drawn or imported, or zones. @param {Partial<import("./choice.js").Choice>} part */
  take(part) {
    this.choice = { ...this.choice, ...part };
    this.#error("");
    keepChoice(this.choice);
  }

  /** Set a switch without the driver: what the browser refuses is off. */
  turnOff(name) {
    this.#form.elements[name].checked = false;
    this.take({ [name]: false });
  }

  #fill() {
    const { elements } = this.#form;
    const { place, radiusM, vehicle, speedKmh } = this.choice;
    elements.place.value = place;
    elements.radius.value = String(radiusM);
    if (!elements.radius.value) elements.radius.value = "2000";
    elements.class.value = vehicle.class;
    for (const name of SIZES) elements[name].value = vehicle[name]?.toLocaleString(document.documentElement.lang, { useGrouping: false }) ?? "";
    byId("sizes").open = SIZES.some((name) => vehicle[name]);
    elements.speed.value = String(speedKmh);
    for (const name of SWITCHES) elements[name].checked = this.choice[name];
    this.#arrange();
  }

  #arrange() {
    const { place, when } = this.#form.elements;
    for (const name of ["route", "around", "zones"]) byId(`of-${name}`).hidden = place.value !== name;
    byId("main").dataset.place = place.value;
    byId("of-depart").hidden = place.value !== "route";
    byId("of-later").hidden = when.value !== "later";
  }

  #input(field, switched) {
    this.#arrange();
    if (field.name === "when" && !this.#form.elements.depart.value) this.#form.elements.depart.value = dates.field(now().toISOString());
    if (field.name === "class") this.#form.elements.speed.value = String(USUAL_KMH[field.value]);
    if (SWITCHES.includes(field.name)) switched(field.name, field.checked);
    const { choice } = this.#read();
    this.take(choice);
  }

  #submit(follow) {
    const { choice, wrong } = this.#read();
    this.take(choice);
    const missing = wrong || this.#missing();
    this.#error(missing);
    if (!missing) this.#begin({ follow: follow || this.choice.place === "around" });
  }

  #missing() {
    if (isComplete(this.choice)) return "";
    return this.choice.place === "route" ? "missing_route" : "missing_zones";
  }

  /** Read the form; what is wrong keeps its old value. */
  #read() {
    const { elements } = this.#form;
    const sizes = SIZES.map((name) => [name, numberOf(elements[name].value)]);
    const speed = numberOf(elements.speed.value);
    const isLater = elements.when.value === "later";
    const wrong = [
      [sizes.some(([, size]) => size !== null && !(size > 0)), "missing_size"],
      [!(speed >= 1 && speed <= 200), "missing_speed"],
      [elements.place.value === "route" && isLater && !elements.depart.value, "missing_depart"],
    ].find(([is]) => is)?.[1] ?? "";
    const choice = {
      place: elements.place.value, radiusM: Number(elements.radius.value), zones: this.#zones(),
      vehicle: { class: elements.class.value, ...Object.fromEntries(sizes.filter(([, size]) => size > 0)) },
      speedKmh: speed >= 1 && speed <= 200 ? speed : this.choice.speedKmh,
      depart: isLater && elements.place.value === "route" && elements.depart.value ? dates.fromField(elements.depart.value) : "",
      ...Object.fromEntries(SWITCHES.map((name) => [name, elements[name].checked])),
    };
    return { choice, wrong };
  }

  #zones() {
    const boxes = [...this.#form.querySelectorAll("[name=zone]")];
    // Until the zones are read, those chosen before stay chosen.
    return boxes.length ? boxes.filter((box) => box.checked).map((box) => box.value) : this.choice.zones;
  }

  #error(name) {
    byId("plan-error").hidden = !name;
    byId("plan-error").textContent = name ? t(`drive.${name}`) : "";
  }
}

/** Read a number the way people write it, with a comma or a point; null for nothing, NaN for no number. */
function numberOf(text) {
  const said = text.trim().replace(",", ".");
  return said ? Number(said) : null;
}
