/** Say the limits that stop a vehicle: "hauteur limitée à 3,5 m". */

/**
 * @param {{type: string, value?: number | null, unit?: string | null}[]} restrictions
 * @param {import("../texts.js").Say} t
 * @param {string} language
 * @returns {string[]}
 */
export function effectiveStops(restrictions, t, language) {
  return restrictions.map(({ type, value, unit }) => {
    const name = t(`works.restriction.${type}`);
    return value === null || value === undefined ? name : t("works.limit", { name, value: value.toLocaleString(language), unit: unit ?? "" }).replace(/ (\S+)$/, "\u00a0$1");
  });
}
