/** Dates said the way people say them, in the town's time: "jusqu’à vendredi 17 h". */

const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const DAY_MS = 86_400_000;

export class Dates {
  #t;
  #now;
  #language;
  #parts;
  #timeZone;

  /** @param {{language: string, timeZone: string, t: import("./texts.js").Say, now: () => Date}} setting */
  constructor({ language, timeZone, t, now }) {
    this.#t = t;
    this.#now = now;
    this.#language = language;
    this.#timeZone = timeZone;
    this.#parts = new Intl.DateTimeFormat("en-GB", {
      timeZone, year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", hourCycle: "h23",
    });
  }

  /** Say when a schedule is on: what a reader wants first. */
  schedule(schedule, status) {
    const end = schedule.actual_end ?? schedule.end;
    if (status === "cancelled") return this.#t("dates.cancelled");
    if (status === "completed") return this.#ended(new Date(end));
    const until = end ? this.until(new Date(end)) : this.#t("dates.no_end");
    if (status !== "planned") return until;
    return `${this.from(new Date(schedule.actual_start ?? schedule.start))}, ${until}`;
  }

  /** Say an end; a midnight is the whole day before it. */
  until(end) {
    return this.#bound("until", this.#isMidnight(end) ? new Date(end.getTime() - 1) : end, this.#isMidnight(end));
  }

  /** Say a start; a midnight is the whole day. */
  from(start) {
    return this.#bound("from", start, this.#isMidnight(start));
  }

  /** Say what comes next of a works with windows: it pauses, it resumes. */
  next(transition, status) {
    if (!transition || (status !== "active" && status !== "paused")) return "";
    const at = new Date(transition);
    return this.#t(status === "active" ? "dates.pauses" : "dates.resumes", { moment: this.moment(at) });
  }

  /** Say a moment: "demain à 8 h". */
  moment(at) {
    return this.#t("dates.moment", { day: this.day(at), hour: this.hour(at) });
  }

  /** Say a day: today, tomorrow, the day of the week within six days, else the date. */
  day(at) {
    const distance = this.#distance(at);
    const near = { "-1": "yesterday", 0: "today", 1: "tomorrow" }[distance];
    if (near) return this.#t(`dates.${near}`);
    if (distance > 1 && distance < 7) return this.#format(at, { weekday: "long" });
    return this.#date(at);
  }

  #date(at) {
    const sameYear = this.#local(at).year === this.#local(this.#now()).year;
    const said = this.#format(at, { day: "numeric", month: "long", ...(sameYear ? {} : { year: "numeric" }) });
    return this.#language === "fr" ? said.replace(/^1 /, "1er ") : said;
  }

  /** Say an hour: "17 h", "17 h 30"; "5 pm", "5:30 pm". */
  hour(at) {
    const { hour, minute } = this.#local(at);
    return this.#clock(hour, minute);
  }

  /** Say a recurring window: "la nuit de 21 h à 6 h, du lundi au vendredi". */
  window(window) {
    const excluded = (window.except ?? []).map((date) => this.#t("dates.on_date", { day: this.#date(this.#noon(date)) }));
    return [
      this.#hours(window),
      this.#weekdays(window.days),
      excluded.length ? this.#t("dates.except", { days: this.#list(excluded) }) : "",
      window.holidays === "skip" ? this.#t("dates.holidays") : "",
    ].filter(Boolean).join(", ");
  }

  /** Return what the town's clock shows at a moment. */
  wall(at) {
    return this.#local(at);
  }

  /** Say how long ago: "il y a 3 minutes". */
  ago(at) {
    const seconds = Math.max(0, (this.#now().getTime() - at.getTime()) / 1000);
    const [size, unit] = seconds < 3600 ? [60, "minute"] : seconds < 86_400 ? [3600, "hour"] : [86_400, "day"];
    if (seconds < 60) return this.#t("dates.just_now");
    return new Intl.RelativeTimeFormat(this.#language, { numeric: "always" }).format(-Math.round(seconds / size), unit);
  }

  /** Return the moment at which a local date (`2026-11-24`) begins, or the day after it with `after`. */
  startOf(date, { after = false } = {}) {
    const [year, month, day] = date.split("-").map(Number);
    return this.#atLocal(Date.UTC(year, month - 1, day + (after ? 1 : 0)));
  }

  /** Return a moment as a `datetime-local` field holds it. */
  field(text) {
    const { year, month, day, hour, minute } = this.#local(new Date(text));
    const [M, D, h, m] = [month, day, hour, minute].map((part) => String(part).padStart(2, "0"));
    return `${year}-${M}-${D}T${h}:${m}`;
  }

  /** Return the moment a `datetime-local` field says, in ISO 8601. */
  fromField(value) {
    return this.#atLocal(Date.parse(`${value}Z`)).toISOString();
  }

  /** Return the moment whose local clock shows what the UTC clock shows at `wall` (twice: offsets change overnight). */
  #atLocal(wall) {
    const shift = (at) => {
      const { year, month, day, hour, minute } = this.#local(new Date(at));
      return Date.UTC(year, month - 1, day, hour, minute) - at;
    };
    return new Date(wall - shift(wall - shift(wall)));
  }

  #ended(end) {
    const near = Math.abs(this.#distance(end)) < 2;
    return this.#t(near ? "dates.completed" : "dates.completed_date", { day: this.day(end) });
  }

  #bound(name, at, whole) {
    const distance = this.#distance(at);
    const nearness = distance === 0 ? "today" : distance === 1 || (distance > 1 && distance < 7) ? "near" : "far";
    return this.#t(`dates.${name}_${nearness}${whole ? "" : "_hour"}`, { day: this.day(at), hour: this.hour(at) });
  }

  #hours({ from, to }) {
    const [start, end] = [from, to].map((text) => text.split(":").map(Number));
    const [first, last] = [start, end].map(([hour, minute]) => hour * 60 + minute);
    if (last - first === 1440 || first === last) return this.#t("dates.all_day");
    const name = last < first ? "dates.by_night" : "dates.by_day";
    return this.#t(name, { from: this.#clock(...start), to: this.#clock(...end) });
  }

  #weekdays(days) {
    const order = DAYS.filter((day) => days.includes(day));
    if (order.length === 7) return this.#t("dates.every_day");
    if (order.join() === "sat,sun") return this.#t("dates.weekend");
    const run = DAYS.indexOf(order.at(-1)) - DAYS.indexOf(order[0]) === order.length - 1;
    const names = order.map((day) => this.#weekday(day));
    if (order.length > 2 && run) return this.#t("dates.day_range", { from: names[0], to: names.at(-1) });
    return this.#t("dates.on_days", { days: this.#list(names) });
  }

  #weekday(day) {
    const monday = Date.UTC(2024, 0, 1); // a Monday
    const at = new Date(monday + DAYS.indexOf(day) * DAY_MS);
    return new Intl.DateTimeFormat(this.#language, { weekday: "long", timeZone: "UTC" }).format(at);
  }

  #clock(hour, minute) {
    if (this.#language === "fr") return `${hour % 24}\u00a0h${minute ? `\u00a0${String(minute).padStart(2, "0")}` : ""}`;
    const twelve = hour % 12 || 12;
    return `${twelve}${minute ? `:${String(minute).padStart(2, "0")}` : ""}\u00a0${hour % 24 < 12 ? "am" : "pm"}`;
  }

  #list(words) {
    return new Intl.ListFormat(this.#language).format(words);
  }

  #format(at, options) {
    const locale = this.#language === "en" ? "en-GB" : this.#language;
    return new Intl.DateTimeFormat(locale, { ...options, timeZone: this.#timeZone }).format(at);
  }

  #noon(date) {
    return new Date(this.startOf(date).getTime() + DAY_MS / 2);
  }

  #isMidnight(at) {
    const { hour, minute } = this.#local(at);
    return hour === 0 && minute === 0;
  }

  /** Local days from now to a moment. */
  #distance(at) {
    const [one, other] = [at, this.#now()].map((moment) => {
      const { year, month, day } = this.#local(moment);
      return Date.UTC(year, month - 1, day);
    });
    return (one - other) / DAY_MS;
  }

  #local(at) {
    return Object.fromEntries(this.#parts.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
  }
}
