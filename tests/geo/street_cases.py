"""Works on and beside routes through a real street network, labelled by the street they were cut from.

Nodes and edges are those of the data. A route is the shortest way between two nodes; a works is cut from one edge, and
lies on the route exactly when the route passes that edge. Left out as undecidable are edges that lie wholly within
15 m of the route without being part of it: the other carriageway of the same street, the rest of a roundabout.
"""

from __future__ import annotations

import heapq
import json
import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import NamedTuple, TypeVar

import numpy as np
import shapely
import shapely.ops
from shapely.geometry.base import BaseGeometry

from geoworks.geo.crs import local_metric
from geoworks.geo.types import Lonlat, Numbers
from tests.shared import shared_data

Node = tuple[float, ...]
T = TypeVar("T", bound=BaseGeometry)
_MIDDLE = (2.152, 48.947)
_LONG_M = 25.0
_UNDECIDABLE_M = 15.0
_CORRIDOR_M = 50.0
_PER_ROUTE = 6
_SHORTEST_WAY = 8
_BOTH = 2


class Edge(NamedTuple):
    """One street between two nodes, in metres; both directions are the same edge."""

    nodes: frozenset[Node]
    line: shapely.LineString


class Case(NamedTuple):
    """A works (lon/lat degrees) beside a route, whether it is on it, and how it was made."""

    name: str
    route: BaseGeometry
    works: BaseGeometry
    is_on: bool


class Outing(NamedTuple):
    """A route through the network (lon/lat degrees), the line of a works on it, and of one on a street beside it."""

    route: shapely.LineString
    on: shapely.LineString
    beside: shapely.LineString


# How works are drawn by a GIS: the centre line or beside it, with other vertices, cut short, as a footprint, a point.
DRAWN: dict[str, Callable[[shapely.LineString], BaseGeometry]] = {
    "line": lambda line: line,
    "line 3 m beside": lambda line: line.offset_curve(3),
    "line 6 m beside": lambda line: line.offset_curve(-6),
    "line, reversed": shapely.reverse,
    "line, other vertices": lambda line: line.segmentize(7).simplify(0.5),
    "first half": lambda line: shapely.ops.substring(line, 0, 0.5, normalized=True),
    "middle": lambda line: shapely.ops.substring(line, 0.3, 0.7, normalized=True),
    "footprint": lambda line: line.buffer(4, cap_style="flat"),
    "footprint 4 m beside": lambda line: line.offset_curve(4).buffer(3, cap_style="flat"),
}


def cases(count: int, *, seed: int) -> list[Case]:
    """Return so many cases, half of them on their route: streets and ways of drawing in turn."""
    chance = random.Random(seed)
    streets = Streets()
    on, off = _taken(streets, chance, is_on=True), _taken(streets, chance, is_on=False)
    return [next(on if number % 2 == 0 else off) for number in range(count)]


def outing(*, seed: int) -> Outing:
    """Return a way through the town that has streets beside it."""
    streets, chance = Streets(), random.Random(seed)
    nodes = sorted(streets.at)
    while True:
        way = streets.way(*chance.sample(nodes, 2))
        on, beside = _on(way), _beside(streets, way, _joined(way)) if way else []
        if len(way) >= _SHORTEST_WAY and on and beside:
            return Outing(_lonlat(_joined(way)), _lonlat(chance.choice(on).line), _lonlat(chance.choice(beside).line))


class Streets:
    """The network, in metres around its middle."""

    def __init__(self) -> None:
        """Read it."""
        to_metres = local_metric(*_MIDDLE)
        found = json.loads(shared_data("streets_maisons_laffitte.geojson").read_text())["features"]
        self.edges: dict[frozenset[Node], Edge] = {}
        self.at: dict[Node, list[Edge]] = defaultdict(list)
        for feature in found:
            line = shapely.LineString(to_metres(Lonlat(np.array(feature["geometry"]["coordinates"]))))
            ends = frozenset((line.coords[0], line.coords[-1]))
            if len(ends) == _BOTH and ends not in self.edges:
                self.edges[ends] = Edge(ends, line)
                for node in ends:
                    self.at[node].append(self.edges[ends])

    def way(self, start: Node, end: Node) -> list[tuple[Node, Edge]]:
        """Return the shortest way: each edge with the node it is entered at; empty when there is none."""
        come: dict[Node, tuple[Node, Edge]] = {}
        reached, waiting = {start: 0.0}, [(0.0, start)]
        while waiting:
            far_m, node = heapq.heappop(waiting)
            for edge in self.at[node]:
                (other,) = edge.nodes - {node}
                if far_m + edge.line.length < reached.get(other, np.inf):
                    reached[other] = far_m + edge.line.length
                    come[other] = (node, edge)
                    heapq.heappush(waiting, (reached[other], other))
        found = []
        while end in come:
            found.append(come[end])
            end = come[end][0]
        return found[::-1]


def _taken(streets: Streets, chance: random.Random, *, is_on: bool) -> Iterator[Case]:
    """Yield works of one label, from route after route."""
    nodes = sorted(streets.at)
    while True:
        way = streets.way(*chance.sample(nodes, 2))
        if len(way) < _SHORTEST_WAY:
            continue
        route = _joined(way)
        edges = _on(way) if is_on else _beside(streets, way, route)
        chance.shuffle(edges)
        drawn = list(DRAWN)
        chance.shuffle(drawn)
        for edge, how in zip(edges[:_PER_ROUTE], drawn, strict=False):
            sort = "on the route" if is_on else "on a street beside it"
            yield Case(f"{how} {sort}", _lonlat(route), _lonlat(DRAWN[how](edge.line)), is_on)


def _joined(way: list[tuple[Node, Edge]]) -> shapely.LineString:
    places: list[Node] = []
    for node, edge in way:
        line = list(edge.line.coords) if edge.line.coords[0] == node else list(edge.line.coords)[::-1]
        places += line[1:] if places else line
    return shapely.LineString(places)


def _on(way: list[tuple[Node, Edge]]) -> list[Edge]:
    return [edge for _, edge in way if edge.line.length >= _LONG_M]


def _beside(streets: Streets, way: list[tuple[Node, Edge]], route: shapely.LineString) -> list[Edge]:
    """Return the other streets that come into the corridor: crossing, joining, going straight on, parallel."""
    passed = {edge.nodes for _, edge in way}
    near = route.buffer(_UNDECIDABLE_M)
    return [
        edge
        for edge in streets.edges.values()
        if edge.nodes not in passed
        and edge.line.length >= _LONG_M
        and edge.line.distance(route) <= _CORRIDOR_M
        and not near.contains(edge.line)
    ]


def _lonlat(geometry: T) -> T:
    """Return a geometry in metres around the middle in degrees, by inverting small steps."""
    lon, lat = _MIDDLE
    to_metres = local_metric(lon, lat)

    def back(metric: Numbers) -> Numbers:
        degrees = np.column_stack((np.full(len(metric), lon), np.full(len(metric), lat)))
        for _ in range(4):
            rest = metric - to_metres(Lonlat(degrees))
            degrees = degrees + rest / np.array([73_000.0, 111_200.0])
        return degrees.round(6)

    turned: T = shapely.transform(geometry, back)
    return turned
