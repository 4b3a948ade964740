"""The process that reads one file by GDAL: an `Opening` in, messages out.

GDAL holds Python's lock while it reads, may hang or fall over a hostile file, and knows many ways out to the network.
Here it stalls nobody, can be ended, and runs in the environment that `reader` prepares.
"""

from __future__ import annotations

import hashlib
import resource
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import msgspec
import numpy as np
import pyogrio
import pyogrio.raw
from numpy.typing import NDArray
from pyogrio.errors import DataLayerError, DataSourceError

from feeds.sources.wire import Chunk, Done, Failure, Field, Layer, Message, Opening, decode_opening, frame
from geoworks.errors import SourceError

_CHUNK = 2000
_COMPLAINT = 300
_HASH_BYTES = 16
_LISTED = 12
# A file that wants more is refused; without a bound it would take the whole machine.
_MEMORY_BYTES = 8 << 30


def main(given: BinaryIO, answer: BinaryIO) -> None:
    """Read what the opening asks for and write it out as messages."""
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    answer.writelines(frame(message) for message in read(decode_opening(given.read())))
    answer.flush()


def read(opening: Opening) -> Iterator[Message]:
    """Yield the layer, its records in chunks, and the end; or one failure."""
    try:
        table = _Table(opening)
    except SourceError as error:
        yield Failure(str(error))
    except UnicodeError as error:
        yield Failure(f"the texts are not in the encoding expected ({error}); set `encoding`, such as windows-1252")
    except LookupError as error:
        yield Failure(f"{error}; set `encoding` to one that exists, such as utf-8 or windows-1252")
    except (DataSourceError, DataLayerError, ValueError, RuntimeError) as error:
        complaint = " ".join(str(error).split())[:_COMPLAINT]
        yield Failure(f"GDAL cannot read it: {complaint}; check that the file is whole and of the kind its name says")
    else:
        yield table.layer
        yield from table.chunks(opening.salt)
        yield Done()


class _Table:
    """One layer, read whole."""

    def __init__(self, opening: Opening) -> None:
        name = _choose_layer(opening)
        meta, self._numbers, geometries, columns = pyogrio.raw.read(
            opening.path,
            layer=name,
            encoding=opening.encoding or None,
            max_features=opening.max_records + 1,
            return_fids=True,
            datetime_as_string=True,
        )
        if len(self._numbers) > opening.max_records:
            raise SourceError(
                f"it holds more than {opening.max_records} records; raise limits.records or split the source"
            )
        self._geometries = np.full(len(self._numbers), None, dtype=np.object_) if geometries is None else geometries
        self._columns = [_to_objects(column, str(dtype)) for column, dtype in zip(columns, meta["dtypes"], strict=True)]
        self.layer = _describe(name, meta)

    def chunks(self, salt: bytes) -> Iterator[Chunk]:
        """Yield the records, so many at a time that neither side holds them twice."""
        # By name, so that columns written in another order are no change.
        order = sorted(range(len(self._columns)), key=lambda index: self.layer.fields[index].name)
        seed = hashlib.blake2b(salt, digest_size=_HASH_BYTES)
        for field in sorted(field.name for field in self.layer.fields):
            seed.update(field.encode() + b"\0")
        for start in range(0, len(self._numbers), _CHUNK):
            part = slice(start, start + _CHUNK)
            columns = [[_to_plain(value) for value in column[part]] for column in self._columns]
            geometries = self._geometries[part].tolist()
            yield Chunk(
                columns=columns,
                geometries=geometries,
                numbers=self._numbers[part].tolist(),
                hashes=list(_hash_records([columns[index] for index in order], geometries, seed=seed)),
            )


def _choose_layer(opening: Opening) -> str:
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


def _to_objects(column: NDArray[Any], dtype: str) -> NDArray[np.object_]:
    """Return a column as Python values: what is missing is None, whole numbers stay whole where some are missing."""
    if not np.issubdtype(column.dtype, np.floating):
        return column.astype(np.object_)
    missing = np.isnan(column)
    values = column
    if missing.any() and dtype.startswith(("int", "uint", "bool")):
        values = np.where(missing, 0, column).astype(dtype)
    objects = values.astype(np.object_)
    objects[missing] = None
    return objects


def _to_plain(value: Any) -> Any:  # noqa: ANN401 - a cell holds anything
    return value.tolist() if isinstance(value, np.ndarray) else value


def _hash_records(
    columns: Sequence[Sequence[Any]], geometries: Sequence[bytes | None], *, seed: hashlib.blake2b
) -> Iterator[bytes]:
    encode = msgspec.msgpack.Encoder().encode
    values: Iterator[tuple[Any, ...]] = zip(*columns, strict=True) if columns else iter([()] * len(geometries))
    for row, geometry in zip(values, geometries, strict=True):
        digest = seed.copy()
        digest.update(encode(row))
        digest.update(geometry or b"")
        yield digest.digest()
