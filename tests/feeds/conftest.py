"""Fixtures of the feeds' tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from feeds.sources.gdal import GdalSource
from geoworks.config.settings import Limits
from geoworks.config.sources import SourceTable
from tests.feeds.paris import Records

MakeSource = Callable[..., GdalSource]


@pytest.fixture
def make_source(tmp_path: Path) -> MakeSource:
    """Make a source of a town in France from its table, with other limits where the test says so."""

    def make(table: SourceTable, *, name: str = "voirie", **limits: Any) -> GdalSource:  # noqa: ANN401 - any limit
        return GdalSource(
            name, table, town_time_zone="Europe/Paris", limits=Limits(**limits), keep_dir=tmp_path / "kept"
        )

    return make


@pytest.fixture(scope="session")
def paris() -> Records:
    """The works of Paris."""
    return Records()
