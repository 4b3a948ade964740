"""Records as bytes that one node hands another."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given

from geoworks.errors import Invalid
from geoworks.model.change import MatchKeys, Record
from geoworks.model.wire import Wire
from tests.store.samples import MATCH_KEYS, records

# The fields of a record that are tables of fields themselves.
_TABLES = ("given", "derived", "impact", "schedule", "windows", "restrictions", "lanes", "steps", "effects")


@given(records())
def test_a_record_comes_back_as_it_was(record: Record) -> None:
    """Whatever a record holds, its geometry included, is read as it was written."""
    wire = Wire(Record)
    assert wire.read(wire.write(record)) == record


@given(MATCH_KEYS)
def test_match_keys_come_back_as_they_were(keys: MatchKeys) -> None:
    """What the matcher needs of a version is read as it was written."""
    wire = Wire(MatchKeys)
    assert wire.read(wire.write(keys)) == keys


@given(records())
def test_fields_of_a_later_release_are_passed_over(record: Record) -> None:
    """A record to which a node of a later release added fields, at any depth, is read as this release knows it."""
    wire = Wire(Record)
    told = msgspec.msgpack.decode(wire.write(record))
    assert wire.read(msgspec.msgpack.encode(_grown(told))) == record


def _grown(value: Any) -> Any:  # noqa: ANN401 - whatever stands in a record
    """Return what was written with one more field in every table of fields."""
    if isinstance(value, list):
        return [_grown(inner) for inner in value]
    if isinstance(value, dict):
        return {name: _grown(inner) if name in _TABLES else inner for name, inner in value.items()} | {"later": [1]}
    return value


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"\x91",
        msgspec.msgpack.encode({"version": "one"}),
        b"\x00" * 40,
        b"\x91" * 5000 + b"\xc0",
        b"\x81\xa5given" * 5000,
    ],
)
def test_other_bytes_are_refused(data: bytes) -> None:
    """What no node wrote is an error that says so, and no record."""
    with pytest.raises(Invalid, match="another node"):
        Wire(Record).read(data)


@given(records())
def test_fields_of_another_release_are_passed_over(record: Record) -> None:
    """What a node of a later release says besides is passed over, and what it leaves out has its default."""
    wire = Wire(Record)
    said = msgspec.msgpack.decode(wire.write(record))
    del said["raw_hash"]
    assert wire.read(msgspec.msgpack.encode(said | {"later": [1, {"two": 3}]})) == msgspec.structs.replace(
        record, raw_hash=b""
    )
