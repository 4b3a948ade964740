/* Draw a generated map from the data that stands in its page. Text from outside is only ever shown as text. */
var geoworksDrawn = (() => {
  const L = globalThis.L;
  const MARKED = 400; // features of a kind above which lines alone tell more than a heap of signs
  const LABELLED = 60; // zones above which their names would hide the map
  const SVG = "http://www.w3.org/2000/svg";
  const kinds = { works: [], zones: [], reports: [] };
  const drawn = { works: [], zones: [], reports: [] };
  const labels = [];
  let page, map, seen;

  const block = (name) => JSON.parse(document.getElementById(`data-${name}`).textContent);
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  function feature([geometry, values]) {
    const properties = Object.fromEntries(page.fields.map((name, index) => [name, values[index]]));
    return { type: "Feature", geometry, properties };
  }

  function element(name, text, className = "") {
    const made = document.createElement(name);
    made.className = className;
    made.textContent = text;
    return made;
  }

  /* The sign of a severity or of a report; the words beside it say the same. */
  function sign(name, status = "") {
    const svg = document.createElementNS(SVG, "svg");
    const use = document.createElementNS(SVG, "use");
    svg.setAttribute("class", `shape shape-${name} is-${status}`);
    svg.setAttribute("aria-hidden", "true");
    use.setAttribute("href", `#${name}`);
    svg.append(use);
    return svg;
  }

  function popup(kind, { title, place, note, state, severity, when, href }) {
    const box = element("div", "", "drawn-popup");
    box.append(element("strong", title));
    if (place) box.append(element("p", place));
    const words = [page.words[kind][state], severity && page.words.severity[severity], when];
    box.append(element("p", words.filter(Boolean).join(", ")));
    if (kind === "zones") box.append(element("p", page.words.meaning[state]));
    if (note) box.append(element("p", note));
    if (href) box.append(Object.assign(element("a", page.words.zone_map), { href }));
    return box;
  }

  function tell(kind, number, at) {
    const bubble = L.popup({ minWidth: 220, maxWidth: 280, maxHeight: 240 });
    bubble.setLatLng(at).setContent(popup(kind, kinds[kind][number].properties)).openOn(map);
    bubble.getElement().querySelector(".leaflet-popup-close-button").setAttribute("aria-label", page.words.close);
  }

  function style(kind, { state, severity }) {
    if (kind === "zones") return { color: colour("zone-line"), weight: 1.5, fillColor: colour(`zone-${state}`), fillOpacity: 0.5 };
    const strength = state === "active" ? 0.95 : 0.6;
    return {
      color: colour(kind === "reports" ? "report" : `severity-${severity}`),
      weight: 6, opacity: strength, fillOpacity: 0.25, dashArray: state === "planned" ? "1 10" : undefined,
    };
  }

  /* A place inside of a shape or on a line, for its sign, name and popup. */
  function anchor(layer) {
    if (layer.getLatLng) return layer.getLatLng();
    if (layer.getLayers) return anchor(layer.getLayers()[0]);
    let part = layer.getLatLngs();
    while (!L.LineUtil.isFlat(part)) part = part[0];
    return layer instanceof L.Polygon ? L.PolyUtil.polygonCenter(part, map.options.crs) : L.LineUtil.polylineCenter(part, map.options.crs);
  }

  function addSign(group, kind, number) {
    const { severity, state } = kinds[kind][number].properties;
    const shown = sign(kind === "reports" ? "report" : severity, state);
    const icon = L.divIcon({ className: "drawn-pin", html: shown, iconSize: [44, 44] });
    // The list says the same to the keyboard.
    const marker = L.marker(anchor(drawn[kind][number].layer), { icon, keyboard: false });
    group.addLayer(marker.on("click", ({ latlng }) => tell(kind, number, latlng)));
  }

  function addName(group, number) {
    const { layer } = drawn.zones[number];
    const name = element("span", kinds.zones[number].properties.title, "zone-name");
    const icon = L.divIcon({ className: "zone-place", html: name, iconSize: [0, 0] });
    group.addLayer(L.marker(anchor(layer), { icon, pane: "names", interactive: false, keyboard: false }));
    labels.push({ name, layer });
  }

  /* A name stands only where its zone is wide enough for it. */
  function fitNames() {
    for (const { name, layer } of labels) {
      const bounds = layer.getBounds();
      const [west, east] = [bounds.getSouthWest(), bounds.getNorthEast()].map((corner) => map.latLngToLayerPoint(corner).x);
      name.classList.toggle("narrow", east - west < name.offsetWidth + 8);
    }
  }

  function addFeature(group, kind, number) {
    const feature = kinds[kind][number];
    const layer = L.GeoJSON.geometryToLayer(feature, { pointToLayer: (_, at) => L.circleMarker(at, { radius: 5 }) });
    if (!layer) return;
    layer.setStyle(style(kind, feature.properties));
    layer.on("click", ({ latlng }) => tell(kind, number, latlng));
    drawn[kind][number] = { layer, group };
    group.addLayer(layer);
    if (kind === "zones") kinds.zones.length <= LABELLED && addName(group, number);
    else if (kinds[kind].length <= MARKED) addSign(group, kind, number);
  }

  /* Zones lie under all else, also when they come back. */
  function layDown({ target }) {
    target.eachLayer((one) => one.bringToBack?.());
    fitNames();
  }

  function fit(kind, group) {
    // The zones are the town; without them it is where something happens.
    if (kind !== "zones" && kinds.zones.length) return;
    const bounds = group.getBounds();
    if (!bounds.isValid()) return;
    seen = seen ? seen.extend(bounds) : bounds;
    show();
  }

  function show() {
    map.invalidateSize({ pan: false });
    if (seen) map.fitBounds(seen, { padding: [16, 16], maxZoom: 17, animate: false });
    fitNames();
  }

  function layer(kind, severity) {
    const group = L.featureGroup();
    // Lists begin with the worst, which is drawn last, on top.
    for (let number = kinds[kind].length - 1; number >= 0; number -= 1) {
      if (!severity || kinds[kind][number].properties.severity === severity) addFeature(group, kind, number);
    }
    if (kind === "zones") group.on("add", layDown);
    group.sign = { works: severity, reports: "report" }[kind];
    fit(kind, group);
    return group;
  }

  function control(layers) {
    // From the top of the map to its ground.
    const named = layers.reverse().map(([group, name]) => {
      const label = element("span", "");
      if (group.sign) label.append(sign(group.sign));
      label.append(name);
      return [label.outerHTML, group];
    });
    const made = L.control.layers({}, Object.fromEntries(named), { collapsed: map.getSize().x < 640 }).addTo(map);
    const toggle = made.getContainer().querySelector(".leaflet-control-layers-toggle");
    toggle.title = page.words.layers;
    toggle.setAttribute("aria-label", page.words.layers);
  }

  function addTiles() {
    const { url, attribution, max_zoom: maxZoom } = page.tiles;
    if (!url) return;
    // Leaflet takes HTML here.
    const tiles = L.tileLayer(url, { attribution: element("span", attribution).innerHTML, maxZoom });
    const missing = element("p", page.words.no_tiles, "map-note");
    tiles.once("tileerror", () => map.getContainer().append(missing));
    tiles.on("tileload", () => missing.remove());
    tiles.addTo(map);
  }

  /* What is pressed in the list is shown on the map. */
  function point(event) {
    const button = event.target.closest("button[data-kind]");
    const found = button && drawn[button.dataset.kind][Number(button.dataset.number)];
    if (!found) return;
    const { kind, number } = button.dataset;
    map.addLayer(found.group);
    map.getContainer().scrollIntoView({ block: "nearest" });
    const at = anchor(found.layer);
    map.setView(at, Math.max(map.getZoom(), 16), { animate: false });
    tell(kind, Number(number), at);
  }

  function begin(id) {
    page = block("page");
    for (const kind of Object.keys(kinds)) kinds[kind] = block(kind).map(feature);
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    // One canvas for all: of two canvases only the upper one could be pressed.
    map = L.map(id, {
      center: page.center, zoom: page.zoom, maxZoom: page.tiles.max_zoom, zoomControl: false, zoomSnap: 0.25, renderer: L.canvas({ tolerance: 6 }),
      zoomAnimation: !still, fadeAnimation: !still, markerZoomAnimation: !still,
    });
    map.attributionControl.setPrefix('<a href="https://leafletjs.com">Leaflet</a>');
    Object.assign(map.createPane("names").style, { zIndex: 450, pointerEvents: "none" });
    for (const pane of ["names", "markerPane"]) map.getPane(pane).setAttribute("aria-hidden", "true");
    map.getContainer().setAttribute("role", "region");
    map.getContainer().setAttribute("aria-label", page.words.map);
    L.control.zoom({ zoomInTitle: page.words.zoom_in, zoomOutTitle: page.words.zoom_out }).addTo(map);
    L.control.scale({ imperial: false }).addTo(map);
    addTiles();
    map.on("zoomend", fitNames);
    document.addEventListener("click", point);
    document.addEventListener("keydown", ({ key }) => key === "Escape" && map.closePopup());
    // On paper the map has another width.
    matchMedia("print").addEventListener("change", show);
    return map;
  }

  return { map: begin, layer, control };
})();
