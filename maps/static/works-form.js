/** What the works form holds: filled from works, read as new works or as what was changed in them. */
import { byId, el } from "./element.js";
import { dates, page, t } from "./page.js";

const TEXTS = ["title", "description", "promoter", "reference"];
const IMPACT = ["vehicle_impact", "parking", "footway", "cycleway"];
const EXEMPT = ["residents", "emergency", "bus", "bicycle", "delivery"];
const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const MONDAY = Date.UTC(2024, 0, 1);

export class WorksForm {
  #form;
  #fields;
  /** What the works have that the form does not know, to be kept. */
  #works = null;
  /** What the form said before anybody wrote in it: only what differs from it was changed. */
  #before = null;

  /** @param {HTMLFormElement} form */
  constructor(form) {
    this.#form = form;
    this.#fields = form.elements;
    const day = new Intl.DateTimeFormat(page.language, { weekday: "long", timeZone: "UTC" });
    byId("days").append(...DAYS.map((name, index) => chip("days", name, day.format(MONDAY + index * 86_400_000))));
    byId("exempt").append(...EXEMPT.map((who) => chip("exempt", who, t(`works.exemption.${who}`))));
  }

  /**
   * Fill the form with works, or empty it for new ones.
   * @param {any} properties null for new works
   * @param {string} visibility
   */
  fill(properties, visibility) {
    this.#form.reset();
    this.#works = properties;
    this.#showHours(properties?.schedule.windows ?? []);
    if (properties) this.#fillFrom(properties, visibility);
    this.#before = this.all;
  }

  /** Say what keeps the form from being saved. */
  get fault() {
    const { title, start, end, from, to } = this.#fields;
    if (!title.value.trim()) return t("staff.no_title");
    if (!start.value) return t("staff.no_start");
    if (end.value && end.value <= start.value) return t("staff.end_before");
    const given = [this.#ticked("days").length > 0, Boolean(from.value), Boolean(to.value)];
    return new Set(given).size > 1 ? t("staff.no_hours") : "";
  }

  /** All that the form says, as the service takes it. */
  get all() {
    const { start, end, road_names: roads, visibility } = this.#fields;
    return {
      ...this.#values(TEXTS),
      road_names: roads.value.split(",").map((name) => name.trim()).filter(Boolean),
      schedule: { start: moment(start.value), end: moment(end.value), windows: this.#windows(), ...(this.#works ? {} : { time_zone: page.town.timeZone }) },
      impact: { ...this.#values(IMPACT), exempt: this.#ticked("exempt"), detours: this.#detours() },
      visibility: visibility.value,
    };
  }

  /** What was changed since the form was filled, as a merge patch: a source goes on giving the rest. */
  get changes() {
    return differences(this.all, this.#before);
  }

  #fillFrom({ schedule, impact, road_names: roads, ...properties }, visibility) {
    for (const name of TEXTS) this.#fields[name].value = properties[name];
    for (const name of IMPACT) this.#fields[name].value = impact[name];
    this.#fields.road_names.value = roads.join(", ");
    this.#fields.start.value = dates.field(schedule.start);
    this.#fields.end.value = schedule.end ? dates.field(schedule.end) : "";
    this.#fields.visibility.value = visibility;
    this.#fields.detour.value = impact.detours[0]?.text ?? "";
    this.#tick("exempt", impact.exempt);
  }

  #showHours(windows) {
    byId("hours").disabled = windows.length > 1;
    byId("hours-many").hidden = windows.length < 2;
    if (windows.length !== 1) return;
    const [{ days, from, to }] = windows;
    this.#tick("days", days);
    this.#fields.from.value = from;
    this.#fields.to.value = asField(to);
  }

  /** One window can be written; several are left as they are. */
  #windows() {
    const windows = this.#works?.schedule.windows ?? [];
    if (windows.length > 1) return undefined;
    const days = this.#ticked("days");
    const [from, to] = [this.#fields.from.value, this.#fields.to.value];
    return days.length ? [{ ...windows[0], days, from, to: to === asField(windows[0]?.to) ? windows[0].to : to }] : [];
  }

  /** The first detour's words; its line and the other detours stay. */
  #detours() {
    const [first, ...others] = this.#works?.impact.detours ?? [];
    const text = this.#fields.detour.value.trim();
    return text || first?.geometry ? [{ ...first, text }, ...others] : others;
  }

  #values(names) {
    return Object.fromEntries(names.map((name) => [name, this.#fields[name].value.trim()]));
  }

  #ticked(name) {
    return [...this.#fields[name]].filter((box) => box.checked).map((box) => box.value);
  }

  #tick(name, values) {
    for (const box of this.#fields[name]) box.checked = values.includes(box.value);
  }
}

const moment = (value) => (value ? dates.fromField(value) : null);

/** No field takes the end of a day as 24:00. */
const asField = (time) => (time === "24:00" ? "00:00" : time);

function chip(name, value, words) {
  return el("label", { class: "chip" }, el("input", { type: "checkbox", name, value }), el("span", {}, words));
}

/** Return the members of an object that differ from those before, within objects too; arrays differ as a whole. */
function differences(now, before) {
  const changed = Object.entries(now).map(([name, value]) => {
    if (value === null || typeof value !== "object" || Array.isArray(value)) {
      return [name, JSON.stringify(value) === JSON.stringify(before[name]) ? undefined : value];
    }
    const inner = differences(value, before[name]);
    return [name, Object.keys(inner).length ? inner : undefined];
  });
  return Object.fromEntries(changed.filter(([, value]) => value !== undefined));
}
