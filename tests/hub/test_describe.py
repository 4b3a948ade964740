"""The documents of the stream cannot lie."""

from __future__ import annotations

import json
from collections.abc import Iterator

from geoworks.hub.codes import Code
from geoworks.hub.describe import asyncapi, stream_markdown
from geoworks.hub.messages import CLIENT_MESSAGES, SERVER_MESSAGES
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
