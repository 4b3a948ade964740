"""The sockets of the doors: TCP for everybody, a unix socket in the data directory for programs of this machine."""

from __future__ import annotations

import errno
import logging
import os
import resource
import socket
import stat
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path

from aiohttp import web

from geoworks.errors import ConfigError, Problem

SOCKET_NAME = "geoworks.sock"
# A command that opened the town for a moment is no service: others must not lean on its doors.
COMMAND_SOCKET_NAME = "command.sock"
# The kernel takes about 107 bytes of path; a longer one is reached through its open folder.
_LONGEST_PATH = 100
_BACKLOG = 4096
# Connections that are taken over in one turn of the loop; asyncio would take all that wait, which may be thousands.
_ACCEPTED_AT_ONCE = 16
_PROBE_S = 2.0
# A connection of the stream has two descriptors: the transport's, and one to write straight to.
_FILES_PER_CONNECTION = 2
_OTHER_FILES = 256

_log = logging.getLogger(__name__)


@asynccontextmanager
async def listening(
    app: web.Application, *, data_dir: Path, host: str | None, port: int, connections: int, idle_s: float
) -> AsyncIterator[int]:
    """Serve `app` until the block ends and yield its TCP port; without a host on a command's socket alone (port 0).

    `connections` is how many of the stream there may be, `idle_s` how long a connection may be there without a whole
    request, from its beginning or the last one: aiohttp's own hour would be a descriptor held for nothing.

    Raises:
        ConfigError: the address is taken or not ours.

    """
    runner = web.AppRunner(app, handle_signals=False, access_log=None, shutdown_timeout=5.0, keepalive_timeout=idle_s)
    if host:
        _allow_files(connections)
    with _local_socket(data_dir / (SOCKET_NAME if host else COMMAND_SOCKET_NAME)) as local:
        try:
            await runner.setup()
            await web.SockSite(runner, local).start()
            yield await _listen_tcp(runner, host, port) if host else 0
        finally:
            # In-flight requests end before the parts behind them do.
            await runner.cleanup()


def _allow_files(connections: int) -> None:
    """Let this process open the files of so many connections, as far as it may: the usual limit is 1024."""
    needed = _FILES_PER_CONNECTION * connections + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
    if soft != resource.RLIM_INFINITY and allowed > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))
    if allowed < connections:
        _log.warning(
            "this process may open %s files and stream.connections is %s; "
            "raise the limit (ulimit -Hn, LimitNOFILE of the service) or lower the setting",
            allowed, connections,
        )  # fmt: skip


def tcp_fault(host: str, port: int) -> Problem | None:
    """Tell what would keep us from listening on an address now, or None."""
    try:
        for family, kind, protocol, _, address in socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        ):
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
    except OSError as error:
        return _tcp_fault(error, host, port)
    return None


def is_served(data_dir: Path) -> bool:
    """Tell whether a service answers on the local socket of a data directory."""
    path = data_dir / SOCKET_NAME
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe, reachable(path) as name:
            probe.settimeout(_PROBE_S)
            probe.connect(name)
    except OSError:
        return False
    return True


@contextmanager
def reachable(path: Path) -> Iterator[str]:
    """Yield a form of a socket's path that is short enough for the kernel."""
    if len(os.fsencode(path)) <= _LONGEST_PATH:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)


async def _listen_tcp(runner: web.AppRunner, host: str, port: int) -> int:
    bound = 0
    try:
        for family, _, _, _, address in socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        ):
            sock = socket.create_server(address, family=family)
            await web.SockSite(runner, sock, backlog=_ACCEPTED_AT_ONCE).start()
            # asyncio has one number for what waits with the kernel and for what it takes from there in one turn.
            sock.listen(_BACKLOG)
            bound = sock.getsockname()[1]
    except OSError as error:
        raise ConfigError(_tcp_fault(error, host, port)) from error
    return bound


def _tcp_fault(error: OSError, host: str, port: int) -> Problem:
    if error.errno == errno.EADDRINUSE:
        mend = "stop the program that listens there, or take another port (0 takes a free one)"
        return Problem("server.port", f"{port} on {host} is in use", mend)
    return Problem(
        "server.host", f"cannot listen on {host}:{port}: {error.strerror}", "set server.host and server.port"
    )


@contextmanager
def _local_socket(path: Path) -> Iterator[socket.socket]:
    """Open the local socket, readable by its owner alone; one left by a killed process is replaced."""
    # The lock of the data directory is ours by now, so whoever made this socket is gone.
    with suppress(FileNotFoundError):
        path.unlink()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as local, reachable(path) as name:
        before = os.umask(stat.S_IRWXG | stat.S_IRWXO)
        try:
            local.bind(name)
        finally:
            os.umask(before)
        local.setblocking(False)  # noqa: FBT003 - the name of the flag is the method's
        try:
            yield local
        finally:
            with suppress(FileNotFoundError):
                path.unlink()
