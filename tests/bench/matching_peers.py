"""What else finds the areas a geometry touches: a tree of shapely's, and PostGIS as a child in a temporary folder."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol, TypeVar

import asyncpg
import shapely
from shapely import STRtree
from shapely.geometry.base import BaseGeometry

from geoworks.geo.types import Geometries
from tests.bench.cores import cpu_s
from tests.bench.peers import Missing
from tests.postgres import PACKAGE, find_programs, running

Answers = list[set[int]]
T_contra = TypeVar("T_contra", contravariant=True)
# Nothing is kept of it, all of it fits into memory, and one process does all the work, so that it can be timed.
_SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "autovacuum": "off",
    "shared_buffers": "512MB",
    "max_parallel_workers_per_gather": "0",
    "max_parallel_maintenance_workers": "0",
}


class Finder(Protocol[T_contra]):
    """Who finds which subscriptions each change concerns."""

    def find(self, changes: Sequence[T_contra]) -> Answers:
        """Return the numbers of the subscriptions, change by change."""
        ...

    def cpu_s(self) -> float:
        """Return the CPU seconds of the process that finds."""
        ...


class Tree:
    """An STRtree of shapely's, with its exact predicate."""

    def __init__(self, outlines: Geometries) -> None:
        """Build the tree."""
        self._tree = STRtree(outlines)

    def find(self, changes: Sequence[BaseGeometry]) -> Answers:
        """Ask for one geometry after the other, as changes come."""
        return [set(self._tree.query(geometry, predicate="intersects").tolist()) for geometry in changes]

    def cpu_s(self) -> float:
        """Return those of this process."""
        return cpu_s(os.getpid())


class PostGis:
    """A table with a GiST index, asked by a prepared statement; of its work only that of the server is counted."""

    def __init__(self, runner: asyncio.Runner, connection: asyncpg.Connection, question: Any, pid: int) -> None:  # noqa: ANN401 - asyncpg has no types
        """Take over what `postgis` has made ready."""
        self._runner = runner
        self._connection = connection
        self._question = question
        self._pid = pid

    def find(self, changes: Sequence[BaseGeometry]) -> Answers:
        """Ask for one geometry after the other, as changes come."""
        return self._runner.run(self._find(shapely.to_wkb(changes).tolist()))

    def cpu_s(self) -> float:
        """Return those of the server's process for this connection."""
        return cpu_s(self._pid)

    async def _find(self, asked: Sequence[bytes]) -> Answers:
        return [{row[0] for row in await self._question.fetch(wkb)} for wkb in asked]


@contextmanager
def postgis(outlines: Geometries) -> Iterator[PostGis]:
    """Run PostgreSQL with the outlines in a table of its own.

    Raises:
        Missing: PostGIS is not installed.

    """
    if find_programs() is None:
        raise Missing("PostGIS", PACKAGE)
    with ExitStack() as stack:
        server = stack.enter_context(running(_SETTINGS))
        runner = stack.enter_context(asyncio.Runner())
        connection = runner.run(asyncpg.connect(server.dsn()))
        stack.callback(lambda: runner.run(connection.close()))
        yield runner.run(_load(runner, connection, outlines))


async def _load(runner: asyncio.Runner, connection: asyncpg.Connection, outlines: Geometries) -> PostGis:
    """Fill the table, index it, and prepare the question."""
    await connection.execute("CREATE EXTENSION postgis; CREATE UNLOGGED TABLE given (place int, wkb bytea)")
    await connection.copy_records_to_table("given", records=enumerate(shapely.to_wkb(outlines).tolist()))
    await connection.execute(
        "CREATE UNLOGGED TABLE area AS SELECT place, ST_GeomFromWKB(wkb, 4326) AS outline FROM given;"
        "CREATE INDEX ON area USING gist (outline); ANALYZE area"
    )
    question = await connection.prepare(
        "SELECT place FROM area WHERE ST_Intersects(outline, ST_GeomFromWKB($1::bytea, 4326))"
    )
    return PostGis(runner, connection, question, await connection.fetchval("SELECT pg_backend_pid()"))
