"""What comes near places: many discs asked at once about one geometry."""

from __future__ import annotations

import numpy as np
import shapely

from geoworks.geo.frame import Middle
from geoworks.geo.types import Flags, Geometries, Lonlat, Metric, Numbers

# Up to so many vertices of a line, arithmetic is quicker than a prepared geometry.
_SHORT = 16


def within_discs(centers: Lonlat, radii_m: Numbers, middle: Middle) -> Flags:
    """Tell for each disc whether a geometry comes within its radius.

    Everything is measured in metres around the middle of the geometry, so that one reprojection of it serves all
    discs and one disc gives the same answer as among thousands.
    """
    placed, places = middle.placed, middle.metric(centers)
    if placed.geom_type == "LineString" and shapely.get_num_coordinates(placed) <= _SHORT:
        return _within_of_line(shapely.get_coordinates(placed), places, radii_m)
    # Prepared, it is the first argument that gains; it lives for one question to all only.
    shapely.prepare(placed)
    nearest: Geometries = np.asarray(shapely.points(places), dtype=np.object_)
    near: Flags = shapely.dwithin(placed, nearest, radii_m)  # type: ignore[call-overload]  # the stubs know one distance, the function an array
    return near


def _within_of_line(line: Numbers, places: Metric, radii_m: Numbers) -> Flags:
    """Tell for each place (columns) whether a step of a line (rows) comes within its radius."""
    begin, steps = line[:-1], line[1:] - line[:-1]
    east, north = steps[:, :1], steps[:, 1:]
    from_x, from_y = places[:, 0] - begin[:, :1], places[:, 1] - begin[:, 1:]
    # Where a line has two equal vertices, the step between them is a place.
    share = (from_x * east + from_y * north) / np.maximum(east * east + north * north, 1e-18)
    share = np.minimum(np.maximum(share, 0.0), 1.0)
    off = np.hypot(from_x - share * east, from_y - share * north)
    within: Flags = np.any(off <= radii_m, axis=0)
    return within
