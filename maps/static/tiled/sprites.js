/** The shapes of severities on a canvas: the same drawings and colours as everywhere on the pages. */
import { colours } from "../ground.js";
import { url } from "../page.js";

const VIEW = 24; // units of a shape's side
const EDGE = 3; // pixels around it for its outline and shadow

/** @type {Map<string, {outline: Path2D, sign: Path2D | null}>} */
const shapes = new Map();
const sprites = new Map();

/** Read the drawings; until then nothing can be drawn. */
export async function loadShapes() {
  const answer = await fetch(url("/static/shapes.svg"));
  const drawing = new DOMParser().parseFromString(await answer.text(), "image/svg+xml");
  for (const symbol of drawing.querySelectorAll("symbol")) {
    const path = (name) => symbol.querySelector(`.${name}`)?.getAttribute("d");
    const sign = path("sign");
    shapes.set(symbol.id, { outline: new Path2D(path("outline")), sign: sign ? new Path2D(sign) : null });
  }
}

/** Forget what was drawn, as the colours have changed. */
export const forgetSprites = () => sprites.clear();

/**
 * Draw a shape in the middle of a place.
 * @param {CanvasRenderingContext2D} pen
 * @param {{name: string, status?: string}} look planned works are drawn hollow, paused ones pale
 * @param {number[]} at
 * @param {number} size pixels
 */
export function stamp(pen, { name, status = "" }, [x, y], size) {
  const scale = globalThis.devicePixelRatio || 1;
  const key = [name, status, size, scale].join();
  if (!sprites.has(key)) sprites.set(key, draw(name, status, size, scale));
  const side = size + 2 * EDGE;
  pen.drawImage(sprites.get(key), x - side / 2, y - side / 2, side, side);
}

function draw(name, status, size, scale) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = Math.ceil((size + 2 * EDGE) * scale);
  const drawing = shapes.get(name);
  if (!drawing) return canvas;
  const pen = canvas.getContext("2d");
  const { fill, line, width, sign } = lookOf(name, status);
  pen.scale(scale, scale);
  pen.translate(EDGE, EDGE);
  pen.scale(size / VIEW, size / VIEW);
  pen.globalAlpha = status === "paused" ? 0.75 : 1;
  Object.assign(pen, { lineWidth: width, lineJoin: "round", strokeStyle: line, fillStyle: fill });
  Object.assign(pen, { shadowColor: "rgb(0 0 0 / 45%)", shadowBlur: 2 * scale, shadowOffsetY: scale });
  pen.stroke(drawing.outline);
  pen.shadowColor = "transparent";
  pen.fill(drawing.outline);
  pen.fillStyle = sign;
  if (drawing.sign) pen.fill(drawing.sign);
  return canvas;
}

/** As the stylesheet says of `.shape-*` and `.is-*`. */
function lookOf(name, status) {
  const colour = colours();
  const own = colour(name === "report" ? "report" : `severity-${name}`);
  if (name === "none") return { fill: colour("halo"), line: own, width: 3, sign: own };
  if (status === "planned") return { fill: colour("halo"), line: own, width: 2.6, sign: own };
  return { fill: own, line: colour("halo"), width: 1.6, sign: colour("sign") };
}
