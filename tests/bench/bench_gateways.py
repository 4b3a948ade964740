"""From the request that writes to the sockets: two gateways with their clients beside one node that has them all.

Twenty works are posted each second, at the gateways in turn, and every client hears of each. All nodes, the database,
the bus and the clients are on one machine, where the cores they share are part of the delay. All sync the disk.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager
from pathlib import Path
from statistics import quantiles

from tests.bench.bench_outbox import SYNCED
from tests.bench.nodes_town import Pace, Played, Town, embedded, shared, without_limits
from tests.bench.peers import Missing
from tests.bench.row import Growth, Row, paired_row
from tests.nats_server import running_nats
from tests.postgres import PACKAGE, Databases, find_programs, running

CLIENTS = (1000, 1000)
ROUNDS = 5
PACE = Pace(changes=60, pause_s=0.05)
TARGET = 1 / 5
# Most hear of a change before its answer; what is below says nothing.
_LEAST_S = 0.001
BUSES = ("postgresql", "nats")


def rows() -> Iterator[Row | Growth]:
    """Measure each bus in turn beside one node, in the same run."""
    if find_programs() is None:
        print(Missing("PostGIS", PACKAGE))
        return
    with ExitStack() as stack:
        stack.enter_context(without_limits())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        databases = Databases(stack.enter_context(running(SYNCED)))
        for bus in BUSES:
            lines = ["[bus]", f'kind = "{bus}"']
            if bus == "nats":
                lines.append(f'nats_servers = ["{stack.enter_context(running_nats()).url}"]')
            played = asyncio.run(measured(folder / bus, databases.server.dsn(databases.new()), lines))
            yield from figures(bus, played)


async def measured(folder: Path, dsn: str, lines: Sequence[str]) -> list[tuple[Played, Played]]:
    """Return pairs of what the gateways and what one node gave; who goes first changes each round."""
    played = []
    async with both(folder, dsn, lines) as towns:
        for town in towns:
            await town.play(PACE)
        for number in range(ROUNDS):
            order = towns if number % 2 else towns[::-1]
            came = {town: await town.play(PACE) for town in order}
            played.append((came[towns[0]], came[towns[1]]))
    return played


@asynccontextmanager
async def both(folder: Path, dsn: str, lines: Sequence[str]) -> AsyncIterator[Sequence[Town]]:
    """Run the gateways and the one node until the block ends, each with as many clients."""
    async with AsyncExitStack() as stack:
        many = await stack.enter_async_context(shared(folder, dsn, *lines, clients=CLIENTS))
        yield many, await stack.enter_async_context(embedded(folder, clients=CLIENTS))


def figures(bus: str, played: Sequence[tuple[Played, Played]]) -> Iterator[Row | Growth]:
    """Yield the row, and what it leaves out."""
    for what in ("request", "answer"):
        pairs = [(p99_s(many, what), p99_s(one, what)) for many, one in played]
        name = f"2 gateways, {sum(CLIENTS)} sockets, 20 writes/s, bus {bus}: {what} to socket (p99), beside one node"
        yield paired_row(name, pairs, target=TARGET, unit="s", cost=True)
    for place, who in ((0, f"2 gateways, bus {bus}"), (1, f"one node, beside bus {bus}")):
        for percent in (50, 99):
            for what in ("request", "answer"):
                delays_s = [s for pair in played for s in getattr(pair[place], f"from_{what}_s")]
                name = f"{what} to socket, {who} (p{percent}), by sockets"
                yield Growth(name, sum(CLIENTS), percentile_s(delays_s, percent))


def p99_s(played: Played, what: str) -> float:
    """Return the p99 of the delays from the request or the answer, a millisecond at least."""
    return max(percentile_s(getattr(played, f"from_{what}_s"), 99), _LEAST_S)


def percentile_s(delays_s: Sequence[float], percent: int) -> float:
    """Return a percentile."""
    return quantiles(delays_s, n=100)[percent - 1]
