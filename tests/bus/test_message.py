"""Changes as messages between nodes, and what anybody else may send."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoworks.bus.message import MOST_BYTES, read_message, write_change
from tests.bus.nodes import followed, told


def test_a_change_is_read_as_it_was_written() -> None:
    """A change comes back whole but for what is kept in memory only, with log and offset in its headers."""
    change = followed(7)
    message = write_change("e1", change)
    assert message.headers == {"epoch": "e1", "offset": "7", "Nats-Msg-Id": "e1:7"}
    heard = read_message(message.headers, message.body)
    assert heard.change == told(change)
    assert (heard.epoch, heard.wrong) == ("e1", "")


def test_a_large_change_becomes_a_hint() -> None:
    """What has more bytes than a message may is told without a body."""
    message = write_change("e1", followed(7, reach=40_000))
    assert (message.offset, message.body) == (7, b"")
    assert read_message(message.headers, message.body) == ("e1", None, "")


@pytest.mark.parametrize(
    "body",
    [
        b"\xc1",
        b"no change",
        msgspec.msgpack.encode({"change": 1}),
        b"\x91" * 5000 + b"\xc0",
        b"\x81\xa6change" * 5000,
        b"x" * (MOST_BYTES + 1),
        write_change("e1", followed(7)).body[:-1],
    ],
)
def test_what_cannot_be_read_is_a_hint(body: bytes) -> None:
    """Bytes that no node wrote are a hint that says why."""
    heard = read_message({"epoch": "e1", "offset": "7"}, body)
    assert heard.change is None
    assert heard.wrong
    assert len(heard.wrong) <= 300


@pytest.mark.parametrize("headers", [None, {}, {"epoch": ""}, {"epoch": "e 1"}, {"epoch": "e" * 41}, {"epoch": "é"}])
def test_a_message_of_no_log_is_a_hint(headers: dict[str, str] | None) -> None:
    """Without the name of a log, its change cannot stand anywhere."""
    heard = read_message(headers, write_change("e1", followed(7)).body)
    assert (heard.epoch, heard.change) == ("", None)
    assert heard.wrong


@given(st.binary(max_size=200), st.data())
def test_changed_bytes_never_raise(noise: bytes, data: st.DataObject) -> None:
    """Whatever stands in the place of some bytes, it is read as a change or as a hint."""
    body = write_change("e1", followed(7)).body
    at = data.draw(st.integers(0, len(body)))
    read_message({"epoch": "e1"}, body[:at] + noise + body[at + len(noise) :])
