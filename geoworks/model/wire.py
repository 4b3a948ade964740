"""Records and changes as bytes that one node hands another: MessagePack, with geometries as WKB (lon/lat degrees).

A node of the release before or after may read them: fields it does not know are passed over, those it misses have
their defaults.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec
import shapely
from msgspec.inspect import type_info
from shapely.geometry.base import BaseGeometry

from geoworks.errors import Invalid, Problem
from geoworks.model.passing import without_added

T = TypeVar("T")


class Wire(Generic[T]):
    """Values of one type as bytes and back."""

    def __init__(self, kind: type[T]) -> None:
        """Write and read values of this type of the model."""
        self._decoder = msgspec.msgpack.Decoder(kind, dec_hook=_read)
        self._kind = kind

    def write(self, value: T) -> bytes:
        """Return a value as bytes."""
        return _ENCODER.encode(value)

    def read(self, data: bytes) -> T:
        """Return the value that was written.

        Raises:
            Invalid: these are no such bytes.

        """
        try:
            return self._decode(data)
        except (msgspec.DecodeError, shapely.errors.ShapelyError, ValueError, TypeError, RecursionError) as error:
            raise Invalid(Problem("", f"what another node wrote cannot be read: {error}", "run one release")) from error

    def _decode(self, data: bytes) -> T:
        try:
            return self._decoder.decode(data)
        except msgspec.ValidationError:
            # What people send may have no fields but ours, and stands in records; a later release may add some.
            known = without_added(type_info(self._kind), msgspec.msgpack.decode(data))
            return self._decoder.decode(_ENCODER.encode(known))


def _write(value: Any) -> bytes:  # noqa: ANN401 - msgspec's hook takes anything
    if not isinstance(value, BaseGeometry):
        raise NotImplementedError(type(value).__name__)
    data: bytes = shapely.to_wkb(value)
    return data


def _read(kind: type, value: Any) -> Any:  # noqa: ANN401 - msgspec's hook takes and gives anything
    if not issubclass(kind, BaseGeometry):
        raise NotImplementedError(kind.__name__)
    return shapely.from_wkb(value)


_ENCODER = msgspec.msgpack.Encoder(enc_hook=_write)
