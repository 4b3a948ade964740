"""The two kinds of coordinates, kept apart by type: degrees are never added to metres."""

from __future__ import annotations

from typing import Any, NewType

import numpy as np
from numpy.typing import NDArray

# Rows of lon, lat in degrees (EPSG:4326).
Lonlat = NewType("Lonlat", NDArray[np.float64])
# Rows of x, y in metres, in a frame that the function giving them names.
Metric = NewType("Metric", NDArray[np.float64])

# West, south, east, north in degrees.
Box = tuple[float, float, float, float]

# Shapely geometries or None, one dimension.
Geometries = NDArray[np.object_]
Flags = NDArray[np.bool_]
Numbers = NDArray[np.float64]
Places = NDArray[np.integer[Any]]
