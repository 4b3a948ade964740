/** The map of a journey: what lies on it, the route, and where the driver is. */
import { colours } from "../ground.js";
import { LiveMap } from "../map.js";

const L = globalThis.L;
const NEAR_ZOOM = 15;

export class JourneyMap extends LiveMap {
  #way = null;
  #me = null;

  /** Show a route, or none; the view is moved so that it all shows. @param {[number, number][] | null} line lon/lat */
  showWay(line) {
    this.#way?.remove();
    this.#way = line && L.polyline(line.map(turned), { color: colours()("accent"), weight: 7, opacity: 0.45, interactive: false }).addTo(this.ground);
    this.#way?.bringToBack();
    this.ground.invalidateSize({ animate: false }); // it may just have come to sight
    if (this.#way) this.ground.fitBounds(this.#way.getBounds(), { padding: [30, 30], maxZoom: 17, animate: false });
  }

  /** Show where the driver is, and go along. @param {[number, number] | null} at @param {{follow: boolean}} how */
  showMe(at, { follow }) {
    if (!at) {
      this.#me?.remove();
      this.#me = null;
      return;
    }
    this.#me ??= L.circleMarker(turned(at), { radius: 10, weight: 4, color: "#fff", fillOpacity: 1, interactive: false, className: "me" }).addTo(this.ground);
    this.#me.setLatLng(turned(at)).setStyle({ fillColor: colours()("accent") }).bringToFront();
    if (follow) this.ground.setView(turned(at), Math.max(NEAR_ZOOM, this.ground.getZoom()), { animate: false });
  }
}

const turned = ([lon, lat]) => [lat, lon];
