"""Clients that come, are cut, and all come back at once, in a process of their own."""

from __future__ import annotations

import errno
import json
import selectors
import socket
import time
from collections import Counter
from collections.abc import Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection
from types import TracebackType
from typing import Self

import msgspec
from msgspec import Struct
from websockets.frames import Frame, Opcode

from tests.bench import returning
from tests.bench.cores import CLIENT_CORE, allow_files, on_core
from tests.bench.listeners import handshake, receive

_TEXT = 0x81
_LENGTH_16, _LENGTH_64 = 126, 127
_HEAD, _HEAD_16, _HEAD_64 = 2, 4, 10
_BUFFER = 1 << 18
_OTHER_FILES = 256
WITHIN_S = 110.0


class Come(Struct, frozen=True):
    """An order: connect to a port, all at once, and tell when every client has what it should have."""

    port: int


class Stay(Struct, frozen=True):
    """An order: stay until the server has told each client a cursor."""

    cursor: str


class Arrived(Struct, frozen=True):
    """How it went: how many clients have exactly what they should, and the seconds until the last one had it."""

    right: int
    took_s: float
    faults: Counter[str]


class Feature(Struct, frozen=True):
    """Of a feature: its id."""

    id: str


class Heard(Struct, frozen=True):
    """A message of the server."""

    type: str
    cursor: str | None = None
    id: str | None = None
    filters: str = ""
    feature: Feature | None = None


_DECODER = msgspec.json.Decoder(Heard)


class Returner:
    """One client: what it asks, where it is in the log, and what it was told on this connection."""

    def __init__(self, number: int) -> None:
        """Ask about an area of its own."""
        self.number = number
        self.cursor = ""
        self.filters = ""
        self.caught_up = False
        self.puts: list[str] = []
        self.removes: list[str] = []
        self.faults: list[str] = []
        self._due = returning.due(number)
        self._buffer = bytearray()
        self.is_open = False

    def connect(self, port: int) -> socket.socket:
        """Begin to connect."""
        self.caught_up, self.is_open = False, False
        self.puts.clear()
        self.removes.clear()
        self._buffer.clear()
        connection = socket.socket()
        connection.setblocking(False)
        fault = connection.connect_ex(("127.0.0.1", port))
        assert fault in {0, errno.EINPROGRESS}, errno.errorcode[fault]
        return connection

    def hear(self, data: memoryview) -> bytes:
        """Take bytes; return what it says to them."""
        self._buffer += data
        said = b"" if self.is_open else self._shake_hands()
        for text in _frames(self._buffer) if self.is_open else ():
            self._take(_DECODER.decode(text))
        return said

    def _shake_hands(self) -> bytes:
        """Take the answer to the request, once it is there; return what to ask then."""
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return b""
        assert self._buffer.startswith(b"HTTP/1.1 101"), bytes(self._buffer[:200])
        del self._buffer[: end + 4]
        self.is_open = True
        return Frame(Opcode.TEXT, json.dumps(self._asking()).encode()).serialize(mask=True)

    def has_all(self, *, was_away: bool) -> bool:
        """Tell whether it has caught up, and has as many messages as are due."""
        if not was_away:
            return self.caught_up
        puts, removes = self._due
        return self.caught_up and len(self.puts) >= len(puts) and len(self.removes) >= len(removes)

    def check(self) -> None:
        """Note what it was told too often, too seldom, or wrongly, since it came back."""
        puts, removes = self._due
        for what, told, due in (("put", self.puts, puts), ("remove", self.removes, removes)):
            if len(told) != len(set(told)):
                self.faults.append(f"a {what} came twice")
            if set(told) != due:
                self.faults.append(f"a {what} was missing, or too much")

    def _asking(self) -> dict[str, object]:
        wanted = {"id": "all", "area": json.loads(returning.area(self.number)), "kinds": ["works"]}
        if not self.cursor:
            return {"type": "subscribe", **wanted}
        return {"type": "resume", "since": self.cursor, "filters": self.filters, "subscriptions": [wanted]}

    def _take(self, heard: Heard) -> None:
        if heard.type == "put" and heard.feature is not None:
            self.puts.append(heard.feature.id)
        elif heard.type == "remove" and heard.id is not None:
            self.removes.append(heard.id)
        elif heard.type == "caught_up":
            self.caught_up, self.filters = True, heard.filters
        elif heard.type in {"resync", "error"}:
            self.faults.append(heard.type)
        if heard.cursor is not None and heard.type != "hello":
            if heard.type == "put" and _offset(heard.cursor) <= _offset(self.cursor):
                self.faults.append("the cursor went back")
            self.cursor = heard.cursor


class Returners:
    """So many of them, in a process on the clients' core."""

    def __init__(self, count: int) -> None:
        """Begin, connected to nothing."""
        spawn = get_context("spawn")
        self._pipe, far = spawn.Pipe()
        self._process = spawn.Process(target=_obey, args=(far, count), daemon=True)
        with on_core(CLIENT_CORE):
            self._process.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.join()

    def come(self, port: int) -> None:
        """Have all connect at once."""
        self._pipe.send(Come(port))

    def stay(self, cursor: str) -> None:
        """Have all stay until each knows that the log ends at a cursor."""
        self._pipe.send(Stay(cursor))

    def arrived(self) -> Arrived:
        """Wait until all have what they should."""
        arrived = receive(self._pipe)
        assert isinstance(arrived, Arrived)
        return arrived


def _obey(pipe: Connection, count: int) -> None:
    allow_files(count + _OTHER_FILES)
    crowd = _Crowd([Returner(number) for number in range(count)])
    while True:
        order = pipe.recv()
        pipe.send(crowd.come(order.port) if isinstance(order, Come) else crowd.stay(order.cursor))


class _Crowd:
    """All clients and their sockets."""

    def __init__(self, clients: list[Returner]) -> None:
        self._clients = clients
        self._sockets: list[socket.socket] = []
        self._selector = selectors.DefaultSelector()
        self._buffer = memoryview(bytearray(_BUFFER))
        self._was_away = False
        self._port = 0

    def come(self, port: int) -> Arrived:
        """Connect all, and follow them until each has what it should."""
        self._leave()
        begin = time.monotonic()
        self._port = port
        for client in self._clients:
            self._connect(client)
        waiting = {client.number for client in self._clients}
        while waiting and time.monotonic() < begin + WITHIN_S:
            waiting -= {one.number for one in self._turn() if one.has_all(was_away=self._was_away)}
        return self._tell(len(self._clients) - len(waiting), time.monotonic() - begin)

    def stay(self, cursor: str) -> Arrived:
        """Follow all until each was told a cursor; then check what they were told."""
        begin = time.monotonic()
        while any(one.cursor != cursor for one in self._clients) and time.monotonic() < begin + WITHIN_S:
            for _ in self._turn():
                pass
        right = 0
        for client in self._clients:
            client.check()
            right += client.cursor == cursor and not client.faults
        return self._tell(right, time.monotonic() - begin)

    def _connect(self, client: Returner) -> None:
        connection = client.connect(self._port)
        self._sockets.append(connection)
        self._selector.register(connection, selectors.EVENT_WRITE, client)

    def _turn(self) -> Iterator[Returner]:
        """Serve the sockets that are ready; yield who heard something."""
        for key, _ in self._selector.select(0.1):
            connection, client = key.fileobj, key.data
            assert isinstance(connection, socket.socket)
            if key.events == selectors.EVENT_WRITE:
                connection.send(handshake("/v1/stream"))
                self._selector.modify(connection, selectors.EVENT_READ, client)
                continue
            size = _read(connection, self._buffer)
            if not size:
                self._selector.unregister(connection)
                if client.is_open:
                    client.faults.append("cut")
                else:
                    # The kernel's queue was full for too long: as any client would, it tries again.
                    self._connect(client)
                continue
            if said := client.hear(self._buffer[:size]):
                connection.send(said)
            yield client

    def _leave(self) -> None:
        self._was_away = bool(self._sockets)
        for connection in self._sockets:
            connection.close()
        self._sockets.clear()
        self._selector.close()
        self._selector = selectors.DefaultSelector()

    def _tell(self, right: int, took_s: float) -> Arrived:
        return Arrived(right, took_s, Counter(fault for client in self._clients for fault in client.faults))


def _read(connection: socket.socket, buffer: memoryview) -> int:
    """Return how much has come; nothing when the connection is gone."""
    try:
        return connection.recv_into(buffer)
    except ConnectionResetError:
        return 0


def _frames(buffer: bytearray) -> Iterator[bytes]:
    """Take the whole text frames off a buffer; pings are passed over."""
    while len(buffer) >= _HEAD:
        head, length = _HEAD, buffer[1]
        if length == _LENGTH_16:
            head, length = _HEAD_16, int.from_bytes(buffer[2:_HEAD_16])
        elif length == _LENGTH_64:
            head, length = _HEAD_64, int.from_bytes(buffer[2:_HEAD_64])
        if len(buffer) < head + length:
            return
        text, is_text = bytes(buffer[head : head + length]), buffer[0] == _TEXT
        del buffer[: head + length]
        if is_text:
            yield text


def _offset(cursor: str) -> int:
    return int(cursor.rpartition(".")[2])
