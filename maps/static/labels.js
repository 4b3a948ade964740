/** The names of zones on a map: where no marker hides them, and none where there is no room for it. */
import { anchor, outline } from "./model.js";
import { boxAround, roomWithin, settle } from "./room.js";

const L = globalThis.L;
const FORMS = ["full", "brief", "broken"];
const MOST_HIDDEN = 0.25;

export class ZoneLabels {
  #map;
  #labels = new Map();

  /** @param {any} map */
  constructor(map) {
    this.#map = map;
    const pane = map.createPane("labels");
    pane.style.zIndex = "360";
    pane.style.pointerEvents = "none";
    // Screen readers find the names in the list.
    pane.setAttribute("aria-hidden", "true");
  }

  /** Name a zone, with a few words under its name. */
  put(id, { geometry, properties }, words = "") {
    this.remove(id);
    const name = document.createElement("b");
    name.textContent = properties.name;
    const element = document.createElement("span");
    element.className = "zone-label hidden";
    element.append(name, words);
    const icon = L.divIcon({ className: "zone-place", html: element, iconSize: [0, 0] });
    const marker = L.marker(turned(anchor(geometry)), { icon, pane: "labels", interactive: false, keyboard: false }).addTo(this.#map);
    const ring = outline(geometry).map(turned);
    this.#labels.set(id, { element, marker, ring, middle: marker.getLatLng(), bounds: L.latLngBounds(ring), sizes: null });
  }

  /** Take a zone's name away. */
  remove(id) {
    this.#labels.get(id)?.marker.remove();
    this.#labels.delete(id);
  }

  /** Keep the names in place while the map moves, where nothing but names stands in their way. */
  keepArranged() {
    this.#map.on("moveend", () => this.arrange());
    this.arrange();
  }

  /**
   * Put every name that is in view where it can be read.
   * @param {import("./room.js").Box[]} [taken] where markers stand, in layer points
   */
  arrange(taken = []) {
    const view = this.#map.getBounds();
    const seen = [...this.#labels.values()].filter(({ bounds }) => view.intersects(bounds));
    const rooms = seen.map((label) => this.#roomFor(label));
    const chosen = settle(rooms.map((places) => places.map(({ box }) => box)), { taken, most: MOST_HIDDEN });
    seen.forEach(({ element, marker }, index) => {
      const place = rooms[index][chosen[index]];
      element.classList.toggle("hidden", !place);
      if (!place) return;
      show(element, place.form);
      marker.setLatLng(this.#map.layerPointToLatLng(place.at));
    });
  }

  /** Return where a name can stand: with its words if it may, else alone, else broken into lines. */
  #roomFor(label) {
    label.sizes ??= FORMS.map((form) => measure(label.element, form));
    const [ring, [middle]] = [label.ring, [label.middle]].map((points) => points.map((at) => this.#pixels(at)));
    return FORMS.flatMap((form, index) => roomWithin(ring, middle, ...label.sizes[index]).map((at) =>
      ({ form, at, box: boxAround(at, ...label.sizes[index]) })));
  }

  #pixels(at) {
    const { x, y } = this.#map.latLngToLayerPoint(at);
    return [x, y];
  }
}

const turned = ([lon, lat]) => [lat, lon];

function show(element, form) {
  for (const name of FORMS) element.classList.toggle(name, name === form);
}

/** Measure a label in a form; hidden ones keep their size. */
function measure(element, form) {
  show(element, form);
  return /** @type {[number, number]} */ ([element.offsetWidth, element.offsetHeight]);
}
