"""Frames of a client written by hand, right or wrong (RFC 6455, section 5.2), and a socket they go out on."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import cycle
from typing import NamedTuple

from yarl import URL

from geoworks.hub.codes import Code
from tests.web.driver import WAIT_S

MORE, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
_MASK = b"\x01\x80\xff\x37"
# What stands for the code of a close that has none (RFC 6455, section 7.1.5).
_NO_CODE = 1005


def octets(opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, masked: bool = True) -> bytes:
    """Return a frame; nothing keeps it from being one that may not be."""
    first = fin << 7 | rsv << 4 | opcode
    if len(payload) < 126:
        head = struct.pack("!BB", first, masked << 7 | len(payload))
    elif len(payload) < 1 << 16:
        head = struct.pack("!BBH", first, masked << 7 | 126, len(payload))
    else:
        head = struct.pack("!BBQ", first, masked << 7 | 127, len(payload))
    if not masked:
        return head + payload
    return head + _MASK + bytes(byte ^ key for byte, key in zip(payload, cycle(_MASK), strict=False))


def close(code: int, reason: bytes = b"") -> bytes:
    """Return a close frame."""
    return octets(CLOSE, struct.pack("!H", code) + reason)


class Heard(NamedTuple):
    """A frame of a server."""

    opcode: int
    payload: bytes


class Line:
    """A connection after its handshake: what is written is written so, what comes is read frame by frame."""

    def __init__(self, sock: socket.socket) -> None:
        """Talk on a connected socket."""
        self._sock = sock
        self._data = b""
        self.heard: list[Heard] = []
        self.head = b""

    async def shake_hands(self, url: URL, *fields: str) -> None:
        """Ask for a WebSocket; `head` is what was answered."""
        key = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="
        lines = [
            f"GET {url.path} HTTP/1.1",
            f"Host: {url.host}:{url.port}",
            "Upgrade: websocket",
            "Connection: Upgrade",
        ]
        await self.write("\r\n".join([*lines, "Sec-WebSocket-Version: 13", key, *fields, "", ""]).encode())
        async with asyncio.timeout(WAIT_S):
            while b"\r\n\r\n" not in self._data:
                self._data += await self._read()
        self.head, _, self._data = self._data.partition(b"\r\n\r\n")

    async def write(self, *writes: bytes) -> bool:
        """Write bytes one after the other, so that each is read before the next; tell whether anybody took them."""
        loop = asyncio.get_running_loop()
        try:
            for data in writes:
                await loop.sock_sendall(self._sock, data)
                await asyncio.sleep(0)
        except ConnectionError:
            return False
        return True

    async def next(self) -> Heard | None:
        """Take the next frame; None at the end of the connection."""
        async with asyncio.timeout(WAIT_S):
            while not (size := self._whole()):
                data = await self._read()
                if not data:
                    return None
                self._data += data
        end, begin = size
        self.heard.append(Heard(self._data[0] & 15, self._data[begin:end]))
        self._data = self._data[end:]
        return self.heard[-1]

    async def end(self, probe: bytes = b"still there?") -> int:
        """Return the code that the connection ends with, or 0 when it goes on: a ping is answered."""
        await self.write(octets(PING, probe))
        return await self.closed(probe)

    async def closed(self, pong: bytes | None = None) -> int:
        """Read to the end, answering a close, and return its code; or up to a pong, and return 0."""
        code = Code.LOST.number
        while frame := await self.next():
            if frame == (PONG, pong):
                return 0
            if frame.opcode == CLOSE:
                code = struct.unpack("!H", frame.payload[:2])[0] if frame.payload else _NO_CODE
                await self.write(octets(CLOSE, frame.payload))
        return code

    def payloads(self, *opcodes: int) -> Sequence[bytes]:
        """Return what was heard in frames of some sorts."""
        return [frame.payload for frame in self.heard if frame.opcode in opcodes]

    def _whole(self) -> tuple[int, int] | None:
        """Return where the first frame ends and where its payload begins, if it has come whole; no server masks."""
        size, begin = self._data[1] if len(self._data) > 1 else 0, 2
        if size > 125:
            begin += 2 if size == 126 else 8
            size = int.from_bytes(self._data[2:begin])
        return (begin + size, begin) if len(self._data) >= begin + size else None

    async def _read(self) -> bytes:
        try:
            return await asyncio.get_running_loop().sock_recv(self._sock, 1 << 16)
        except ConnectionError:
            return b""


@asynccontextmanager
async def connected(url: URL, *fields: str) -> AsyncIterator[Line]:
    """Be connected to a WebSocket, with these fields in the handshake."""
    with socket.socket() as sock:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await asyncio.get_running_loop().sock_connect(sock, (url.host, url.port))
        line = Line(sock)
        await line.shake_hands(url, *fields)
        yield line
        with suppress(ConnectionError):
            await line.write(close(1000))
