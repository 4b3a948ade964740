"""WebSocket frames as bytes, made once and written to many (RFC 6455, section 5)."""

from __future__ import annotations

from collections.abc import Iterator

from websockets.frames import Frame, Opcode
from websockets.streams import StreamReader

from geoworks.hub.messages import ServerMessage, encode

PING = Frame(Opcode.PING, b"").serialize(mask=False)


def frame(message: ServerMessage) -> bytes:
    """Return a message as one unmasked text frame."""
    return Frame(Opcode.TEXT, encode(message)).serialize(mask=False)


def pong(payload: bytes) -> bytes:
    """Return the answer to a ping frame."""
    return Frame(Opcode.PONG, payload).serialize(mask=False)


def unframe(data: bytes) -> Iterator[Frame]:
    """Yield the frames in bytes of the hub, which hands over whole ones only.

    For those who listen in another way than by WebSocket.
    """
    reader = StreamReader()
    reader.feed_data(data)
    while reader.buffer:
        yield _parse(reader)


def _parse(reader: StreamReader) -> Frame:
    parsing = Frame.parse(reader.read_exact, mask=False)
    try:
        next(parsing)
    except StopIteration as parsed:
        whole: Frame = parsed.value
        return whole
    raise EOFError
