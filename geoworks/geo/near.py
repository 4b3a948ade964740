"""What comes near places: many discs asked at once about one geometry."""

from __future__ import annotations

import numpy as np
import shapely

from geoworks.geo.frame import Middle
from geoworks.geo.types import Flags, Geometries, Lonlat, Numbers

# To prepare a geometry of so few vertices takes longer than to ask it.
_SHORT = 16


def within_discs(centers: Lonlat, radii_m: Numbers, middle: Middle) -> Flags:
    """Tell for each disc whether a geometry comes within its radius.

    Everything is measured in metres around the middle of the geometry, so that one reprojection of it serves all
    discs and one disc gives the same answer as among thousands. One vertex of the geometry decides about most.
    """
    places = middle.metric(centers)
    vertices = middle.vertices
    off_m = np.hypot(*(places - vertices[0]).T)
    near: Flags = off_m <= radii_m
    if len(vertices) > 1:
        doubtful = np.flatnonzero(near != (off_m <= radii_m + middle.span_m))
        if len(doubtful):
            placed = middle.placed
            if len(vertices) > _SHORT:
                # Prepared, it is the first argument that gains; it lives for one question to all only.
                shapely.prepare(placed)
            centred: Geometries = np.asarray(shapely.points(places[doubtful]), dtype=np.object_)
            near[doubtful] = shapely.dwithin(placed, centred, radii_m[doubtful])  # type: ignore[call-overload]  # the stubs know one distance, the function an array
    return near
