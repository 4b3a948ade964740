"""Many nodes on one database, each a process of its own as its users run it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from tests.process.service import Service, serving, toml


def node(dsn: str, role: str, name: str, *more: str) -> str:
    """Return the configuration of a node, with more lines at its end."""
    store = ("[store]", 'engine = "postgresql"', f'dsn = "{dsn}"')
    return toml(*store, "[node]", f'role = "{role}"', f'name = "{name}"', "lag_alarm_s = 1.0", *more)


@asynccontextmanager
async def three_nodes(folder: Path, dsn: str, *more: str) -> AsyncIterator[Sequence[Service]]:
    """Serve a town by a worker and two gateways until the block ends; yield them in this order."""
    async with AsyncExitStack() as stack:
        services = []
        for name, role in (("worker", "worker"), ("north", "gateway"), ("south", "gateway")):
            place = folder / name
            place.mkdir()
            services.append(await stack.enter_async_context(serving(place, config=node(dsn, role, name, *more))))
        yield services
