/** Whether works are on at a moment: by their state until it changes, by their timetable after. */

const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const DAY_MINUTES = 1440;

/** @typedef {(at: Date) => {year: number, month: number, day: number, hour: number, minute: number}} Wall the town's clock */

/**
 * Whether works are on at a moment.
 * @param {any} properties those of a works
 * @param {Date} at
 * @param {Wall} wall
 */
export function isInForce({ status, schedule, next_transition: next }, at, wall) {
  if (status === "completed" || status === "cancelled") return false;
  if (!next || at < new Date(next)) return status === "active";
  const [start, end] = [schedule.actual_start ?? schedule.start, schedule.actual_end ?? schedule.end];
  if (at < new Date(start) || (end && at >= new Date(end))) return false;
  // Public holidays are known to the service alone, which tells of the works again when one changes them.
  return !schedule.windows.length || schedule.windows.some((window) => isWithin(window, wall(at)));
}

/** Return the first moment from `at` on at which works are on, within a week; null when there is none. */
export function nextForce(properties, at, wall) {
  if (isInForce(properties, at, wall)) return at;
  const { next_transition: next, schedule } = properties;
  const known = [next, schedule.actual_start ?? schedule.start].filter(Boolean).map((text) => new Date(text));
  const sure = known.find((moment) => moment > at && isInForce(properties, moment, wall));
  if (sure) return sure;
  const quarter = 900_000;
  const first = Math.ceil(at.getTime() / quarter) * quarter;
  for (let moment = first; moment < first + 7 * 96 * quarter; moment += quarter) {
    if (isInForce(properties, new Date(moment), wall)) return new Date(moment);
  }
  return null;
}

/** Whether a local time is in a window; a night belongs to the day it starts. */
function isWithin(window, { year, month, day, hour, minute }) {
  const [from, to] = [window.from, window.to].map(minutesOf);
  const now = hour * 60 + minute;
  const today = Date.UTC(year, month - 1, day);
  const begins = (date) => {
    const said = new Date(date);
    return window.days.includes(DAYS[said.getUTCDay()]) && !(window.except ?? []).includes(said.toISOString().slice(0, 10));
  };
  if (to > from) return begins(today) && now >= from && now < to;
  return (begins(today) && now >= from) || (begins(today - DAY_MINUTES * 60_000) && now < to);
}

function minutesOf(text) {
  const [hour, minute] = text.split(":").map(Number);
  return hour * 60 + minute;
}
