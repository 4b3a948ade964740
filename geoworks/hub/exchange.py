"""Whole conversations, as the documents show them; tests play each against a real hub or real doors."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

_FOLDER = files(__package__).joinpath("exchanges")


def _read(name: str) -> str:
    return _FOLDER.joinpath(name).read_text("utf-8")


STREAM: Final = _read("stream.md")
WAYS: Final = _read("ways.md")
