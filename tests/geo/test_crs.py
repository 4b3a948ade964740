"""Coordinate systems: known and unknown, there and back, metres beside a place."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import CRS, Geod, Transformer
from pyproj.enums import WktVersion

from geoworks.errors import Invalid
from geoworks.geo.crs import check_crs, likely_crs, local_metric, metres_of_degree, to_lonlat
from geoworks.geo.types import Lonlat

GEOD = Geod(ellps="WGS84")
PARIS_LAMBERT = (652_381.5, 6_862_305.2)
# The origin of Lambert-93 by definition: metres, and degrees.
ORIGIN_LAMBERT, ORIGIN = (700_000.0, 6_600_000.0), (3.0, 46.5)


def array(*geometries: shapely.Geometry | None) -> np.ndarray[tuple[int, ...], np.dtype[np.object_]]:
    """Return geometries as the array that sources give."""
    return np.array(geometries, dtype=np.object_)


@pytest.mark.parametrize(
    "text", ["EPSG:2154", "epsg:2154", " 2154 ", "IGNF:LAMB93", CRS(2154).to_wkt(WktVersion.WKT1_ESRI), "EPSG:3857"]
)
def test_known_crs_are_taken_by_code_name_and_wkt(text: str) -> None:
    """A CRS may be named by its code or be the text of a .prj file."""
    assert check_crs(text).partition(":")[0] in {"EPSG", "IGNF"}


@pytest.mark.parametrize("text", ["", "Lambert", "EPSG:999999", "PROJCS[", "EPSG:" + "9" * 500])
def test_an_unknown_crs_is_refused_with_a_mend(text: str) -> None:
    """What PROJ does not know is no CRS, and the message shows a right one."""
    with pytest.raises(Invalid, match="no known coordinate system") as caught:
        check_crs(text)
    assert "EPSG:2154" in caught.value.problems[0].mend


def test_a_crs_that_is_not_on_the_globe_is_refused() -> None:
    """A building site's own axes cannot become lon/lat."""
    with pytest.raises(Invalid, match="on the globe"):
        to_lonlat(array(shapely.Point(1000, 1000)), 'LOCAL_CS["site",UNIT["metre",1]]')


def test_lambert_metres_become_degrees_lon_first() -> None:
    """Lambert-93 becomes lon, lat in that order; None stays None and a height is dropped."""
    point, nothing = to_lonlat(array(shapely.Point(*ORIGIN_LAMBERT, 35.0), None), "EPSG:2154")
    assert (point.x, point.y) == pytest.approx(ORIGIN, abs=1e-8)
    assert not point.has_z
    assert nothing is None


@pytest.mark.parametrize("crs", ["EPSG:4326", "OGC:CRS84", "WGS84"])
def test_degrees_stay_as_they_are(crs: str) -> None:
    """Data in degrees is not touched, whatever axis order the authority gives to the CRS."""
    assert to_lonlat(array(shapely.Point(2.35, 48.85)), crs)[0] == shapely.Point(2.35, 48.85)


@pytest.mark.parametrize("crs", ["EPSG:2154", "EPSG:3857", "EPSG:32631"])
def test_degrees_said_to_be_metres_become_infinite(crs: str) -> None:
    """Degrees read with a CRS in metres would land at its origin, in the sea; they are made impossible instead."""
    (point,) = to_lonlat(array(shapely.Point(2.35, 48.85)), crs)
    assert np.isinf(shapely.get_coordinates(point)).all()


@given(st.floats(-4, 8), st.floats(42, 51))
def test_there_and_back_is_the_same_place(lon: float, lat: float) -> None:
    """A place of France in Lambert-93 comes back to within a hundredth of a millionth of a degree."""
    metres = Transformer.from_crs("EPSG:4326", "EPSG:2154", always_xy=True).transform(lon, lat)
    (back,) = to_lonlat(array(shapely.Point(metres)), "EPSG:2154")
    assert (back.x, back.y) == pytest.approx((lon, lat), abs=1e-8)


def test_threads_reproject_side_by_side() -> None:
    """Each thread has a transformer of its own, so all get the same."""
    places = np.random.default_rng(1).uniform((6e5, 6.8e6), (7e5, 6.9e6), (2_000, 2))
    points = array(*map(shapely.Point, places))
    expected = to_lonlat(points, "EPSG:2154").tolist()
    with ThreadPoolExecutor(4) as threads:
        for found in threads.map(lambda _: to_lonlat(points, "EPSG:2154").tolist(), range(16)):
            assert found == expected


@pytest.mark.parametrize(
    ("xy", "name"),
    [
        (PARIS_LAMBERT, "EPSG:2154"),
        ((1_652_000.0, 8_176_000.0), "CC zone"),
        ((-500_000.0, 5_500_000.0), "EPSG:3857"),
        ((200.0, 48.0), ""),
    ],
)
def test_metres_taken_for_degrees_are_recognised(xy: tuple[float, float], name: str) -> None:
    """Coordinates in the metres of a usual French CRS are told by name; others are not guessed."""
    assert name in likely_crs(*xy)
    assert bool(likely_crs(*xy)) == bool(name)


@given(lon=st.floats(-180, 180), lat=st.floats(-75, 75), bearing=st.floats(0, 360), far_m=st.floats(0, 100_000))
def test_local_metres_are_geodesic_distances(lon: float, lat: float, bearing: float, far_m: float) -> None:
    """The distance from the place is true to 0.1 %, by pyproj's geodesic, also across the antimeridian."""
    there = GEOD.fwd(lon, lat, bearing, far_m)[:2]
    x, y = local_metric(lon, lat)(Lonlat(np.array([there])))[0]
    assert np.hypot(x, y) == pytest.approx(far_m, rel=1e-3, abs=1e-3)


@given(lon=st.floats(-180, 180), lat=st.floats(-75, 75), far=st.tuples(st.floats(-180, 180), st.floats(-90, 90)))
def test_what_is_far_does_not_seem_near(lon: float, lat: float, far: tuple[float, float]) -> None:
    """Wherever on earth, what is beyond where distances are true seems at least half as far as they reach."""
    x, y = local_metric(lon, lat)(Lonlat(np.array([far])))[0]
    if GEOD.inv(lon, lat, *far)[2] > 100_000:
        assert np.hypot(x, y) > 50_000


@given(st.floats(-89, 89))
def test_a_degree_has_the_metres_of_the_ellipsoid(lat: float) -> None:
    """A short way east and a short way north have pyproj's lengths."""
    parallel_m, meridian_m = metres_of_degree(lat)
    assert parallel_m * 1e-3 == pytest.approx(GEOD.inv(0, lat, 1e-3, lat)[2], rel=1e-6)
    assert meridian_m * 1e-3 == pytest.approx(GEOD.inv(0, lat - 5e-4, 0, lat + 5e-4)[2], rel=1e-6)
