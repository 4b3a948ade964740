/** Ask the service: JSON in and out, with a limit on the wait and words for what goes wrong. */
import { t, url } from "./page.js";

const PATIENCE_MS = 30_000;

/** An answer that is no success; `problem` is the service's own account of it (RFC 9457). */
export class Refused extends Error {
  /**
   * @param {number} status
   * @param {any} problem
   */
  constructor(status, problem) {
    super(problem?.detail ?? problem?.title ?? t("common.failed"));
    this.status = status;
    this.problem = problem;
  }
}

/** Return a key nobody can guess, for a request that may be sent again and must count once. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(18));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_");
}

/**
 * Ask a door and return what it says.
 * @param {string} path
 * @param {{method?: string, body?: any, headers?: Record<string, string>, signal?: AbortSignal}} [asked]
 *   a plain object as body is sent as JSON
 * @returns {Promise<any>}
 * @throws {Refused} also when there is no connection (status 0)
 */
export async function ask(path, { method = "GET", body, headers = {}, signal } = {}) {
  const json = body !== undefined && !(body instanceof FormData);
  const signals = [AbortSignal.timeout(PATIENCE_MS), ...(signal ? [signal] : [])];
  let answer;
  try {
    answer = await fetch(url(path), {
      method,
      body: json ? JSON.stringify(body) : body,
      headers: { Accept: "application/json", ...(json ? { "Content-Type": "application/json" } : {}), ...headers },
      signal: AbortSignal.any(signals),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Refused(0, { detail: t("common.offline") });
  }
  const said = await answer.json().catch(() => null);
  if (!answer.ok) throw new Refused(answer.status, said);
  return said;
}
