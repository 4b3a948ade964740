/** Read all there is by plain requests, where the stream cannot pass. */
import { url } from "./page.js";

const PATIENCE_MS = 20_000;
const COLLECTIONS = ["/v1/works", "/v1/zones", "/v1/reports"];

/**
 * Return all features, or null when they cannot be had. The browser keeps the answers and asks by their tags.
 * @returns {Promise<any[] | null>}
 */
export async function readAll() {
  try {
    return (await Promise.all(COLLECTIONS.map(readOne))).flat();
  } catch {
    return null; // whatever the reason, there is nothing new to show
  }
}

async function readOne(path) {
  const answer = await fetch(url(path), { signal: AbortSignal.timeout(PATIENCE_MS) });
  if (!answer.ok) throw new Error(String(answer.status));
  return (await answer.json()).features;
}
