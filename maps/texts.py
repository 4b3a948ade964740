"""The words of the pages, one file per language in `maps/texts/`.

A text is found by its dotted name (`live.title`) and may hold `{values}`; a text that depends on a number is an
object `{"one": ..., "other": ...}`. The scripts of the pages read the same files.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

LANGUAGES = ("fr", "en")
_FOLDER = Path(__file__).parent / "texts"


@cache
def texts(language: str) -> dict[str, Any]:
    """Return every text of a language, as sections of texts."""
    found: dict[str, Any] = json.loads((_FOLDER / f"{language}.json").read_text(encoding="utf-8"))
    return found


def text(language: str, name: str, **values: object) -> str:
    """Return one text, its values filled in; `count` chooses between one and other.

    Raises KeyError for a name that is in no file.
    """
    found: Any = texts(language)
    for part in name.split("."):
        found = found[part]
    if isinstance(found, dict):
        found = found[_plural(language, values["count"])]
    return str(found).format_map(values)


def _plural(language: str, count: object) -> str:
    # CLDR: in French 0 and 1 are singular, in English only 1 is.
    singular = {0, 1} if language == "fr" else {1}
    return "one" if count in singular else "other"
