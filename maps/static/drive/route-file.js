/** Read a route from a GPX or GeoJSON file, here in the browser: names, times and heart rates in it go nowhere. */

const MOST_BYTES = 20 * 1024 * 1024;
const MOST_PLACES = 30_000;

/** What is wrong with a file; `code` names the text that says so. */
export class RouteFault extends Error {
  /** @param {string} code */
  constructor(code) {
    super(code);
    this.code = code;
  }
}

/** Read a chosen file. @param {File} file @returns {Promise<[number, number][]>} lon/lat @throws {RouteFault} */
export async function readRouteFile(file) {
  if (file.size > MOST_BYTES) throw new RouteFault("large");
  return readRoute(await file.text());
}

/**
 * Read the line of a GPX or GeoJSON text.
 * @param {string} text
 * @returns {[number, number][]}
 * @throws {RouteFault}
 */
export function readRoute(text) {
  const said = text.replace(/^\ufeff/, "").trim();
  if (!said) throw new RouteFault("empty");
  if (said.startsWith("<")) return checked(fromGpx(said));
  if (/^[{[]/.test(said)) return checked(fromGeoJson(said));
  throw new RouteFault("format");
}

// What holds points, the point of each, and where a point says it is. A browser's XML parser is of no use here: of a
// damaged file it makes a page with styles in it, which the policy of our pages forbids.
const HOLDER = /<(?:\w+:)?(trk|rte)(?=[\s>])[^]*?<\/(?:\w+:)?\1\s*>/g;
const POINT = { trk: /<(?:\w+:)?trkpt\s([^>]*)>/g, rte: /<(?:\w+:)?rtept\s([^>]*)>/g };

function fromGpx(text) {
  const said = text.replace(/<!--[^]*?-->/g, "");
  if (!/<(?:\w+:)?gpx[\s>]/.test(said)) throw new RouteFault("format");
  if (!/<\/(?:\w+:)?gpx\s*>\s*$/.test(said)) throw new RouteFault("broken");
  const held = [...said.matchAll(HOLDER)].map(([whole, name]) => ({ name, points: [...whole.matchAll(POINT[name])].map(([, attributes]) => attributes) }));
  const lines = ["trk", "rte"].flatMap((name) => held.filter((one) => one.name === name && one.points.length > 1));
  if (!lines.length) throw new RouteFault("no_line");
  return lines[0].points.map((attributes) => [attribute(attributes, "lon"), attribute(attributes, "lat")]);
}

function attribute(attributes, name) {
  const [, value = ""] = attributes.match(new RegExp(`(?:^|\\s)${name}\\s*=\\s*["']\\s*([^"']*)["']`)) ?? [];
  return value.trim() ? Number(value) : NaN;
}

function fromGeoJson(text) {
  let said;
  try {
    said = JSON.parse(text);
  } catch {
    throw new RouteFault("broken");
  }
  const lines = linesOf(said);
  if (!lines.length) throw new RouteFault("no_line");
  return joined(lines);
}

function linesOf(said) {
  switch (said?.type) {
    case "FeatureCollection": return (said.features ?? []).flatMap(linesOf);
    case "Feature": return linesOf(said.geometry);
    case "GeometryCollection": return (said.geometries ?? []).flatMap(linesOf);
    case "LineString": return [said.coordinates];
    case "MultiLineString": return said.coordinates;
    default: return [];
  }
}

/** Several lines are one route where each begins where the one before ends; else nobody knows which is meant. */
function joined(lines) {
  if (!lines.every((line) => Array.isArray(line) && line.length && line.every(Array.isArray))) throw new RouteFault("place");
  return lines.reduce((route, line) => {
    const [end, begin] = [route.at(-1), line[0]];
    if (Math.hypot(end[0] - begin[0], end[1] - begin[1]) > 0.001) throw new RouteFault("several");
    return [...route, ...line];
  });
}

/** Check the places, and leave out what says nothing: heights, places twice, more digits than a street is wide. */
function checked(line) {
  if (!line.every(([lon, lat]) => within(lon, 180) && within(lat, 90))) throw new RouteFault("place");
  const round = (degrees) => Math.round(degrees * 1e5) / 1e5;
  const places = line.map(([lon, lat]) => [round(lon), round(lat)]);
  const route = places.filter(([lon, lat], index) => !index || lon !== places[index - 1][0] || lat !== places[index - 1][1]);
  if (route.length < 2) throw new RouteFault("short");
  return thinned(route);
}

const within = (degrees, most) => Number.isFinite(degrees) && Math.abs(degrees) <= most;

/** Leave out every second place until a route is small enough. */
function thinned(route) {
  if (route.length <= MOST_PLACES) return route;
  return thinned(route.filter((_, index) => index % 2 === 0 || index === route.length - 1));
}
