/** What the server tells a page in its data block, and the words and addresses made of it. */
import { Dates } from "./dates.js";
import { speaker } from "./texts.js";

/** @type {any} */
export const page = JSON.parse(document.getElementById("page-data").textContent);

export const t = speaker(page.texts, page.language);

// The service's clock may run apart from the reader's (a wrong phone, a town shown at another date).
const ahead = Date.parse(page.now) - Date.now();

/** Return the service's present moment. */
export const now = () => new Date(Date.now() + ahead);

export const dates = new Dates({ language: page.language, timeZone: page.town.timeZone, t, now });

/** Return the address of a path of the service. */
export const url = (path) => page.base + path;
