"""The process that reads one file by GDAL: an `Opening` in, messages out.

GDAL holds Python's lock while it reads, may hang or fall over a hostile file, and knows many ways out to the network.
Here it stalls nobody, can be ended, and runs in the environment that `reader` prepares.
"""

from __future__ import annotations

import hashlib
import resource
import warnings
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import PurePath
from typing import Any, BinaryIO

import msgspec
import nanoarrow
import pyogrio
import pyogrio.raw
from pyogrio.errors import DataLayerError, DataSourceError

from feeds.sources.wire import Chunk, Done, Failure, Field, Layer, Message, Opening, decode_opening, frame, pack
from geoworks.errors import SourceError

_CHUNK = 2000
_COMPLAINT = 300
_HASH_BYTES = 16
_LISTED = 12
# A file that wants more is refused; without a bound it would take the whole machine.
_MEMORY_BYTES = 8 << 30
# Formats of one layer. To list their layers GDAL would read the whole file once more.
_ONE_LAYER = frozenset({".csv", ".tsv", ".fgb", ".geojson", ".geojsonl", ".shp"})
# JSON knows no dates: we read them from the texts as they stand, which spares GDAL reading and writing them.
_OPTIONS = {".geojson": {"DATE_AS_STRING": "YES"}}


def main(given: BinaryIO, answer: BinaryIO) -> None:
    """Read what the opening asks for and write it out as messages."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    # Libraries warn of what is expected here: cut names, geometries that Arrow has no type for.
    warnings.simplefilter("ignore")
    answer.writelines(frame(message) for message in read(decode_opening(given.read())))
    answer.flush()


def read(opening: Opening) -> Iterator[Message]:
    """Yield the layer, its records in chunks as they are read, and the end; or a failure, at any time."""
    try:
        layer = _choose_layer(opening)
        with _open(opening, layer) as (meta, stream):
            described = _describe(layer or PurePath(opening.path).stem, meta)
            yield described
            yield from _chunks(opening, described, nanoarrow.ArrayStream(stream))
        yield Done()
    except SourceError as error:
        yield Failure(str(error))
    except UnicodeError as error:
        message = f"the texts are not in the encoding expected ({error}); set `encoding`, such as windows-1252"
        yield Failure(message, wrong_encoding=True)
    except (DataSourceError, DataLayerError, ValueError, RuntimeError) as error:
        complaint = " ".join(str(error).split())[:_COMPLAINT]
        yield Failure(f"GDAL cannot read it: {complaint}; check that the file is whole and of the kind its name says")


def _open(opening: Opening, layer: str) -> AbstractContextManager[tuple[dict[str, Any], Any]]:
    stream: AbstractContextManager[tuple[dict[str, Any], Any]] = pyogrio.raw.open_arrow(
        opening.path,
        layer=layer or None,
        encoding=opening.encoding or None,
        use_pyarrow=False,
        return_fids=True,
        datetime_as_string=True,
        batch_size=_CHUNK,
        **_OPTIONS.get(PurePath(opening.path).suffix, {}),
    )
    return stream


def _choose_layer(opening: Opening) -> str:
    """Return the layer to read; empty when the format has one only."""
    if not opening.layer and PurePath(opening.path).suffix in _ONE_LAYER:
        return ""
    layers = pyogrio.list_layers(opening.path)
    names = [str(name) for name, _ in layers]
    with_places = [str(name) for name, geometry_type in layers if geometry_type is not None]
    listed = ", ".join(map(repr, names[:_LISTED])) or "none"
    if opening.layer:
        if opening.layer not in names:
            raise SourceError(f"it has no layer {opening.layer!r}; set `layer` to one it has: {listed}")
        return opening.layer
    for choice in (names, with_places):
        if len(choice) == 1:
            return choice[0]
    raise SourceError(f"it has several layers; set `layer` to one of them: {listed}" if names else "it has no layer")


def _describe(name: str, meta: dict[str, Any]) -> Layer:
    return Layer(
        name=name,
        crs=meta["crs"] or "",
        encoding=meta["encoding"] or "",
        geometry_type=meta["geometry_type"] or "",
        fields=tuple(map(Field, map(str, meta["fields"]), meta["ogr_types"])),
    )


def _chunks(opening: Opening, layer: Layer, stream: nanoarrow.ArrayStream) -> Iterator[Chunk]:
    """Yield the records as they come, so that neither side ever holds them twice."""
    count = len(layer.fields)
    # By name, so that columns written in another order are no change.
    order = sorted(range(count), key=lambda index: layer.fields[index].name)
    seed = hashlib.blake2b(opening.salt, digest_size=_HASH_BYTES)
    for index in order:
        seed.update(layer.fields[index].name.encode() + b"\0")
    left = opening.max_records
    for batch in stream.iter_chunks():
        # GDAL puts its record number first, then the fields, then the geometry if there is one.
        numbers, *columns = (column.to_pylist() for column in batch.iter_children())
        left -= len(numbers)
        if left < 0:
            message = f"it holds more than {opening.max_records} records; raise limits.records or split the source"
            raise SourceError(message)
        geometries = columns[count] if len(columns) > count else [None] * len(numbers)
        rows = zip(*(columns[index] for index in order), geometries, strict=True)
        yield Chunk(
            columns=list(map(pack, columns[:count])),
            geometries=geometries,
            numbers=numbers,
            hashes=_hash_rows(rows, seed=seed),
        )


def _hash_rows(rows: Iterator[Sequence[Any]], *, seed: hashlib.blake2b) -> list[bytes]:
    encode = msgspec.msgpack.Encoder().encode
    hashes = []
    for row in rows:
        digest = seed.copy()
        digest.update(encode(row))
        hashes.append(digest.digest())
    return hashes
