"""What a citizen wrote is nobody's until it is released: swept over every door that anybody may open."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import permutations
from pathlib import Path

import pytest

from geoworks.model.change import Kind
from geoworks.parts import build_maps
from geoworks.pipeline.keys import Role
from geoworks.web.pages import PAGES
from geoworks.web.route import ANYONE
from geoworks.web.server import DOORS
from tests.pipeline.pictures import picture
from tests.web.citizen import a_report, filed, send
from tests.web.conftest import Post
from tests.web.house import House

SECRET = "Camille-Dupont-0612345678"
# Each is a door of moderators with what is sent to it; `release` alone lets the public see.
MOVES = {
    "release": ("release", {"released": True}),
    "hide": ("release", {"released": False}),
    "answer": ("status", {"status": "accepted", "answer": f"Merci {SECRET}"}),
    "close": ("status", {"status": "resolved"}),
}


def open_addresses(house: House, report: str) -> list[str]:
    """Return every address that anybody may read, filled with what is there, and ways to look for the report."""
    paths = [door.path for door in DOORS if door.method == "GET" and door.allow is ANYONE]
    names = {"{id}": report, "{number}": "1", "{token}": "unknown", "{source}": house.source.name}
    for name, value in names.items():
        paths = [path.replace(name, value) for path in (*paths, *(PAGES if name == "{id}" else ()))]
    queries = ("status=received,resolved,withdrawn", "bbox=2,48,3,49", "category=chaussee", f"after={report[:-1]}")
    return [*paths, *(f"/v1/reports?{query}" for query in queries), f"/v1/reports/{report}/history"]


async def doors_with(house: House, words: str, addresses: list[str]) -> list[str]:
    """Return the addresses whose answers hold some words, in the body or the headers."""
    found = []
    for address in addresses:
        answer = await house.ask("GET", address, allow_redirects=False)
        if words.encode() in answer.body or words in str(answer.headers):
            found.append(address)
    return found


@asynccontextmanager
async def listening_to_all(house: House, heard: list[str]) -> AsyncIterator[None]:
    """Note what a client hears who listens to everything while the block runs, up to the last change."""
    async with house.client.ws_connect(house.base / "v1/stream", protocols=["geoworks.v1"]) as ws:
        await ws.send_json({"type": "subscribe", "id": "all", "area": {"everywhere": True}})
        async with asyncio.timeout(30):
            while '"caught_up"' not in (text := await ws.receive_str()):
                heard.append(text)
            yield
            last = f'"{house.town.state.cursor}"'
            while last not in (text := await ws.receive_str()):
                heard.append(text)
            heard.append(text)


async def test_nothing_shows_before_the_release(
    house: House, post: Post, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    """Neither text, place, answer, photo nor link is on any open door, in the stream, on a map or in a log."""
    await post("Réseau d'eau")
    heard: list[str] = []
    with caplog.at_level(logging.DEBUG):
        async with listening_to_all(house, heard):
            report = a_report(f"Un trou chez {SECRET}", place=f"12 rue {SECRET}")
            said = await filed(house, report, [picture()])
            moderator = await house.as_role(Role.MODERATOR)
            door, body = MOVES["answer"]
            await house.ask("POST", f"/v1/reports/{said['id']}/{door}", json=body, headers=moderator)
            await house.ask("GET", "/v1/reports/queue", headers=moderator)
            await house.ask("GET", f"/v1/reports/follow/{said['token']}")
            await send(house, a_report(f"{SECRET}" * 200))
        addresses = open_addresses(house, said["id"])
        secret = said["token"].partition("-")[2]
        assert await doors_with(house, SECRET, addresses) == []
        assert await doors_with(house, secret, addresses) == []
    photo = await house.ask("GET", f"/v1/reports/{said['id']}/photos/1?token={said['token']}")
    collections = {kind.value: house.town.state.collection(kind) for kind in Kind}
    maps = await build_maps(house.town.settings, collections, tmp_path / "out")
    assert photo.body[:3] == b"\xff\xd8\xff"
    assert said["id"] in "".join(heard)
    for words in (SECRET, secret):
        assert words not in "".join(heard)
        assert words not in caplog.text
        assert not [path.name for path in maps if words in path.read_text()]


async def test_the_sweep_finds_what_is_released(house: House) -> None:
    """The same sweep finds the words on open doors once they are released: it looks where they would be."""
    said = await filed(house, a_report(f"Un trou chez {SECRET}"))
    moderator = await house.as_role(Role.MODERATOR)
    await house.ask("POST", f"/v1/reports/{said['id']}/release", headers=moderator)
    found = await doors_with(house, SECRET, open_addresses(house, said["id"]))
    assert {"/v1/reports", f"/v1/reports/{said['id']}"} <= set(found)


async def test_whatever_moderators_do_only_a_release_shows(house: House) -> None:
    """In every order of moves the public sees the words exactly while they are released, and answers never."""
    moderator = await house.as_role(Role.MODERATOR)
    for order in permutations(MOVES):
        said = await filed(house, a_report(f"Un trou chez {SECRET}"))
        released = False
        for move in order:
            door, body = MOVES[move]
            await house.ask("POST", f"/v1/reports/{said['id']}/{door}", json=body, headers=moderator)
            released = {"release": True, "hide": False}.get(move, released)
            answer = await house.ask("GET", f"/v1/reports/{said['id']}")
            assert (SECRET.encode() in answer.body) == released, (order, move)
            assert b"Merci" not in answer.body
        await house.ask("DELETE", f"/v1/reports/follow/{said['token']}")
        assert SECRET.encode() not in (await house.ask("GET", f"/v1/reports/{said['id']}")).body
