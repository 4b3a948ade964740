/* Draw the layers of a generated map. Text from outside is only ever shown by textContent. */
var geoworksDrawn = (function () {
  var shapes = {
    none: "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16z",
    low: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17z",
    medium: "M12 1.8 22.2 12 12 22.2 1.8 12z",
    high: "M12 1.8 23 21H1z",
    blocked: "M7.6 1.8h8.8l5.8 5.8v8.8l-5.8 5.8H7.6l-5.8-5.8V7.6z",
    report: "M3 3h18v13.5h-6.4L12 21.5l-2.6-5H3z",
  };
  var colours = { none: "#8796a0", low: "#2f86c5", medium: "#f0ab00", high: "#e0521a", blocked: "#7d0f3c", report: "#5b4bb0" };
  var levels = { free: "#b5d9c8", light: "#f3e6a6", disturbed: "#f4c37a", heavy: "#e58b66", blocked: "#b0587c" };
  var MARKED = 400; // above this, lines alone tell more than a heap of markers
  var drawing = null, seen = null;

  function line(text) {
    var element = document.createElement("div");
    element.textContent = text;
    return element;
  }

  function day(moment) {
    return new Date(moment).toLocaleDateString(document.documentElement.lang, { day: "numeric", month: "long", year: "numeric" });
  }

  function popup(properties, words) {
    var box = document.createElement("div"), title = document.createElement("strong");
    title.textContent = properties.title;
    box.append(title);
    if (properties.place) box.append(line(properties.place));
    var state = words.state[properties.state] || properties.state;
    box.append(line(properties.severity ? state + ", " + words.severity[properties.severity] : state));
    if (properties.start) box.append(line(words.from + " " + day(properties.start)));
    if (properties.end) box.append(line(words.until + " " + day(properties.end)));
    if (properties.promoter) box.append(line(properties.promoter));
    return box;
  }

  function style(kind, properties) {
    if (kind === "zones") return { color: "#6d828a", weight: 1, fillColor: levels[properties.state], fillOpacity: 0.45 };
    return { color: colours[properties.severity], weight: 6, opacity: 0.9, fillOpacity: 0.35, dashArray: properties.state === "planned" ? "6 8" : null };
  }

  function icon(kind, properties) {
    var name = kind === "reports" ? "report" : properties.severity;
    var svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
    var path = document.createElementNS("http://www.w3.org/2000/svg", "path");
    svg.setAttribute("viewBox", "0 0 24 24");
    path.setAttribute("d", shapes[name]);
    path.setAttribute("fill", properties.state === "planned" ? "#fff" : colours[name]);
    path.setAttribute("stroke", properties.state === "planned" ? colours[name] : "#fff");
    path.setAttribute("stroke-width", "2");
    svg.append(path);
    var holder = document.createElement("span");
    holder.append(svg);
    return L.divIcon({ className: "drawn-pin", html: holder, iconSize: [26, 26] });
  }

  function anchor(layer) {
    if (layer.getLatLng) return layer.getLatLng();
    if (layer.getLatLngs) {
      var points = layer.getLatLngs().flat(3);
      return points[Math.floor(points.length / 2)];
    }
    return layer.getBounds().getCenter();
  }

  function map(id, location, options) {
    drawing = L.map(id, Object.assign({ center: location }, options));
    drawing.createPane("zones").style.zIndex = "350";
    L.control.scale({ imperial: false }).addTo(drawing);
    return drawing;
  }

  function layer(kind, data) {
    var group = L.layerGroup(), marked = kind !== "zones" && data.features.length <= MARKED;
    var all = L.geoJSON(data, {
      pane: kind === "zones" ? "zones" : "overlayPane",
      style: function (feature) { return style(kind, feature.properties); },
      pointToLayer: function (feature, at) {
        return marked ? L.marker(at, { icon: icon(kind, feature.properties), keyboard: false }) : L.circleMarker(at, { radius: 6 });
      },
      onEachFeature: function (feature, drawn) {
        var say = function () { return popup(feature.properties, data.words); };
        drawn.bindPopup(say);
        if (marked && !drawn.getLatLng) {
          L.marker(anchor(drawn), { icon: icon(kind, feature.properties), keyboard: false }).bindPopup(say).addTo(group);
        }
      },
    }).addTo(group);
    var bounds = all.getBounds();
    if (bounds.isValid()) {
      seen = seen ? seen.extend(bounds) : bounds;
      drawing.fitBounds(seen, { padding: [20, 20], maxZoom: 17 });
    }
    return group;
  }

  return { map: map, layer: layer };
})();
