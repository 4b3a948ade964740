/** The reports made on this device: their links, kept here and nowhere else. */

const NAME = "geoworks.my-reports";
const MOST = 50;

/** @returns {{url: string, category: string, created: string}[]} newest first */
export function myReports() {
  try {
    return JSON.parse(localStorage.getItem(NAME) ?? "[]");
  } catch {
    return []; // storage that is forbidden or damaged must not stop a report
  }
}

/** Keep one more. */
export function keepReport(report) {
  try {
    localStorage.setItem(NAME, JSON.stringify([report, ...myReports()].slice(0, MOST)));
  } catch {
    // A private window keeps nothing; the link itself is on the page.
  }
}
