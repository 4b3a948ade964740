"""The documents of the stream cannot lie."""

from __future__ import annotations

import json
from collections.abc import Iterator

import msgspec
import pytest
import shapely
from jsonschema import Draft202012Validator

from geoworks.hub.codes import Code
from geoworks.hub.describe import asyncapi, stream_markdown
from geoworks.hub.exchange import EXCHANGE, Line
from geoworks.hub.messages import CLIENT_MESSAGES, SERVER_MESSAGES
from geoworks.model.change import Reason
from geoworks.model.works import Status
from tests.hub.client import MemoryOutlet, Message
from tests.hub.town import Look, Town, works_record
from tests.shared import ROOT


def test_stream_page_is_fresh() -> None:
    """The page in docs is what the message types say now."""
    assert (ROOT / "docs" / "stream.md").read_text() == stream_markdown(), "run `make docs`"


def test_stream_page_tells_everything() -> None:
    """Every message and every code is on the page."""
    page = stream_markdown()
    for message in (*CLIENT_MESSAGES, *SERVER_MESSAGES):
        assert f"### `{message.__struct_config__.tag}`" in page
    for code in Code:
        assert f"| {code.number} | {code.label} | {code.meaning} |" in page


def test_codes_have_own_numbers_and_names() -> None:
    """No two codes share a number or a name."""
    assert len({code.number for code in Code}) == len({code.label for code in Code}) == len(Code)


def test_asyncapi_document_refers_to_what_it_holds() -> None:
    """Every reference in the AsyncAPI document leads somewhere, and all of it is JSON."""
    document = json.loads(json.dumps(asyncapi("1.2.3")))
    assert document["asyncapi"] == "3.0.0"
    assert document["info"]["version"] == "1.2.3"
    references = list(_references(document))
    assert len(references) > 2 * len((*CLIENT_MESSAGES, *SERVER_MESSAGES))
    for reference in references:
        found = document
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]


def _references(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for inner in value.values():
            yield from _references(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _references(inner)


class Play:
    """The exchange of the page, played against a real hub."""

    def __init__(self) -> None:
        """Begin with one works, at offset 1."""
        self.town = Town()
        self.town.publish_works("voirie:1")
        self._far = shapely.Point(3.0, 49.0)
        self._filters = ""
        self._events = iter((self._put_second, self._end_first, self._reconnect))
        self.connect()

    def connect(self) -> None:
        """Connect."""
        self.outlet = MemoryOutlet()
        self.session = self.town.hub.connect(self.outlet)
        self.heard: list[Message] = []

    def send(self, text: str) -> None:
        """Send what the client says."""
        self.session.receive(text.replace("k3x9", "epoch1").replace('"..."', f'"{self._filters}"'))

    def hear(self) -> Message:
        """Return the next message of the server; when none is there, what comes next happens."""
        if not self.heard:
            self.town.hub.flush()
            self.heard = self.outlet.take()
        if not self.heard:
            next(self._events)()
            return self.hear()
        message = self.heard.pop(0)
        self._filters = message.get("filters", self._filters)
        return message

    def _put_second(self) -> None:
        self.town.publish_works("voirie:2")

    def _end_first(self) -> None:
        self.town.put(works_record("voirie:1", Look(status=Status.COMPLETED)), reason=Reason.ENDED)
        self.town.publish()

    def _reconnect(self) -> None:
        self.town.hub.disconnect(self.session)
        self.town.publish_works("voirie:2", Look(place=self._far))
        self.town.publish_works("voirie:3")
        self.connect()


async def test_exchange_of_the_page_is_what_happens() -> None:
    """The server sends every message of the page's exchange, with these fields and values."""
    play = Play()
    for line in EXCHANGE:
        if line.sender == "client":
            play.send(line.text)
        elif line.sender == "server":
            _compare(play.hear(), line.text)
    assert play.outlet.take() == []


def _compare(message: Message, text: str) -> None:
    """Compare a message with its line on the page, where `...` stands for anything."""
    shown = json.loads(text.replace("k3x9", "epoch1").replace(",...}", "}"))
    assert message.keys() == shown.keys()
    for name in shown.keys() - {"filters", "features", "feature"}:
        assert message[name] == shown[name]
    if "feature" in shown:
        assert message["feature"]["id"] == shown["feature"]["id"]
    assert len(message.get("features", ())) == len(shown.get("features", ()))


@pytest.mark.parametrize("line", [line for line in EXCHANGE if line.sender == "client"])
def test_client_messages_of_the_exchange_follow_the_schema(line: Line) -> None:
    """What the AsyncAPI document says of a message is true of those the page shows."""
    message = msgspec.json.decode(line.text)
    schemas = asyncapi("1")["components"]["schemas"]
    name = next(m.__name__ for m in CLIENT_MESSAGES if m.__struct_config__.tag == message["type"])
    schema = {"$ref": f"#/components/schemas/{name}", "components": {"schemas": schemas}}
    Draft202012Validator(schema).validate(message)
    assert list(Draft202012Validator(schema).iter_errors({**message, "unknown": 1}))
