"""The words of the pages, complete in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest

from maps.texts import LANGUAGES, text, texts
from tests.shared import ROOT

_PLURALS = {"one", "other"}
_IN_TEMPLATE = re.compile(r'\bt\("([a-z_.]+)"')
_IN_SCRIPT = re.compile(r'\bt\("([a-z_]+\.[a-z_.]+)"')


def flat(section: Any, prefix: str = "") -> Iterator[tuple[str, set[str]]]:  # noqa: ANN401 - a tree of texts
    """Yield every text's name with the values it takes."""
    if isinstance(section, str):
        yield prefix, set(re.findall(r"\{(\w+)\}", section))
    elif set(section) == _PLURALS:
        yield prefix, {value for form in section.values() for value in re.findall(r"\{(\w+)\}", form)}
    else:
        for key, part in section.items():
            yield from flat(part, f"{prefix}.{key}" if prefix else key)


def test_both_languages_say_the_same_things() -> None:
    """Every text exists in both languages and takes the same values, plural or not."""
    for one, other in pairwise(LANGUAGES):
        assert dict(flat(texts(one))).keys() == dict(flat(texts(other))).keys()
        differing = {
            name: (values, dict(flat(texts(other)))[name])
            for name, values in flat(texts(one))
            if values != dict(flat(texts(other)))[name]
        }
        # English has its own grammar for days, so a day alone may stand where French names the article.
        assert {name for name in differing if not name.startswith("dates.")} == set()


@pytest.mark.parametrize("path", sorted((ROOT / "maps").rglob("*.html")), ids=lambda path: path.name)
def test_templates_name_only_texts_there_are(path: Any) -> None:  # noqa: ANN401 - pytest's parameter
    """No page can fail on a text nobody wrote."""
    known = dict(flat(texts("fr")))
    assert {name for name in _IN_TEMPLATE.findall(path.read_text()) if not name.endswith((".", "_"))} <= known.keys()


def test_scripts_name_only_texts_there_are() -> None:
    """No script can fail on a text nobody wrote."""
    known = dict(flat(texts("fr")))
    scripts = (path.read_text() for path in (ROOT / "maps" / "static").rglob("*.js") if "vendor" not in path.parts)
    assert {name for script in scripts for name in _IN_SCRIPT.findall(script)} <= known.keys()


def test_plurals_follow_each_language() -> None:
    """French counts nothing as singular, English as plural."""
    assert text("fr", "status.count", count=0) == "0 chantier."
    assert text("fr", "status.count", count=2) == "2 chantiers."
    assert text("en", "status.rejected", count=0) == "0 records rejected."
    assert text("en", "status.rejected", count=1) == "1 record rejected."
