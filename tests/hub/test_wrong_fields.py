"""Every field of every message wrong in type, range, size and presence.

Each is answered by an error that names the field and says how to mend it, and nothing else happens: the connection
goes on, and what was asked before is told.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import groupby
from operator import attrgetter

import pytest
from msgspec import inspect

from geoworks.hub.codes import Code
from geoworks.hub.messages import CLIENT_MESSAGES, decode
from tests.hub.client import Message, Work
from tests.hub.faults import UNHEARD_OF, Fault, faults, right_messages
from tests.hub.link import Link
from tests.hub.town import Town

_FAULTS = {
    field: list(found) for field, found in groupby(sorted(faults(), key=attrgetter("field")), attrgetter("field"))
}
_EVERYTHING: Message = {"type": "subscribe", "id": "x", "area": {"everywhere": True}}


def _send(link: Link, *messages: Message) -> list[Message]:
    """Send messages and return what has come."""
    for message in messages:
        link.session.receive(json.dumps(message))
    return link.hear()


def _listen(town: Town, tasks: Work) -> Link:
    """Return a connection that has asked for everything."""
    link = Link(town, tasks)
    assert [message["type"] for message in _send(link, _EVERYTHING)] == ["hello", "snapshot", "caught_up"]
    return link


def _check_unhurt(link: Link, filters: str) -> None:
    """Check that a connection goes on, and that what it asked is told as before."""
    assert link.outlet.closed is None
    assert link.session.subscriptions.hash() == filters
    link.town.publish_works("voirie:2")
    (put,) = link.hear()
    assert (put["type"], put["feature"]["id"]) == ("put", "voirie:2")
    assert [message["type"] for message in _send(link, {"type": "ping"})] == ["pong"]


def _check_error(error: Message, fault: Fault) -> None:
    """Check that an error says what is wrong, of which subscription, and how to mend it."""
    id_ = fault.message.get("id") if fault.code is not Code.MALFORMED else None
    told = (error["type"], error["code"], error["temporary"], error["id"])
    assert told == ("error", fault.code.number, False, id_ if isinstance(id_, str) else None), (fault, error)
    what, _, mend = error["message"].partition("; ")
    if fault.code is Code.MALFORMED:
        assert "without NaN or Infinity" in mend
        return
    assert re.search(rf"[.`]{fault.named}\b", what), (fault, error)
    assert mend.startswith("give exactly one of" if fault.code is Code.AREA else f"{fault.message['type']} takes")


@pytest.mark.parametrize("message", CLIENT_MESSAGES)
def test_right_ones_are_taken(message: type) -> None:
    """What the faults are made from has none, and has every field."""
    struct = inspect.type_info(message)
    assert isinstance(struct, inspect.StructType)
    rights = right_messages(struct)
    for right in rights:
        assert isinstance(decode(json.dumps(right)), message)
    assert set(_paths(struct)) == {path for right in rights for path in _given(right)} - {"type"}


def _paths(struct: inspect.StructType, before: str = "") -> Iterator[str]:
    for field in struct.fields:
        yield before + field.encode_name
        type_ = field.type.type if isinstance(field.type, inspect.Metadata) else field.type
        item = type_.item_type if isinstance(type_, inspect.VarTupleType) else type_
        if isinstance(item, inspect.StructType):
            yield from _paths(item, f"{before}{field.encode_name}.")


def _given(right: Message, before: str = "") -> Iterator[str]:
    for name, value in right.items():
        yield before + name
        item = value[0] if isinstance(value, list) and value else value
        if isinstance(item, dict) and name not in {"line", "polygon"}:
            yield from _given(item, f"{before}{name}.")


@pytest.mark.parametrize("field", _FAULTS)
async def test_wrong_field(town: Town, tasks: Work, field: str) -> None:
    """A field that is wrong is named in the error, and the subscription of the same id gets its changes as before."""
    link = _listen(town, tasks)
    filters = link.session.subscriptions.hash()
    for fault in _FAULTS[field]:
        link.session.receive(fault.text)
        (error,) = link.hear()
        _check_error(error, fault)
    _check_unhurt(link, filters)


@pytest.mark.parametrize("field", [field for field in _FAULTS if field.startswith("resume")])
async def test_wrong_resume_first(town: Town, tasks: Work, field: str) -> None:
    """A resume that is wrong spoils nothing: the right one is taken after it, on the same connection."""
    before = _listen(town, tasks)
    filters = before.session.subscriptions.hash()
    wanted = {"id": "x", "area": {"everywhere": True}}
    right = {"type": "resume", "since": "epoch1.1", "filters": filters, "subscriptions": [wanted]}
    link = Link(town, tasks)
    link.hear()
    for fault in _FAULTS[field]:
        link.session.receive(fault.text)
        (error,) = link.hear()
        _check_error(error, fault)
    assert [message["type"] for message in _send(link, right)] == ["caught_up"]
    _check_unhurt(link, filters)


def test_faults_are_many() -> None:
    """Every field of every message has its faults, in type and presence at least."""
    for message in CLIENT_MESSAGES:
        struct = inspect.type_info(message)
        assert isinstance(struct, inspect.StructType)
        tag = str(struct.tag)
        assert UNHEARD_OF in {fault.named for fault in _FAULTS[tag]}
        assert {f"{tag}.{path}" for path in _paths(struct)} <= _FAULTS.keys()
