/** Tell staff what became of what they did. */
import { Refused } from "./doors.js";
import { byId } from "./element.js";
import { t } from "./page.js";

/** Say that something went well. */
export function tell(words) {
  byId("told").classList.remove("bad");
  byId("told").textContent = words;
}

/** Say in words why the service refused; any other error is a fault of ours and goes on. */
export function wordsOf(error) {
  if (!(error instanceof Refused)) throw error;
  if (error.status === 401 || error.status === 403) return t("staff.forbidden");
  if (error.status === 412) return t("staff.stale");
  return t("staff.refused", { why: error.message });
}

/** Do something at the service and say how it went; true when it went well. */
export async function attempt(action, done) {
  // The same words again are said aloud only when they were gone in between.
  tell("");
  try {
    await action();
  } catch (error) {
    byId("told").classList.add("bad");
    byId("told").textContent = wordsOf(error);
    return false;
  }
  tell(done);
  return true;
}
