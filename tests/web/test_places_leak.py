"""Where a driver is and goes stays in memory: it is in no log, no metric, no error and no file."""

from __future__ import annotations

import asyncio
import json
import logging
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from tests.hub.client import Message
from tests.web.driver import connect_to
from tests.web.house import House, opened

# Digits that nothing else has.
LON, LAT = 2.3173102, 48.6394857
SECRETS = ("3173102", "6394857")
_LINE = {"type": "LineString", "coordinates": [[LON, LAT], [LON + 0.1, LAT]]}
_FAR_LINE = {"type": "LineString", "coordinates": [[179.3173102, LAT], [-179.3173102, LAT]]}
_BAD_POSITIONS: list[Any] = [[181.3173102, LAT], [LON], [f"{LON}", f"{LAT}"], [LON, LAT, "x"], {"lon": LON, "lat": LAT}]
_BAD_AREAS: list[Any] = [
    {"route": {"line": _FAR_LINE}},
    {"route": {"line": {"type": "LineString", "coordinates": [[LON, LAT]]}}},
    {"circle": {"center": [LON, LAT], "radius_m": 1e9}},
    {"bbox": [LON, LAT, LON, LAT]},
    {"polygon": {"type": "Polygon", "coordinates": [[[LON, LAT], [3, 49], [LON, 49.5], [3, LAT], [LON, LAT]]]}},
    {"around_me": {"radius_m": 300, "at": [LON, LAT]}},
]
_QUESTIONS = (f"circle={LON},{LAT},500", f"circle={LON},{LAT},1e9", f"bbox={LON},{LAT},x,1", f"circle={LON},{LAT}")


def told(text: str) -> list[str]:
    """Return the secrets in a text."""
    return [secret for secret in SECRETS if secret in text]


def files_with_secrets(folder: Path) -> list[str]:
    """Return the names of the files of a town that tell one."""
    kept = [path for path in folder.rglob("*") if path.is_file()]
    assert kept
    return [path.name for path in kept if any(secret.encode() in path.read_bytes() for secret in SECRETS)]


async def drive(house: House) -> list[Message]:
    """Ask about a route and what is around, tell positions good and bad; return what was answered."""
    asked: list[Message] = [
        {"type": "subscribe", "id": "way", "area": {"route": {"line": _LINE}}},
        {"type": "subscribe", "id": "me", "area": {"around_me": {"radius_m": 300}}},
        *({"type": "position", "id": "me", "at": at} for at in [[LON, LAT], *_BAD_POSITIONS]),
        *({"type": "subscribe", "id": "bad", "area": area} for area in _BAD_AREAS),
    ]
    heard: list[Message] = []
    for message in asked:
        # A connection each: after many errors in a row one is shown out.
        async with await connect_to(house.base) as socket, asyncio.timeout(20):
            for earlier in [*asked[:2], message]:
                await socket.send(json.dumps(earlier))
            await socket.send('{"type":"ping"}')
            while (one := json.loads(await socket.recv()))["type"] != "pong":
                heard.append(one)
    return heard


async def ask_at_the_doors(house: House) -> list[str]:
    """Post the route, well and badly, and ask by address; return what was answered but the route itself."""
    answers = []
    for body in (_FAR_LINE, {"type": "LineString", "coordinates": [[LON, LAT]]}, {"polygon": _LINE}, [LON, LAT]):
        data, headers = BytesIO(json.dumps(body).encode()), {"Content-Type": "application/json"}
        answers.append(await house.ask("POST", "/v1/areas", data=data, headers=headers))
    for question in _QUESTIONS:
        answers.append(await house.ask("GET", f"/v1/changes?{question}&wait=0"))
        async with house.client.get(f"{house.base}v1/stream/sse?{question}") as events:
            assert events.status in {200, 400}
    assert {answer.status for answer in answers} == {200, 400}
    return [answer.body.decode() for answer in answers]


async def test_nothing_tells_where_a_driver_is(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Whatever is asked, right or wrong, its places are in no answer but that to the route itself, and nowhere else."""
    with caplog.at_level(logging.DEBUG):
        async with opened(tmp_path) as house:
            posted = await house.ask("POST", "/v1/areas", json=_LINE)
            assert posted.status == 201
            assert told(posted.body.decode())
            heard = await drive(house)
            answers = await ask_at_the_doors(house)
            pages = [await house.ask("GET", path) for path in ("/metrics", "/status", "/v1/sync")]
    assert [one["code"] for one in heard if one["type"] == "error"]
    assert told(json.dumps(heard)) == []
    assert told("".join(answers)) == []
    assert told("".join(page.body.decode() for page in pages)) == []
    # What the client of this test says of its own frames is no log of the service.
    ours = [record.getMessage() for record in caplog.records if not record.name.startswith("websockets.client")]
    assert told("\n".join(ours)) == []
    assert files_with_secrets(tmp_path) == []
