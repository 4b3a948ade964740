"""The way of a command into the town: through the running server, else through one of its own for the moment.

Either way the command talks to the same doors over the local socket, so there is one way to do each thing.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from msgspec import Struct

from geoworks.app import open_doors, open_town
from geoworks.config.settings import Settings
from geoworks.errors import GeoworksError, Invalid, Problem, StoreBusy
from geoworks.web.listen import COMMAND_SOCKET_NAME, SOCKET_NAME, is_served, reachable

# An import of a large file may take its time; a hung server must not hold a command for ever.
_TIMEOUT = aiohttp.ClientTimeout(total=3600, sock_connect=5)
# Another command may hold the data directory for a moment, a service may be starting or stopping.
_WAIT_S = 10.0
_STEP_S = 0.1
_JSON = {"Content-Type": "application/json"}


class Refused(GeoworksError):
    """The server refused what a command asked for."""

    code = "refused"


class _Fault(Struct, frozen=True):
    where: str
    what: str
    mend: str = ""

    def named(self, sent: str) -> Problem:
        return Problem(sent if self.where == "body" else self.where, self.what, self.mend)


class _Document(Struct, frozen=True):
    title: str
    detail: str = ""
    problems: tuple[_Fault, ...] = ()


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
        options: dict[str, Any] = {"data": msgspec.json.encode(body), "headers": _JSON} if body is not None else {}
        return _decode(await self._ask("POST", path, **options))

    async def upload(self, path: str, file: Path) -> Any:  # noqa: ANN401 - any JSON
        """Post a file and return the answer, decoded; faults are told by the file's name."""
        form = aiohttp.FormData()
        # Opened by its number: aiohttp looks at a file's name, and not every name is text.
        with os.fdopen(os.open(file, os.O_RDONLY), "rb") as content:
            form.add_field("file", content, filename=_plain_name(file))
            return _decode(await self._ask("POST", path, sent=str(file), data=form))

    async def _ask(self, method: str, path: str, *, sent: str = "body", **options: Any) -> bytes:  # noqa: ANN401 - aiohttp's
        try:
            async with self._session.request(method, path, **options) as response:
                body = await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            fault = str(error) or type(error).__name__
            raise Refused(f"the running server does not answer ({fault}): is it stopping? try again") from error
        if not response.ok:
            raise _refusal(body, response.status, sent)
        return body


@asynccontextmanager
async def open_local(settings: Settings) -> AsyncIterator[LocalClient]:
    """Yield a client of the town that these settings name, running or opened for the moment.

    Raises:
        StoreBusy: a process holds the town and does not answer on its local socket.
        StoreError: the data directory cannot be used.

    """
    async with _served(settings) as socket, _connect(socket) as client:
        yield client


@asynccontextmanager
async def _served(settings: Settings) -> AsyncIterator[Path]:
    """Give a socket on which the town answers while the block runs: the service's, else one of our own."""
    data_dir = Path(settings.data.dir)
    patience = asyncio.get_running_loop().time() + _WAIT_S
    async with AsyncExitStack() as stack:
        while not is_served(data_dir):
            try:
                town = await stack.enter_async_context(open_town(settings))
            except StoreBusy:
                if asyncio.get_running_loop().time() > patience:
                    raise
                await asyncio.sleep(_STEP_S)
            else:
                await stack.enter_async_context(open_doors(town, listen=False))
                yield data_dir / COMMAND_SOCKET_NAME
                return
        yield data_dir / SOCKET_NAME


@asynccontextmanager
async def _connect(socket: Path) -> AsyncIterator[LocalClient]:
    with reachable(socket) as path:
        connector = aiohttp.UnixConnector(path)
        async with aiohttp.ClientSession("http://localhost", connector=connector, timeout=_TIMEOUT) as session:
            yield LocalClient(session)


def _plain_name(file: Path) -> str:
    """Return a name that any form can carry; only the ending means something, and those that do are ASCII."""
    return f"upload{file.suffix}" if file.suffix.isascii() else "upload"


def _decode(body: bytes) -> Any:  # noqa: ANN401 - any JSON
    return msgspec.json.decode(body) if body else None


def _refusal(body: bytes, status: int, sent: str) -> GeoworksError:
    """Return the error that a problem document (RFC 9457) tells; what it calls the body is what was sent."""
    try:
        document = msgspec.json.decode(body, type=_Document)
    except msgspec.DecodeError:
        return Refused(f"the server answered {status}; look into its log")
    if document.problems:
        return Invalid([problem.named(sent) for problem in document.problems])
    return Refused(document.detail or document.title)
