/** The markers of works and reports on one canvas over the map; many are gathered, with the worst shape and their number. */
import { colours } from "../ground.js";
import { keyOf, rank, SEVERITIES } from "../model.js";
import { boxAround, settle } from "../room.js";
import { gather } from "./plane.js";
import { stamp } from "./sprites.js";

const L = globalThis.L;
const SQUARE = 84;
const ROOM = [32, 14];
const BEYOND = 160; // pixels drawn on each side of the view, to be seen while it is moved
const FAR_ZOOM = 14; // below this markers are drawn smaller
const REACH = 22; // pixels around a marker that belong to it

export class Pins {
  #map;
  #canvas = L.DomUtil.create("canvas", "leaflet-zoom-hide");
  #corner = L.point(0, 0);
  #groups = [];

  /** @param {any} map with a pane `pins` */
  constructor(map) {
    this.#map = map;
    map.getPane("pins").append(this.#canvas);
  }

  /**
   * Draw markers where they hide each other least; return the room they take, in layer points.
   * @param {{feature: any, spots: any[]}[]} pins with the places each may take (LatLng), best first
   * @param {{chosen: string, areMany: boolean}} how the key of what is drawn larger; whether to gather them
   */
  draw(pins, { chosen, areMany }) {
    const pen = this.#clear();
    const size = this.#map.getZoom() < FAR_ZOOM ? 20 : 27;
    const seen = pins.map((pin) => this.#place(pin)).filter(({ places: [at] }) => this.#isNear(at));
    this.#groups = areMany ? this.#gathered(seen) : settled(seen, size);
    // The worst last, so that it lies on top.
    for (const group of [...this.#groups].sort((one, other) => one.rank - other.rank)) {
      if (group.pins.length > 1) this.#drawGroup(pen, group);
      else stamp(pen, lookOf(group.pins[0].feature), this.#onCanvas(group.at), keyOf(group.pins[0].feature) === chosen ? 38 : size);
    }
    return this.#groups.map(({ at }) => boxAround(at, size, size));
  }

  /** Return what stands at a place: the features of the marker that is nearest, none if none is in reach. */
  under(point) {
    const near = this.#groups.map(({ at, pins }) => ({ pins, away: Math.hypot(at[0] - point.x, at[1] - point.y) }));
    const [nearest] = near.filter(({ away }) => away <= REACH).sort((one, other) => one.away - other.away);
    return (nearest?.pins ?? []).map(({ feature }) => feature);
  }

  #place({ feature, spots }) {
    const places = spots.map((spot) => this.#map.latLngToLayerPoint(spot)).map(({ x, y }) => [x, y]);
    return { feature, places, rank: rank(feature) };
  }

  #clear() {
    const [size, scale] = [this.#map.getSize().add([2 * BEYOND, 2 * BEYOND]), globalThis.devicePixelRatio || 1];
    this.#corner = this.#map.containerPointToLayerPoint([-BEYOND, -BEYOND]);
    L.DomUtil.setPosition(this.#canvas, this.#corner);
    Object.assign(this.#canvas, { width: size.x * scale, height: size.y * scale });
    Object.assign(this.#canvas.style, { width: `${size.x}px`, height: `${size.y}px` });
    const pen = this.#canvas.getContext("2d");
    pen.scale(scale, scale);
    return pen;
  }

  #onCanvas([x, y]) {
    return [x - this.#corner.x, y - this.#corner.y];
  }

  #isNear(at) {
    const [x, y] = this.#onCanvas(at);
    const { x: width, y: height } = this.#map.getSize();
    return x > 0 && y > 0 && x < width + 2 * BEYOND && y < height + 2 * BEYOND;
  }

  /** Gather by squares of the world, so that a group stays what it is while the map is moved. */
  #gathered(seen) {
    const origin = this.#map.getPixelOrigin();
    const onWorld = seen.map((pin) => ({ ...pin, at: [pin.places[0][0] + origin.x, pin.places[0][1] + origin.y] }));
    return gather(onWorld, SQUARE, ROOM).map((group) => ({ ...group, at: [group.at[0] - origin.x, group.at[1] - origin.y] }));
  }

  #drawGroup(pen, group) {
    const colour = colours();
    const words = String(group.pins.length);
    pen.font = `700 13.6px ${getComputedStyle(document.body).fontFamily}`;
    const [x, y] = this.#onCanvas(group.at);
    const width = 35 + pen.measureText(words).width;
    pen.save();
    Object.assign(pen, { shadowColor: "rgb(0 0 0 / 35%)", shadowBlur: 6, shadowOffsetY: 1.5, fillStyle: colour("surface") });
    pen.beginPath();
    pen.roundRect(x - width / 2, y - 13, width, 26, 13);
    pen.fill();
    pen.restore();
    stamp(pen, { name: SEVERITIES[group.rank] }, [x - width / 2 + 15, y], 17);
    Object.assign(pen, { fillStyle: colour("ink"), textBaseline: "middle", textAlign: "start" });
    pen.fillText(words, x - width / 2 + 27, y + 1);
  }
}

function settled(pins, size) {
  // What cannot move stands first, then what hinders most.
  const sorted = [...pins].sort((one, other) => one.places.length - other.places.length || other.rank - one.rank);
  const boxes = sorted.map(({ places }) => places.map((at) => boxAround(at, size - 3, size - 3)));
  return settle(boxes).map((best, index) => ({ at: sorted[index].places[best], rank: sorted[index].rank, pins: [sorted[index]] }));
}

function lookOf({ properties }) {
  return properties.kind === "report" ? { name: "report" } : { name: properties.severity, status: properties.status };
}
