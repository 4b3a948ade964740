"""Ten thousand clients that resume at once after the server was killed and started again.

While nobody is there some hundred works change; while all come back some more do. Each client must end at the head
of the log and be told exactly the changes that concern it, once; and nothing may stop the server's loop for long.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.bench.cores import CLIENT_CORE, allow_files, on_core
from tests.bench.returners import Returners
from tests.bench.returning import AT_FIRST, LIVE, MEANWHILE
from tests.bench.row import Growth, Row
from tests.bench.town_server import Write, town_server

CLIENTS = 10_000
_FILES = 2 * CLIENTS + 256
_WITHIN_S = 20.0
_STALL_S = 0.2
_PAUSE_S = 0.1


def rows() -> Iterator[Row | Growth]:
    """Measure the return, and the first coming beside it."""
    allow_files(_FILES)
    with on_core(CLIENT_CORE), tempfile.TemporaryDirectory() as folder, Returners(CLIENTS) as clients:
        yield from _first_life(Path(folder), clients)
        yield from _second_life(Path(folder), clients)


def _first_life(folder: Path, clients: Returners) -> Iterator[Growth]:
    with town_server(folder) as server:
        server.write(Write(tuple(AT_FIRST), is_first=True))
        server.stall_s()
        clients.come(server.port)
        first = clients.arrived()
        yield Growth("all clients subscribe at once: time until all are live", CLIENTS, first.took_s)
        yield Growth("all clients subscribe at once: loop stall", CLIENTS, server.stall_s())
        assert first.right == CLIENTS, first
        server.kill()


def _second_life(folder: Path, clients: Returners) -> Iterator[Row]:
    with town_server(folder) as server:
        server.write(Write(MEANWHILE))
        server.stall_s()
        clients.come(server.port)
        server.begin(Write(tuple(LIVE), pause_s=_PAUSE_S))
        cursor = server.ended()
        back = clients.arrived()
        stall_s = server.stall_s()
        clients.stay(cursor)
        end = clients.arrived()
    name = "10 000 clients resume at once after a restart"
    yield Row(f"{name}: time until all are current", back.took_s, _WITHIN_S, _WITHIN_S / back.took_s, target=1)
    yield Row(f"{name}: longest stall of the loop", stall_s, _STALL_S, _STALL_S / stall_s, target=1)
    yield Row(f"{name}: told exactly what they should be", end.right, CLIENTS, end.right / CLIENTS, 1, unit="clients")
    for fault, count in end.faults.most_common():
        print(f"{count} times: {fault}")
