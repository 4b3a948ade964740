/** The console of the technical services: who is in, and which part shows. */
import { ask, Refused } from "./doors.js";
import { byId } from "./element.js";
import { t, url } from "./page.js";
import { openReports } from "./staff-reports.js";
import { openSources } from "./staff-sources.js";
import { openWorks } from "./staff-works.js";

const OPEN = { works: openWorks, reports: openReports, sources: openSources };
const ROLES = new Set(["staff", "moderator", "admin"]);

byId("login").addEventListener("submit", logIn);
byId("logout").addEventListener("click", logOut);
addEventListener("hashchange", () => byId("console").hidden || showTab());
enter();

async function enter() {
  const me = await ask("/v1/me").catch(() => null);
  const inside = ROLES.has(me?.role);
  byId("login").hidden = inside;
  byId("console").hidden = !inside;
  if (!inside) return byId("key").focus();
  byId("who").textContent = me.name;
  const next = new URL(location.href).searchParams.get("next");
  // Only a path of this service: a link must not lead staff elsewhere after they log in.
  if (next && /^\/(?![/\\])/.test(next)) location.replace(next);
  else showTab();
}

async function logIn(event) {
  event.preventDefault();
  const error = byId("key-error");
  error.hidden = true;
  try {
    await ask("/staff/login", { method: "POST", body: { key: byId("key").value.trim() } });
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused;
    error.textContent = refused.status === 401 ? t("staff.key_bad") : refused.message;
    error.hidden = false;
    return byId("key").focus();
  }
  byId("key").value = "";
  enter();
}

async function logOut() {
  await ask("/staff/logout", { method: "POST" });
  location.assign(url("/staff"));
}

function showTab() {
  const name = location.hash.slice(1) in OPEN ? location.hash.slice(1) : "works";
  for (const section of document.querySelectorAll("[data-section]")) section.hidden = section.dataset.section !== name;
  for (const tab of document.querySelectorAll("[data-tab]")) {
    if (tab.dataset.tab === name) tab.setAttribute("aria-current", "page");
    else tab.removeAttribute("aria-current");
  }
  OPEN[name]();
}
