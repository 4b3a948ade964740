"""Areas posted to be asked about by id."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import pytest
import shapely

from geoworks.web.areas_api import GPX
from tests.web.driver import driving
from tests.web.events import Poller, listening
from tests.web.house import House
from tests.web.writing import FAR, write

_SQUARE = {
    "type": "Polygon",
    "coordinates": [[[2.30, 48.63], [2.31, 48.63], [2.31, 48.64], [2.30, 48.64], [2.30, 48.63]]],
}
_LINE = {"type": "LineString", "coordinates": [[2.3000, 48.6300], [2.3057, 48.6357], [2.3200, 48.6500]]}
_TRACK = "".join(f'<trkpt lon="{lon}" lat="{lat}"/>' for lon, lat in _LINE["coordinates"])
_FILE = f"<gpx><trk><trkseg>{_TRACK}</trkseg></trk></gpx>"


async def _post(house: House, body: object, kind: str = "application/geo+json", query: str = "") -> Any:  # noqa: ANN401 - the answer
    data = BytesIO((body if isinstance(body, str) else json.dumps(body)).encode())
    return await house.ask("POST", f"/v1/areas{query}", data=data, headers={"Content-Type": kind})


@pytest.mark.parametrize(
    "body",
    [
        _SQUARE,
        {"polygon": _SQUARE},
        {"type": "Feature", "geometry": _SQUARE, "properties": {}},
        {"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": _SQUARE, "properties": {}}]},
    ],
)
async def test_polygon(house: House, body: object) -> None:
    """A polygon in any form of GeoJSON is kept for twelve hours, and asked about by its id."""
    await write(house, "api:1")
    await write(house, "api:far", FAR)
    answer = await _post(house, body)
    assert (answer.status, answer.headers["Cache-Control"]) == (201, "no-store")
    made = answer.json()
    assert made["expires"] == "2026-11-20T21:00:00Z"
    async with driving(house.base, {"id": "home", "area": {"area_id": made["area_id"]}}) as driver:
        assert set(driver.held.features) == {("works", "api:1")}


@pytest.mark.parametrize(
    ("body", "kind", "query"),
    [
        (_LINE, "application/geo+json", "?corridor_m=30"),
        ({"route": {"line": _LINE, "corridor_m": 30}}, "application/json", ""),
        (_FILE, GPX, "?corridor_m=30"),
        (_FILE, "application/xml", ""),
    ],
)
async def test_route(house: House, body: object, kind: str, query: str) -> None:
    """A route as GeoJSON, as the protocol writes it, or as a GPX file: the answer has its line and length."""
    await write(house, "api:1", shapely.LineString([(2.3050, 48.6350), (2.3057, 48.6357)]))
    made = (await _post(house, body, kind, query)).json()
    assert made["line"] == _LINE
    assert made["length_m"] == pytest.approx(2669, abs=2)
    async with driving(house.base, {"id": "way", "area": {"area_id": made["area_id"]}}) as driver:
        assert set(driver.held.features) == {("works", "api:1")}


async def test_every_way_of_listening_takes_it(house: House) -> None:
    """Those who ask by address ask by id too; another id is told to post again."""
    await write(house, "api:1")
    id_ = (await _post(house, _SQUARE)).json()["area_id"]
    poller = Poller(house.client, house.base, area_id=id_)
    assert [one["id"] for one in (await poller.poll())["features"]] == ["api:1"]
    async with listening(house.client, house.base, area_id=id_) as events:
        assert set(events.held.features) == {("works", "api:1")}
    for door in ("changes", "stream/sse"):
        refused = await house.ask("GET", f"/v1/{door}?area_id=unknown")
        assert (refused.status, "post it to /v1/areas again" in refused.json()["detail"]) == (400, True)


_BOW = {"type": "Polygon", "coordinates": [[[2.0, 48.0], [2.1, 48.1], [2.1, 48.0], [2.0, 48.1], [2.0, 48.0]]]}


@pytest.mark.parametrize(
    ("body", "kind", "status", "word"),
    [
        ("", "application/json", 400, "empty"),
        ("{", "application/json", 400, "well-formed"),
        ("[]", "application/json", 400, "no object"),
        ("{}", "application/json", 400, "exactly one"),
        ({"circle": {"center": [2, 48], "radius_m": 5}}, "application/json", 400, "no posting"),
        ({"everywhere": True}, "application/json", 400, "no posting"),
        ({"polygon": _SQUARE, "route": {"line": _LINE}}, "application/json", 400, "exactly one"),
        ({"type": "Point", "coordinates": [2, 48]}, "application/geo+json", 400, "LineString"),
        ({"type": "FeatureCollection", "features": []}, "application/geo+json", 400, "one feature"),
        ({"type": "Feature", "geometry": None}, "application/geo+json", 400, "geometry"),
        ({"type": "LineString", "coordinates": [[2, 48]]}, "application/geo+json", 400, "line"),
        ({"type": "LineString", "coordinates": [[2, 48], [2, 48]]}, "application/geo+json", 400, "no length"),
        ({"type": "LineString", "coordinates": [[179, 48], [-179, 48]]}, "application/geo+json", 400, "antimeridian"),
        ({"type": "LineString", "coordinates": [[-20, 0], [20, 60]]}, "application/geo+json", 400, "at most 2000 km"),
        (
            {"type": "LineString", "coordinates": [[652000, 6860000], [652100, 6860000]]},
            "application/json",
            400,
            "place",
        ),
        (_BOW, "application/geo+json", 400, "not a valid polygon"),
        ("<gpx/>", GPX, 400, "no track or route"),
        ("hello", "text/plain", 400, "send application/geo+json"),
        ("[" * 2000, "application/json", 413, "too deep"),
        (" " * (1024 * 1024 + 1), "application/json", 413, "at most 1048576"),
        (
            {"type": "LineString", "coordinates": [[2 + i * 1e-6, 48] for i in range(50_001)]},
            "application/geo+json",
            413,
            "vertices",
        ),
    ],
)
async def test_bad_areas(house: House, body: object, kind: str, status: int, word: str) -> None:
    """What is no area is refused with what is wrong and how to mend it."""
    answer = await _post(house, body, kind)
    assert (answer.status, word in answer.body.decode()) == (status, True), answer.body[:500]


@pytest.mark.parametrize(
    "query", ["corridor_m=0", "speed_kmh=1000", "depart=now", "depart=2026-11-20T08:00:00", "way=1"]
)
async def test_bad_parameters(house: House, query: str) -> None:
    """What belongs to a line is checked as on the stream."""
    answer = await _post(house, _LINE, query=f"?{query}")
    assert (answer.status, query.partition("=")[0] in answer.body.decode()) == (400, True)
