/** Severity as a shape and a colour, so that it is seen without telling colours apart. The style gives the colour. */

import { url } from "./page.js";

const SVG = "http://www.w3.org/2000/svg";

const LEVEL_SHAPES = { free: "none", light: "low", disturbed: "medium", heavy: "high", blocked: "blocked" };

/**
 * Draw the shape of a severity, a zone level's or a report's; hidden from screen readers, for words stand beside it.
 * @param {string} name
 * @param {string} [status] planned works are drawn hollow, paused ones pale
 */
export function shape(name, status = "") {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", `shape shape-${name}${status ? ` is-${status}` : ""}`);
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `${url("/static/shapes.svg")}#${name}`);
  svg.append(use);
  return svg;
}

/** Draw the shape that stands for a feature. */
export function shapeOf({ properties }) {
  if (properties.kind === "report") return shape("report");
  if (properties.kind === "zone") return shape(LEVEL_SHAPES[properties.level]);
  return shape(properties.severity, properties.status);
}
