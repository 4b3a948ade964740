"""WebSocket frames as bytes, made once and written to many (RFC 6455, section 5)."""

from __future__ import annotations

from websockets.frames import Frame, Opcode

from geoworks.hub.messages import ServerMessage, encode

PING = Frame(Opcode.PING, b"").serialize(mask=False)


def frame(message: ServerMessage) -> bytes:
    """Return a message as one unmasked text frame."""
    return Frame(Opcode.TEXT, encode(message)).serialize(mask=False)


def pong(payload: bytes) -> bytes:
    """Return the answer to a ping frame."""
    return Frame(Opcode.PONG, payload).serialize(mask=False)
