"""Records as bytes that one node hands another."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given

from geoworks.errors import Invalid
from geoworks.model.change import MatchKeys, Record
from geoworks.model.wire import Wire
from tests.store.samples import MATCH_KEYS, records


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


@pytest.mark.parametrize("data", [b"", b"\xc1", b"\x91", msgspec.msgpack.encode({"version": "one"}), b"\x00" * 40])
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
