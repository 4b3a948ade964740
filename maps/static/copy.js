/** Copy a text; where the browser does not let pages copy, offer it selected. */

/** @param {string} text */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    prompt("", text); // no clipboard without https, or refused by the reader
    return false;
  }
}
