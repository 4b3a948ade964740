"""The numbered steps of a schema, as files `sql/migrations/NNNN_name.sql` of an engine."""

from __future__ import annotations

from importlib.resources.abc import Traversable
from typing import NamedTuple


class Migration(NamedTuple):
    """One step of the schema."""

    number: int
    name: str
    script: str


def read_migrations(sql: Traversable) -> list[Migration]:
    """Return the migrations of this release, in order, from an engine's folder of SQL."""
    folder = sql.joinpath("migrations")
    names = sorted(file.name for file in folder.iterdir() if file.name.endswith(".sql"))
    return [Migration(int(name[:4]), name, folder.joinpath(name).read_text("utf-8")) for name in names]
