"""What a gateway does with a second of its CPU, when there are one, two and three of them.

Each has as many clients, who hear of every change; works are posted at one more gateway, so that these do nothing but
follow and tell. What counts is the CPU time of each gateway's process, whatever the machine does beside it.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack, ExitStack
from pathlib import Path
from statistics import mean

from tests.bench.nodes_town import Pace, Town, shared, without_limits
from tests.bench.peers import Missing
from tests.bench.row import Growth, Row, paired_row
from tests.postgres import PACKAGE, Databases, find_programs, running

CLIENTS = 500
GATEWAYS = (1, 2, 3)
ROUNDS = 5
PACE = Pace(changes=60, pause_s=0.05)
TARGET = 0.75
_UNIT = "deliveries/CPU s"


def rows() -> Iterator[Row | Growth]:
    """Measure two and three gateways beside one, in turn."""
    if find_programs() is None:
        print(Missing("PostGIS", PACKAGE))
        return
    with ExitStack() as stack:
        stack.enter_context(without_limits())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        databases = Databases(stack.enter_context(running()))
        figures = asyncio.run(measured(folder, databases))
    for gateways in GATEWAYS[1:]:
        name = f"deliveries by CPU second of a gateway among {gateways}, beside one alone ({CLIENTS} sockets each)"
        yield paired_row(name, list(zip(figures[gateways], figures[1], strict=True)), target=TARGET, unit=_UNIT)


async def measured(folder: Path, databases: Databases) -> dict[int, list[float]]:
    """Return for each number of gateways what its rounds gave; who goes first changes each round."""
    figures: dict[int, list[float]] = {gateways: [] for gateways in GATEWAYS}
    async with AsyncExitStack() as stack:
        towns = {}
        for gateways in GATEWAYS:
            dsn = databases.server.dsn(databases.new())
            town = shared(folder / str(gateways), dsn, clients=[CLIENTS] * gateways, posts_apart=True)
            towns[gateways] = await stack.enter_async_context(town)
            await towns[gateways].play(PACE)
        for number in range(ROUNDS):
            for gateways in GATEWAYS if number % 2 else reversed(GATEWAYS):
                figures[gateways].append(await deliveries_per_s(towns[gateways]))
    return figures


async def deliveries_per_s(town: Town) -> float:
    """Return how many deliveries one CPU second of a gateway makes, in the mean of the gateways."""
    played = await town.play(PACE)
    return mean(PACE.changes * CLIENTS / cpu_s for cpu_s in played.doors_cpu_s)
