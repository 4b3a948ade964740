"""Fan-out: one change to many sockets with the same subscription, injected after the commit.

Each server has a process of its own, and so have its clients, which only count bytes. What counts is the CPU time
of the server's process, from the change to its bytes being in every client.
"""

from __future__ import annotations

import selectors
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from multiprocessing import get_context
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self

from websockets.frames import Frame, Opcode

from tests.bench.fanout_servers import Run, allow_sockets, serve_ours, serve_peer
from tests.bench.row import Growth, Row

SOCKETS = (100, 300, 1000)
ROUNDS = 7
# Further apart than changes are joined, so each is written alone.
APART = Run(changes=40, pause_s=0.01)
# Less than the high-water mark: a client that falls behind is sent the latest state only, which is less.
TOGETHER = Run(changes=60, pause_s=0)
TARGET = 1.5
_WAIT_S = 120
_HANDSHAKE = (
    b"GET /v1/stream HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
_SUBSCRIBE = Frame(Opcode.TEXT, b'{"type":"subscribe","id":"all","area":{"everywhere":true}}').serialize(mask=True)


class Fanout:
    """One server with its clients."""

    def __init__(self, serve: Callable[[Connection], None], sockets: int, *, subscribe: bool) -> None:
        """Start both and wait until every client is live."""
        spawn = get_context("spawn")
        self.sockets = sockets
        self._server_pipe, far = spawn.Pipe()
        self._server = spawn.Process(target=serve, args=(far,), daemon=True)
        self._server.start()
        port = _receive(self._server_pipe)
        self._client_pipe, far = spawn.Pipe()
        self._clients = spawn.Process(target=count_bytes, args=(far, port, sockets, subscribe), daemon=True)
        self._clients.start()
        assert _receive(self._client_pipe) == "ready"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for pipe, process in ((self._client_pipe, self._clients), (self._server_pipe, self._server)):
            pipe.send("end")
            process.join(_WAIT_S)

    def cpu_s(self, run: Run) -> float:
        """Return the server's CPU seconds for a run, until every client has every byte."""
        self._server_pipe.send(run)
        size = _receive(self._server_pipe)
        assert isinstance(size, int)
        self._client_pipe.send(size * self.sockets)
        assert _receive(self._client_pipe) == "done"
        self._server_pipe.send(None)
        seconds = _receive(self._server_pipe)
        assert isinstance(seconds, float)
        return seconds

    def deliveries_per_s(self, run: Run) -> float:
        """Return how many deliveries one CPU second of the server makes."""
        return run.changes * self.sockets / self.cpu_s(run)


def rows() -> Iterator[Row | Growth]:
    """Compare with `websockets.broadcast` at each size; the largest is the row."""
    for sockets in SOCKETS:
        with ExitStack() as stack:
            ours = stack.enter_context(Fanout(serve_ours, sockets, subscribe=True))
            peer = stack.enter_context(Fanout(serve_peer, sockets, subscribe=False))
            apart = _compare(ours, peer, APART)
            together = _compare(ours, peer, TOGETHER)
        yield Growth("fan-out, each change alone: CPU per delivery, by sockets", sockets, 1 / apart[0])
        yield Growth("fan-out, changes joined: CPU per delivery, by sockets", sockets, 1 / together[0])
    unit = "deliveries/CPU s"
    yield Row("fan-out of one change to 1000 sockets", *apart, apart[0] / apart[1], TARGET, unit)
    yield Row("fan-out of 60 changes at once to 1000 sockets", *together, together[0] / together[1], TARGET, unit)


def _compare(ours: Fanout, peer: Fanout, run: Run) -> tuple[float, float]:
    """Return the best of each, run in turn: whatever else the machine does only takes away."""
    pairs = [(ours.deliveries_per_s(run), peer.deliveries_per_s(run)) for _ in range(ROUNDS)]
    return max(pair[0] for pair in pairs), max(pair[1] for pair in pairs)


def _receive(pipe: Connection) -> object:
    """Take the next word of a process, within a limit."""
    if not pipe.poll(_WAIT_S):
        message = "a process of the benchmark does not answer"
        raise TimeoutError(message)
    return pipe.recv()


def count_bytes(pipe: Connection, port: int, count: int, subscribe: bool) -> None:  # noqa: FBT001 - arguments of a process come by place
    """Hold so many connections and count what comes: told how many bytes to expect, say when they are here."""
    allow_sockets()
    selector = selectors.DefaultSelector()
    for _ in range(count):
        selector.register(_connect(port, subscribe=subscribe), selectors.EVENT_READ)
    pipe.send("ready")
    buffer = bytearray(1 << 18)
    while (expected := pipe.recv()) != "end":
        while expected > 0:
            for key, _ in selector.select(_WAIT_S):
                assert isinstance(key.fileobj, socket.socket)
                expected -= key.fileobj.recv_into(buffer)
        pipe.send("done")


def _connect(port: int, *, subscribe: bool) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(_HANDSHAKE)
    heard = b""
    while b"\r\n\r\n" not in heard:
        heard += connection.recv(65_536)
    if subscribe:
        connection.sendall(_SUBSCRIBE)
        # The last field of the last message before going live.
        while b'"caught_up"' not in heard or not heard.endswith(b"}"):
            heard += connection.recv(65_536)
    connection.setblocking(False)
    return connection
