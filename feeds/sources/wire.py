"""What the service and its reading process say to each other: msgpack frames, each after its length."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Raw, Struct

LENGTH_BYTES = 4


class Opening(Struct, frozen=True, kw_only=True, tag=True):
    """What to read: a local file or folder, and how; empty texts leave it to GDAL.

    `salt` goes into every record's hash.
    """

    path: str
    layer: str = ""
    encoding: str = ""
    max_records: int = 1_000_000
    salt: bytes = b""


class Field(Struct, frozen=True):
    """One column: its name and type as GDAL tells it (`OFTString`, `OFTDateTime`...)."""

    name: str
    type: str


class Layer(Struct, frozen=True, kw_only=True, tag=True):
    """What the layer is, before its records; `crs` is empty when the file names none."""

    name: str
    crs: str
    encoding: str
    geometry_type: str
    fields: tuple[Field, ...]


class Chunk(Struct, frozen=True, kw_only=True, tag=True):
    """Some records: a list a column, WKB in the layer's CRS (or None), GDAL's numbers, a hash of all of each.

    Columns stay encoded: who reads looks into few of them.
    """

    columns: list[Raw]
    geometries: list[bytes | None]
    numbers: list[int]
    hashes: list[bytes]


class Failure(Struct, frozen=True, tag=True):
    """Why it cannot be read, with the mend; whether another encoding may help."""

    message: str
    wrong_encoding: bool = False


class Done(Struct, frozen=True, tag=True):
    """All records were told."""


Message = Layer | Chunk | Failure | Done

_encoder = msgspec.msgpack.Encoder()
decode_opening = msgspec.msgpack.Decoder(Opening).decode
decode_message = msgspec.msgpack.Decoder(Message).decode


def pack(column: list[Any]) -> Raw:
    """Return a column as it goes over the pipe."""
    return Raw(_encoder.encode(column))


def frame(message: Opening | Message) -> bytes:
    """Return a message with its length before it (4 bytes, big end first)."""
    body = _encoder.encode(message)
    return len(body).to_bytes(LENGTH_BYTES) + body
