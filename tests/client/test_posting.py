"""Areas left at the town from Python."""

from __future__ import annotations

import socket
from datetime import timedelta

import pytest
import shapely

from geoworks.client import AreaRefused, Subscription, Unintelligible, Unreachable, post_area, stored
from tests.client.reading import listening
from tests.client.strangers import answering
from tests.web.house import NOW, House
from tests.web.writing import write

_LINE = {"type": "LineString", "coordinates": [[2.3000, 48.6300], [2.3057, 48.6357], [2.3200, 48.6500]]}
_TRACK = "".join(f'<trkpt lon="{lon}" lat="{lat}"/>' for lon, lat in _LINE["coordinates"])
_FILE = f"<gpx><trk><trkseg>{_TRACK}</trkseg></trk></gpx>"
_GPX = "application/gpx+xml"


@pytest.mark.parametrize(("body", "kind"), [(_LINE, "application/geo+json"), (_FILE, _GPX), (_FILE.encode(), _GPX)])
async def test_route(house: House, body: bytes | str | dict[str, object], kind: str) -> None:
    """A route is kept, and asked about by its id."""
    await write(house, "api:1", shapely.LineString([(2.3050, 48.6350), (2.3057, 48.6357)]))
    posted = await post_area(str(house.base), body, kind, corridor_m=30)
    assert posted.line == _LINE
    assert posted.length_m == pytest.approx(2669, abs=2)
    assert posted.expires - NOW == timedelta(hours=12)
    async with listening(house.base, Subscription(id="way", area=stored(posted.area_id))) as stream:
        assert set(stream.features) == {("works", "api:1")}


async def test_departure(house: House) -> None:
    """A departure and a speed belong to the route that is kept."""
    posted = await post_area(str(house.base), _LINE, depart=NOW + timedelta(days=400), speed_kmh=30)
    await write(house, "api:1", shapely.LineString([(2.3050, 48.6350), (2.3057, 48.6357)]))
    async with listening(house.base, Subscription(id="way", area=stored(posted.area_id))) as stream:
        assert set(stream.features) == {("works", "api:1")}
    with pytest.raises(ValueError, match="has no time zone"):
        await post_area(str(house.base), _LINE, depart=NOW.replace(tzinfo=None))


@pytest.mark.parametrize(
    ("body", "kind", "status", "told"),
    [
        ("{", "application/geo+json", 400, "JSON"),
        ({"type": "Point", "coordinates": [2, 48]}, "application/geo+json", 400, "LineString"),
        ("<gpx/>", _GPX, 400, "GPX"),
        (_FILE, "text/plain", 400, "text/plain is not taken here"),
        (b" " * 1_048_577, "application/geo+json", 413, "1048577 bytes"),
    ],
)
async def test_refused(house: House, body: bytes | str | dict[str, object], kind: str, status: int, told: str) -> None:
    """What the town does not keep is told in its words."""
    with pytest.raises(AreaRefused, match=told) as refused:
        await post_area(str(house.base), body, kind)
    assert refused.value.status == status


async def test_strangers() -> None:
    """What is no town, is too busy, or hangs up is told apart."""
    answers = [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi",
        b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\nno",
        b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n",
        b"220 mail ready\r\n",
        b"",
    ]
    async with answering(answers) as url:
        with pytest.raises(Unintelligible, match="is it geoworks"):
            await post_area(url, _LINE)
        with pytest.raises(AreaRefused, match="HTTP status 503"):
            await post_area(url, _LINE)
        with pytest.raises(AreaRefused, match="try again in 7 s") as refused:
            await post_area(url, _LINE)
        assert refused.value.retry_after_s == 7
        for _ in range(2):
            with pytest.raises(Unreachable, match="see that the service runs there"):
                await post_area(url, _LINE)


async def test_nobody_there() -> None:
    """Where nobody listens, the address is told."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with pytest.raises(Unreachable, match=f"http://127.0.0.1:{port}/v1/areas: .*refused"):
        await post_area(f"127.0.0.1:{port}", _LINE)
