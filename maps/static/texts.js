/** The words of a page, as `maps/texts/*.json` holds them. */

/**
 * @callback Say
 * @param {string} name dotted name of a text
 * @param {Record<string, string | number>} [values] what its `{values}` become
 * @returns {string}
 */

/**
 * Return the function that says texts; `count` chooses between `one` and `other`.
 * @param {Record<string, any>} texts sections of texts
 * @param {string} language
 * @returns {Say}
 */
export function speaker(texts, language) {
  const plurals = new Intl.PluralRules(language);
  return (name, values = {}) => {
    let found = name.split(".").reduce((part, key) => part?.[key], texts);
    if (typeof found === "object") found = found[plurals.select(Number(values.count))] ?? found.other;
    if (found === undefined) throw new Error(`no text named ${name}`);
    return found.replace(/\{(\w+)\}/g, (_, key) => String(values[key]));
  };
}
