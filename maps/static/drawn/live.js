/* The live works of a town as a Leaflet layer: subscribe, draw, and resume after a cut. */
var geoworksLive = globalThis.geoworksLive || function (setup) {
  var colours = { none: "#8796a0", low: "#2f86c5", medium: "#f0ab00", high: "#e0521a", blocked: "#7d0f3c" };
  var group = L.layerGroup(), drawn = new Map(), arriving = [], cursor = null, filters = null, wait = 1000;
  var subscription = { id: "live", area: setup.area, kinds: ["works"] };

  function popup(properties) {
    var box = document.createElement("div"), title = document.createElement("strong");
    title.textContent = properties.title;
    box.append(title, document.createElement("br"), (properties.road_names || []).join(", ") + " (" + properties.status + ")");
    return box;
  }

  function remove(id) {
    if (drawn.has(id)) group.removeLayer(drawn.get(id));
    drawn.delete(id);
  }

  function put(feature) {
    var p = feature.properties, style = { color: colours[p.severity] || "#555", weight: 6, dashArray: p.status === "planned" ? "6 8" : null };
    remove(feature.id);
    var layer = L.geoJSON(feature, { style: style, pointToLayer: function (_, at) { return L.circleMarker(at, style); } });
    layer.bindPopup(function () { return popup(p); });
    drawn.set(feature.id, layer);
    group.addLayer(layer);
  }

  function take(message) {
    if (message.type === "snapshot") {
      arriving = arriving.concat(message.features);
      if (message.last) { [...drawn.keys()].forEach(remove); arriving.forEach(put); arriving = []; }
    } else if (message.type === "put") put(message.feature);
    else if (message.type === "remove") remove(message.id);
    else if (message.type === "caught_up") filters = message.filters;
    else if (message.type === "resync") { cursor = null; filters = null; }
    if (message.cursor) cursor = message.cursor;
  }

  function connect() {
    var socket = new WebSocket(setup.stream, "geoworks.v1");
    arriving = [];
    socket.onopen = function () {
      wait = 1000;
      socket.send(JSON.stringify(cursor && filters
        ? { type: "resume", since: cursor, filters: filters, subscriptions: [subscription] }
        : Object.assign({ type: "subscribe" }, subscription)));
    };
    socket.onmessage = function (event) { take(JSON.parse(event.data)); };
    socket.onclose = function () { setTimeout(connect, wait * (0.5 + Math.random())); wait = Math.min(wait * 2, 30000); };
  }

  connect();
  return group;
};
