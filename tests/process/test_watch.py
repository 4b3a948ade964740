"""`geoworks watch` beside a real service that stops and comes back."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import signal
import socket
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from yarl import URL

from tests.process.service import GEOWORKS, WAIT_S, Service, feature, run, serving, toml

_TRACK = "".join(f'<trkpt lon="{lon}" lat="{lat}"/>' for lon, lat in feature("")["geometry"]["coordinates"])
_GPX = f'<?xml version="1.0"?><gpx><trk><trkseg>{_TRACK}</trkseg></trk></gpx>'


@asynccontextmanager
async def watching(folder: Path, *arguments: str, stdout: int = PIPE) -> AsyncIterator[Process]:
    """Run `geoworks watch` while the block lasts; what it says on standard error goes to a file."""
    with (folder / "watch-stderr").open("wb") as stderr:
        terminal = {**os.environ, "TERM": "xterm"}
        process = await asyncio.create_subprocess_exec(
            GEOWORKS, "watch", *arguments, stdout=stdout, stderr=stderr, limit=1 << 20, env=terminal
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def hear(watcher: Process) -> dict[str, Any]:
    """Take the next line that tells something of the town."""
    assert watcher.stdout
    async with asyncio.timeout(WAIT_S):
        while True:
            message: dict[str, Any] = json.loads(await watcher.stdout.readline())
            if message["type"] != "lost":
                return message


async def post(service: Service, title: str) -> None:
    """Post a works."""
    headers = await service.key()
    async with (
        aiohttp.ClientSession() as client,
        client.post(service.base.join(URL("/v1/works")), json=feature(title), headers=headers) as answer,
    ):
        assert answer.status == 201


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
    return port


async def test_lines_of_json(tmp_path: Path) -> None:
    """Every message is a line; after the service was killed and came back, the watcher goes on where it was."""
    port = free_port()
    config = toml().replace("port = 0", f"port = {port}")
    async with serving(tmp_path, config=config) as service:
        await post(service, "before")
        async with watching(tmp_path, f"http://127.0.0.1:{port}", "--json") as watcher:
            assert [(await hear(watcher))["type"] for _ in range(2)] == ["snapshot", "caught_up"]
            await post(service, "live")
            assert (await hear(watcher))["feature"]["properties"]["title"] == "live"
            await service.kill()
            async with serving(tmp_path, config=config) as again:
                await post(again, "afterwards")
                # No snapshot: the log is gone on with.
                heard = [await hear(watcher), await hear(watcher)]
                assert {message["type"] for message in heard} == {"put", "caught_up"}
                (put,) = (message for message in heard if message["type"] == "put")
                assert put["feature"]["properties"]["title"] == "afterwards"
            watcher.send_signal(signal.SIGINT)
            assert await watcher.wait() == 130
    said = (tmp_path / "watch-stderr").read_text()
    assert re.search(r"trying again in \d", said)
    assert "Traceback" not in said


async def test_table(tmp_path: Path) -> None:
    """On a terminal a table is drawn, and drawn again with each change; Ctrl-C leaves it standing."""
    screen, end = pty.openpty()
    async with serving(tmp_path) as service, watching(tmp_path, str(service.base), stdout=end) as watcher:
        os.close(end)
        await until_shown(screen, "0 works")
        await post(service, "Rue [red]de[/] Montlhéry")
        await until_shown(screen, "Rue [red]de[/] Montlhéry")
        await post(service, "Avenue Jean Vilar")
        await until_shown(screen, "2 works")
        watcher.send_signal(signal.SIGINT)
        assert await watcher.wait() == 130
    os.close(screen)
    assert (tmp_path / "watch-stderr").read_text() == ""


async def test_route(tmp_path: Path) -> None:
    """A route in a file is left at the town, and again after the service was killed and has forgotten it."""
    port = free_port()
    config = toml().replace("port = 0", f"port = {port}")
    (tmp_path / "way.gpx").write_text(_GPX)
    async with serving(tmp_path, config=config) as service:
        await post(service, "on the way")
        arguments = (f"http://127.0.0.1:{port}", "--route", str(tmp_path / "way.gpx"), "--corridor", "30", "--json")
        async with watching(tmp_path, *arguments, "--vehicle", "hgv,height_m=3.9", "--horizon", "12h") as watcher:
            snapshot = await hear(watcher)
            assert [one["properties"]["title"] for one in snapshot["features"]] == ["on the way"]
            assert (await hear(watcher))["type"] == "caught_up"
            await service.kill()
            async with serving(tmp_path, config=config) as again:
                while (await hear(watcher))["type"] != "caught_up":
                    pass
                await post(again, "afterwards")
                assert (await hear(watcher))["feature"]["properties"]["title"] == "afterwards"
    said = (tmp_path / "watch-stderr").read_text()
    assert "Traceback" not in said


async def test_table_of_a_route(tmp_path: Path) -> None:
    """The table says which route it is about and how long that is."""
    screen, end = pty.openpty()
    (tmp_path / "way.geojson").write_text(json.dumps(feature("")["geometry"]))
    async with serving(tmp_path) as service:
        await post(service, "on the way")
        arguments = (str(service.base), "--route", str(tmp_path / "way.geojson"), "--depart", "now", "--speed", "30")
        async with watching(tmp_path, *arguments, stdout=end) as watcher:
            os.close(end)
            await until_shown(screen, "way.geojson (0.2 km)", "on the way")
            watcher.send_signal(signal.SIGINT)
            assert await watcher.wait() == 130
    os.close(screen)


async def until_shown(screen: int, *texts: str) -> None:
    """Read what a terminal shows until all of some texts are there; they may come at once or one after the other."""
    loop, shown = asyncio.get_running_loop(), ""
    async with asyncio.timeout(WAIT_S):
        while not all(text in shown for text in texts):
            ready = loop.create_future()
            loop.add_reader(screen, ready.set_result, None)
            try:
                await ready
            finally:
                loop.remove_reader(screen)
            shown += os.read(screen, 65536).decode("utf-8", "replace")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["http://127.0.0.1:9"], "give the address that `geoworks serve` printed"),
        (["ftp://example.org"], "'ftp://example.org' is no address of a town"),
        (["http://[::1"], "is no address of a town"),
        (["--bbox", "1,2,3"], "'1,2,3' is no box"),
        (["--route", "nothing.gpx"], "nothing.gpx: cannot be read: No such file"),
        (["--route", "config.toml", "--depart", "yesterday"], "give now, 07:30 or 2026-11-27T07:30"),
        (["--vehicle", "tank"], "'tank' is no class of vehicle"),
        (["--vehicle", "hgv,height=3"], "give sizes as height_m=3.9"),
        (["--vehicle", "hgv,height_m=high"], "'height_m=high' is no size"),
        (["--horizon", "soon"], "give 90min, 12h, 2d"),
    ],
)
async def test_wrong_use(tmp_path: Path, arguments: list[str], told: str) -> None:
    """What cannot be watched is told at once, with a way out; nothing is tried for ever."""
    code, said = await run(tmp_path, "watch", *arguments)
    assert (code, told in said, "Traceback" in said) == (1, True, False), said


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--zone", "a", "--bbox", "1,2,3,4"], "do not go together"),
        (["--zone", "a", "--route", "config.toml"], "do not go together"),
        (["--depart", "now"], "belong to --route"),
        (["--route", "config.toml", "--speed", "30"], "--speed belongs to --depart"),
        (["--route", "config.toml", "--corridor", "0"], "is not in the range"),
        (["--min-severity", "awful"], "'none', 'low', 'medium', 'high', 'blocked'"),
    ],
)
async def test_options_that_do_not_go_together(tmp_path: Path, arguments: list[str], told: str) -> None:
    """A command that is used wrongly ends with 2 and says how it is used."""
    code, said = await run(tmp_path, "watch", *arguments)
    assert (code, told in said) == (2, True), said


async def test_what_the_server_refuses(tmp_path: Path) -> None:
    """An area that the server refuses, and a server that has no stream, are told."""
    async with serving(tmp_path) as service:
        code, said = await run(tmp_path, "watch", str(service.base), "--bbox", "652000,6860000,653000,6861000")
        assert (code, "error the server: " in said) == (1, True), said
        code, said = await run(tmp_path, "watch", str(service.base.join(URL("/nowhere"))))
        assert (code, "404" in said) == (1, True), said
        code, said = await run(tmp_path, "watch", str(service.base), "--route", "config.toml")
        assert (code, "give a GPX file with a track, or GeoJSON with one line" in said) == (1, True), said
