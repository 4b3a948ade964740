"""The page about maps says what is true."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from maps import builder, sheet
from tests.shared import ROOT

_PAGE = (ROOT / "docs" / "maps.md").read_text(encoding="utf-8")


def test_the_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Copied from the page as it stands, it saves a map that follows the town twice."""
    (example,) = re.findall(r"```python\n(.*?)```", _PAGE, re.DOTALL)
    monkeypatch.chdir(tmp_path)
    exec(compile(example, "docs/maps.md", "exec"), {})  # noqa: S102 - our own page
    saved = (tmp_path / "town.html").read_text(encoding="utf-8")
    assert saved.count("wss://travaux.example.org/v1/stream") == 2
    assert '"radius_m":500' in saved


def test_the_bounds_are_those_of_the_code() -> None:
    """How many works a list has, and how many zones a map of their own."""
    assert f"Lists end after {sheet.LISTED} works" in _PAGE
    assert f"The {builder.ZONE_MAPS} zones" in _PAGE
