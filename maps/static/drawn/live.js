/** The live works of a town as a Leaflet layer: whoever has the map gets the works as they come, move and go. */
import { GeoworksStream } from "../geoworks-client.js";

const L = globalThis.L;
const COLOURS = { none: "#8796a0", low: "#2f86c5", medium: "#f0ab00", high: "#e0521a", blocked: "#7d0f3c" };

/**
 * Follow a town and return the layer of its works.
 * @param {{stream: string, area: object, words: {status: object, severity: object, cut: string}}} setup
 */
export function follow({ stream, area, words }) {
  const group = L.featureGroup();
  const drawn = new Map();
  let cut = false;
  const note = L.control({ position: "bottomleft" });
  note.onAdd = () => {
    const box = line("div", words.cut);
    box.setAttribute("role", "status");
    box.style.cssText = "padding: 4px 10px; background: #fff; color: #14232b; border-radius: 4px";
    return box;
  };

  function changed(changes) {
    for (const { key, feature } of changes) {
      if (drawn.has(key)) group.removeLayer(drawn.get(key));
      drawn.delete(key);
      if (!feature) continue;
      const layer = L.geoJSON(feature, { style, pointToLayer: (_, at) => L.circleMarker(at, { radius: 6 }) });
      drawn.set(key, layer.bindPopup(() => popup(feature.properties)));
      group.addLayer(layer);
    }
  }

  function style({ properties: { severity, status } }) {
    return { color: COLOURS[severity], weight: 6, opacity: status === "active" ? 0.95 : 0.6, dashArray: status === "planned" ? "1 10" : undefined };
  }

  function popup({ title, road_names: roads, status, severity }) {
    const box = document.createElement("div");
    box.append(line("strong", title), line("div", roads.join(", ")), line("div", `${words.status[status]}, ${words.severity[severity]}`));
    return box;
  }

  /** A map that stands still must not look alive. */
  function tell() {
    if (cut && group._map) note.addTo(group._map);
    else note.remove();
  }

  function connection(state) {
    cut = state === "offline";
    tell();
  }

  group.on("add", tell).on("remove", () => note.remove());
  new GeoworksStream(stream, { subscriptions: [{ id: "layer", area, kinds: ["works"] }] }, { changed, connection }).start();
  return group;
}

/** Text from outside is only ever shown as text. */
function line(name, text) {
  const element = document.createElement(name);
  element.textContent = text;
  element.style.unicodeBidi = "isolate";
  return element;
}
