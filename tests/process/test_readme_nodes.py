"""The way from one file to many nodes, as the README has it: its settings and its five commands, each really run."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import aiohttp
from yarl import URL

from geoworks.cli.local import open_local
from geoworks.config.settings import Data, Settings
from tests.cli.terminal import SOURCE, travaux
from tests.deploy.nginx import free_port
from tests.left_out import left_out
from tests.postgres import Server, find_programs, running
from tests.process.nodes import accepts, status_of, until
from tests.process.service import WAIT_S, Service, address_of, feature, run, titles, toml
from tests.shared import ROOT

_SECTION = re.search(r"## From one file to many nodes\n(.*?)\n## ", (ROOT / "README.md").read_text(), re.DOTALL)


def _block(language: str) -> str:
    """Return the section's block in a language."""
    assert _SECTION
    (found,) = re.findall(rf"```{language}\n(.*?)```", _SECTION[1], re.DOTALL)
    return str(found)


def _here(text: str, server: Server, ports: Mapping[str, int]) -> str:
    """Return a text of the README with the server and the ports of the test."""
    text = re.sub(r"(?<=GEOWORKS_SERVER_PORT=)\d+", lambda found: str(ports[found[0]]), text)
    return text.replace("@localhost/town", f"@/town?host={server.folder}")


def _environment(server: Server) -> dict[str, str]:
    """Return what a superuser of the database has in a shell."""
    programs = find_programs() or left_out("PostgreSQL with PostGIS is not installed (on Debian: postgresql-postgis)")
    path = os.pathsep.join((str(Path(sys.executable).parent), str(programs), os.environ["PATH"]))
    return os.environ | {"PATH": path, "PGHOST": str(server.folder), "PGUSER": "postgres"}


async def _done(command: str, folder: Path, environment: Mapping[str, str]) -> None:
    """Run a command of the README to its good end."""
    process = await asyncio.create_subprocess_shell(command, cwd=folder, env=environment, stdout=PIPE, stderr=PIPE)
    async with asyncio.timeout(WAIT_S):
        out, err = await process.communicate()
    assert process.returncode == 0, (command, out, err)


@asynccontextmanager
async def _started(command: str, folder: Path, environment: Mapping[str, str]) -> AsyncIterator[Service]:
    """Run a command of the README that goes on in the background, until the block ends."""
    plain, ampersand, rest = command.partition(" &")
    assert (ampersand, rest) == (" &", "")
    process = await asyncio.create_subprocess_shell(f"exec env {plain}", cwd=folder, env=environment, stdout=PIPE)
    try:
        yield Service(folder, process, await address_of(process))
        process.terminate()
        async with asyncio.timeout(WAIT_S):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_five_commands(tmp_path: Path) -> None:
    """A town in a file is served by a worker and two gateways afterwards, with what was in it, its maps and one log."""
    commands = _block("sh").splitlines()
    assert len(commands) == 5
    (tmp_path / "travaux.geojson").write_text(travaux({"1": "of the file"}))
    assert await run(tmp_path, "sync", "voirie", config=toml(*SOURCE)) == (0, "")
    with running() as server:
        environment, ports = _environment(server), {port: free_port() for port in ("8080", "8081", "8090")}
        made, moved, *served = (_here(command, server, ports) for command in commands)
        await _done(made, tmp_path, environment)
        settings = _here(_block("toml"), server, ports)
        (tmp_path / "config.toml").write_text("\n".join(("[server]", "drain_s = 5.0", *SOURCE, settings)))
        await _done(moved, tmp_path, environment)
        async with AsyncExitStack() as stack:
            worker, north, south = [
                await stack.enter_async_context(_started(one, tmp_path, environment)) for one in served
            ]
            for service, role in ((worker, "worker"), (north, "gateway"), (south, "gateway")):
                assert (await status_of(service))["node"]["role"] == role
            await _is_one_town(north, south)


async def _is_one_town(north: Service, south: Service) -> None:
    """See that both show what was moved, what is posted at one of them, and the maps."""
    async with open_local(Settings(data=Data(dir=str(north.folder / "nodes" / "north")))) as town:
        key = (await town.post("/v1/keys", {"name": "readme", "role": "staff"}))["key"]
    headers = {"Authorization": f"Bearer {key}"}
    await until(lambda: accepts(south, headers))
    async with aiohttp.ClientSession() as client:
        async with client.post(south.base.join(URL("/v1/works")), json=feature("posted"), headers=headers) as answer:
            assert answer.status == 201, await answer.text()

        async def shown() -> bool:
            both = [set((await titles(client, place.base)).values()) for place in (north, south)]
            return both == [{"of the file", "posted"}] * 2

        await until(shown)

        async def have_maps() -> bool:
            codes = [await _status(client, place.base.join(URL("/maps/overview.html"))) for place in (north, south)]
            return codes == [200, 200]

        await until(have_maps)


async def _status(client: aiohttp.ClientSession, url: URL) -> int:
    async with client.get(url) as answer:
        return answer.status
