"""Many connections held by a process of its own, which counts what comes or notes when it came.

Clients may wait in two ways. *Asleep* until a socket is ready, as in life: then each message is taken, and answered by
the kernel, as it comes. But the server's `send()` wakes the sleeper at the server's expense when both are on one
machine, which clients elsewhere do not. *Awake*, they look at the sockets each millisecond: nobody is woken, but of
messages sent apart many are taken at once, as if the server had joined them. So one message at a time is counted
awake, and many at once asleep, where delay is measured too.

On one machine acknowledgements may be at the server's expense as well: those that a client's kernel gives as soon as
bytes come are made, and taken, within the server's `send()`. These clients give theirs when they read, on their own
core: see `_acknowledge_when_read`, and `Fanout` for the first ones after a rest.
"""

from __future__ import annotations

import re
import selectors
import socket
import time
from collections.abc import Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Protocol, Self

from msgspec import Struct
from websockets.frames import Frame, Opcode

from tests.bench.cores import CLIENT_CORE, allow_files, on_core

EVERYWHERE = '{"everywhere":true}'
FILES = 12_000
WAIT_S = 120
_POLL_S = 0.001
_BUFFER = 1 << 18
_MARK = re.compile(rb"mark (\d{8})")
# What may be the beginning of a mark.
_PART = 12


class Count(Struct, frozen=True):
    """An order: count so many bytes on all sockets together."""

    size: int
    awake: bool


class Watch(Struct, frozen=True):
    """An order: note when each of so many frames of one size comes to each socket."""

    size: int
    frames: int


class Hear(Struct, frozen=True):
    """An order: note when the text of each of so many marks (`mark`), from a number on, comes to each socket."""

    first: int
    count: int


class Client(Protocol):
    """How a client of one server makes itself heard."""

    def connect(self, port: int, number: int) -> socket.socket:
        """Connect the client with a number."""
        ...

    def settle(self, connection: socket.socket) -> None:
        """Wait for what comes by itself after connecting, once all are connected."""
        ...


class WebSocketClient(Struct, frozen=True):
    """A client of any WebSocket server; with `areas` it subscribes to one of them, in turn, and waits to be live."""

    path: str = "/"
    areas: tuple[str, ...] = ()
    receive_buffer: int | None = None

    def connect(self, port: int, number: int) -> socket.socket:
        """Connect, and subscribe."""
        connection = self._open(port)
        connection.sendall(handshake(self.path))
        heard = read_until(connection, b"\r\n\r\n")
        if self.areas:
            connection.sendall(subscribe(self.areas[number % len(self.areas)]))
            # The last field of the last message before going live.
            while b'"caught_up"' not in heard or not heard.endswith(b"}"):
                heard += connection.recv(65_536)
        return connection

    def settle(self, connection: socket.socket) -> None:
        """Wait for nothing."""

    def _open(self, port: int) -> socket.socket:
        connection = socket.socket()
        connection.settimeout(WAIT_S)
        if self.receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.receive_buffer)
        connection.connect(("127.0.0.1", port))
        return connection


class NatsClient(Struct, frozen=True):
    """A subscriber of one NATS subject."""

    subject: str

    def connect(self, port: int, number: int) -> socket.socket:  # noqa: ARG002 - all ask for the same
        """Connect and subscribe."""
        connection = socket.create_connection(("127.0.0.1", port), timeout=WAIT_S)
        options = b'{"verbose":false,"pedantic":false}'
        connection.sendall(b"CONNECT %s\r\nSUB %s 1\r\nPING\r\n" % (options, self.subject.encode()))
        read_until(connection, b"PONG\r\n")
        return connection

    def settle(self, connection: socket.socket) -> None:
        """Answer the ping that the server sends two seconds after connecting."""
        read_until(connection, b"PING\r\n")
        connection.sendall(b"PONG\r\n")


class Listeners:
    """So many clients of a server, in a process on the clients' core."""

    def __init__(self, client: Client, port: int, sockets: int) -> None:
        """Connect them all and wait until every one is live."""
        spawn = get_context("spawn")
        self.sockets = sockets
        self._pipe, far = spawn.Pipe()
        self._process = spawn.Process(target=_listen, args=(far, client, port, sockets), daemon=True)
        with on_core(CLIENT_CORE):
            self._process.start()
        assert receive(self._pipe) == "ready"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pipe.send("end")
        self._process.join(WAIT_S)

    def count(self, size: int, *, awake: bool) -> None:
        """Wait until every socket has been sent so many bytes."""
        self._pipe.send(Count(size * self.sockets, awake))
        assert receive(self._pipe) == "done"

    def watch(self, size: int, frames: int) -> None:
        """Begin to note when each of so many frames of `size` bytes comes to each socket."""
        self._pipe.send(Watch(size, frames))

    def hear(self, first: int, count: int) -> None:
        """Begin to note when the text of each of so many marks, from a number on, comes to each socket."""
        self._pipe.send(Hear(first, count))

    def moments(self) -> Sequence[Sequence[float]]:
        """Wait until all the frames, or marks, have come; return for each when it came to the sockets, in seconds."""
        noted = receive(self._pipe)
        assert isinstance(noted, list)
        return noted


def receive(pipe: Connection) -> object:
    """Take the next word of a process, within a limit."""
    if not pipe.poll(WAIT_S):
        message = "a process of the benchmark does not answer"
        raise TimeoutError(message)
    return pipe.recv()


def mark(number: int) -> str:
    """Return the text by which clients know a change, of one length for all numbers."""
    return f"mark {number:08}"


def handshake(path: str) -> bytes:
    """Return the request that opens a WebSocket."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


def subscribe(area: str) -> bytes:
    """Return the frame that asks for an area, given as JSON."""
    text = f'{{"type":"subscribe","id":"all","area":{area}}}'
    return Frame(Opcode.TEXT, text.encode()).serialize(mask=True)


def read_until(connection: socket.socket, end: bytes) -> bytes:
    """Read up to the first bytes that hold `end`; raise when the server leaves."""
    heard = b""
    while end not in heard:
        came = connection.recv(65_536)
        if not came:
            message = f"the server closed the connection after {heard[-200:]!r}"
            raise ConnectionError(message)
        heard += came
    return heard


def _listen(pipe: Connection, client: Client, port: int, count: int) -> None:
    """Hold the connections and do what the pipe says: a number of bytes to count, frames to time, or the end."""
    allow_files(FILES)
    connections = [client.connect(port, number) for number in range(count)]
    selector = selectors.DefaultSelector()
    for connection in connections:
        client.settle(connection)
        _acknowledge_when_read(connection)
        connection.setblocking(False)
        selector.register(connection, selectors.EVENT_READ)
    pipe.send("ready")
    buffer = bytearray(_BUFFER)
    while (order := pipe.recv()) != "end":
        if isinstance(order, Count):
            _count(selector, order, buffer)
            pipe.send("done")
        elif isinstance(order, Hear):
            pipe.send(_hear(selector, order))
        else:
            pipe.send(_note(selector, order, buffer))


def _acknowledge_when_read(connection: socket.socket) -> None:
    """Have what comes acknowledged when it is read, whether the client has spoken or not.

    For one that has just spoken, as those who subscribe have, the kernel would wait for more words to send along, and
    meanwhile acknowledge every second message as it comes.
    """
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def _count(selector: selectors.BaseSelector, order: Count, buffer: bytearray) -> None:
    missing = order.size
    deadline = time.monotonic() + WAIT_S
    while missing > 0 and time.monotonic() < deadline:
        if order.awake:
            time.sleep(_POLL_S)
        for key, _ in selector.select(0 if order.awake else 1):
            assert isinstance(key.fileobj, socket.socket)
            missing -= key.fileobj.recv_into(buffer)
    # A few bytes more are a heartbeat: ours has one for another socket each second.
    assert missing <= 0, f"{missing} bytes are missing"


def _note(selector: selectors.BaseSelector, order: Watch, buffer: bytearray) -> list[list[float]]:
    """Note when the end of each frame comes, by its place in the order of frames."""
    noted: list[list[float]] = [[] for _ in range(order.frames)]
    come = dict.fromkeys((key.fd for key in selector.get_map().values()), 0)
    missing = len(come) * order.frames
    while missing:
        ready = selector.select(WAIT_S)
        assert ready, f"{missing} frames are missing"
        for key, _ in ready:
            assert isinstance(key.fileobj, socket.socket)
            begun = come[key.fd] // order.size
            come[key.fd] += key.fileobj.recv_into(buffer)
            ended = come[key.fd] // order.size
            now = time.monotonic()
            for frame in noted[begun:ended]:
                frame.append(now)
            missing -= ended - begun
    return noted


def _hear(selector: selectors.BaseSelector, order: Hear) -> list[list[float]]:
    """Note when each mark comes, by its place in the order of numbers."""
    noted: list[list[float]] = [[] for _ in range(order.count)]
    rests = dict.fromkeys((key.fd for key in selector.get_map().values()), b"")
    missing = len(rests) * order.count
    deadline = time.monotonic() + WAIT_S
    while missing:
        assert time.monotonic() < deadline, f"{missing} marks are missing"
        for key, _ in selector.select(1):
            assert isinstance(key.fileobj, socket.socket)
            heard, end = rests[key.fd] + key.fileobj.recv(_BUFFER), 0
            now = time.monotonic()
            for found in _MARK.finditer(heard):
                noted[int(found[1]) - order.first].append(now)
                missing, end = missing - 1, found.end()
            rests[key.fd] = heard[max(end, len(heard) - _PART) :]
    return noted
