"""The examples in the docstrings, run as written."""

from __future__ import annotations

import doctest
import importlib
from collections.abc import Iterator

import pytest

from tests.shared import ROOT


def _modules() -> Iterator[str]:
    """Yield the name of every module of the project, without importing one."""
    for package in ("geoworks", "feeds", "maps"):
        folder = ROOT / package
        yield package
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            if parts[-1] not in ("__init__", "__main__"):
                yield ".".join(parts)


@pytest.mark.parametrize("name", list(_modules()))
def test_examples(name: str) -> None:
    """A module imports, and its examples give what they say."""
    assert doctest.testmod(importlib.import_module(name)).failed == 0
