"""The way of a command into the town: through the running server, else through one of its own for the moment.

Either way the command talks to the same doors over the local socket, so there is one way to do each thing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from geoworks.app import open_doors, open_town
from geoworks.config.settings import Settings
from geoworks.errors import GeoworksError, StoreBusy
from geoworks.web.listen import SOCKET_NAME, reachable

# An import of a large file may take its time; a hung server must not hold a command for ever.
_TIMEOUT = aiohttp.ClientTimeout(total=3600, sock_connect=5)


class Refused(GeoworksError):
    """The server refused what a command asked for."""

    code = "refused"


class LocalClient:
    """Asks the doors of the town on this machine."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        """Ask over the connection of `session`."""
        self._session = session

    async def read(self, path: str) -> bytes:
        """Return what a door answers, as it is."""
        return await self._ask("GET", path)

    async def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 - any JSON
        """Post JSON, or nothing, and return the answer, decoded."""
        options = {"data": msgspec.json.encode(body), "headers": _JSON} if body is not None else {}
        return _decode(await self._ask("POST", path, **options))

    async def upload(self, path: str, file: Path) -> Any:  # noqa: ANN401 - any JSON
        """Post a file and return the answer, decoded."""
        form = aiohttp.FormData()
        with file.open("rb") as content:
            form.add_field("file", content, filename=file.name)
            return _decode(await self._ask("POST", path, data=form))

    async def _ask(self, method: str, path: str, **options: Any) -> bytes:  # noqa: ANN401 - aiohttp's options
        try:
            async with self._session.request(method, path, **options) as response:
                body = await response.read()
        except aiohttp.ClientError as error:
            raise Refused(f"the running server does not answer: {error}; is it stopping?") from error
        if not response.ok:
            raise Refused(_detail(body) or f"the server answered {response.status}")
        return body


_JSON = {"Content-Type": "application/json"}


@asynccontextmanager
async def open_local(settings: Settings) -> AsyncIterator[LocalClient]:
    """Yield a client of the town that these settings name, running or opened for the moment."""
    async with AsyncExitStack() as stack:
        try:
            town = await stack.enter_async_context(open_town(settings))
            await stack.enter_async_context(open_doors(town, listen=False))
        except StoreBusy:
            if not (Path(settings.data.dir) / SOCKET_NAME).exists():
                raise
        yield await stack.enter_async_context(_connect(settings))


@asynccontextmanager
async def _connect(settings: Settings) -> AsyncIterator[LocalClient]:
    with reachable(Path(settings.data.dir) / SOCKET_NAME) as path:
        connector = aiohttp.UnixConnector(path)
        async with aiohttp.ClientSession("http://localhost", connector=connector, timeout=_TIMEOUT) as session:
            yield LocalClient(session)


def _decode(body: bytes) -> Any:  # noqa: ANN401 - any JSON
    return msgspec.json.decode(body) if body else None


def _detail(body: bytes) -> str:
    """Return what a problem document (RFC 9457) says, with the mend of every fault."""
    try:
        document = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return ""
    if not isinstance(document, dict):
        return ""
    faults = [
        f"{fault.get('where', '')}: {fault.get('what', '')} ({fault.get('mend', '')})"
        for fault in document.get("problems", [])
    ]
    return "\n".join(faults) or str(document.get("detail") or document.get("title") or "")
