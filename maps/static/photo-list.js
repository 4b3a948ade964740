/** Show the photos of a report. */
import { el } from "./element.js";
import { t } from "./page.js";

/**
 * Build the row of photos; nothing when there are none.
 * @param {string[]} addresses
 */
export function photoList(addresses) {
  const photo = (address, index) =>
    el("li", {}, el("a", { href: address, target: "_blank", rel: "noopener" },
      el("img", { src: address, alt: t("reports.photo", { number: index + 1 }), loading: "lazy" })));
  return addresses.length > 0 && el("ul", { class: "plain previews" }, ...addresses.map(photo));
}
