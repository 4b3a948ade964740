"""Fan-out: a change to many sockets with the same subscription, injected after the commit, beside other servers.

Each server is alone on one core, its clients on another. What counts is the CPU time of the server's process, user
and system, from the change to its bytes being in every client. All run in turn, five times, with the same rest after
each change and some changes first that are not counted; a ratio is the median of the five. Beside it stand what the
rows leave out: subscriptions that are all different, and the door of writing.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from statistics import median

from tests.bench import peers
from tests.bench.contender import Contender, Fanout, Run
from tests.bench.cores import CLIENT_CORE, on_core
from tests.bench.fanout_changes import LONLAT
from tests.bench.fanout_servers import broadcast, ours
from tests.bench.row import Growth, Row, paired_row

SOCKETS = 1000
ROUNDS = 5
# Further apart than changes are joined, so each is written alone.
ALONE = Run(changes=40, together=1, pause_s=0.01, awake=True)
# With time for the clients to take a batch before the next.
IN_FLIGHT = Run(changes=160, together=16, pause_s=0.04)
_GROWTH = (100, 300, 1000)
_UNIT = "deliveries/CPU s"
_PEERS: Mapping[str, Callable[[], AbstractContextManager[Contender]]] = {
    "websockets.broadcast": broadcast,
    "Nchan": peers.nchan,
    "nats-server": peers.nats,
    "a C loop of send()": partial(peers.floor, SOCKETS),
}
# The first is the row of the house that stood before; the others are those of the stream.
_ALONE_ROWS = (
    ("fan-out of one change to 1000 sockets", "websockets.broadcast", 1.5),
    ("one change to 1000 sockets, beside websockets.broadcast", "websockets.broadcast", 1.6),
    ("one change to 1000 sockets, beside Nchan", "Nchan", 1.3),
    ("one change to 1000 sockets, beside a C loop of send()", "a C loop of send()", 0.7),
)
_IN_FLIGHT_ROWS = (
    ("16 changes in flight to 1000 sockets, beside Nchan", "Nchan", 10),
    ("16 changes in flight to 1000 sockets, beside nats-server", "nats-server", 2),
    ("16 changes in flight to 1000 sockets, beside a C loop of send() with joined writes", "a C loop of send()", 0.8),
)


def rows() -> Iterator[Row | Growth]:
    """Measure the rows beside the peers that are installed, then how ours grows."""
    with on_core(CLIENT_CORE):
        yield from _beside_peers()
        for sockets in _GROWTH:
            yield from _ours_alone(sockets)


def _beside_peers() -> Iterator[Row]:
    with ExitStack() as stack:
        mine = stack.enter_context(Fanout(stack.enter_context(ours()), SOCKETS))
        others = {name: fanout for name, start in _PEERS.items() if (fanout := _start(start, stack))}
        for run, wanted in ((ALONE, _ALONE_ROWS), (IN_FLIGHT, _IN_FLIGHT_ROWS)):
            among = {name: others[name] for _, name, _ in wanted if name in others}
            pairs = compare_all(mine, among, run)
            for row, name, target in wanted:
                if name in pairs:
                    yield paired_row(row, pairs[name], target=target, unit=_UNIT)


def _start(start: Callable[[], AbstractContextManager[Contender]], stack: ExitStack) -> Fanout | None:
    """Start a peer with its clients; None, aloud, when it is not installed."""
    try:
        contender = stack.enter_context(start())
    except peers.Missing as missing:
        print(missing, file=sys.stderr)
        return None
    return stack.enter_context(Fanout(contender, SOCKETS))


def compare_all(mine: Fanout, others: Mapping[str, Fanout], run: Run) -> dict[str, list[tuple[float, float]]]:
    """Return pairs `(ours, peer)` of deliveries by CPU second for each peer; who goes first changes each round."""
    pairs: dict[str, list[tuple[float, float]]] = {name: [] for name in others}
    everybody = {"": mine, **others}
    for number in range(ROUNDS):
        order = list(everybody) if number % 2 == 0 else list(reversed(everybody))
        figures = {name: everybody[name].deliveries_per_s(run) for name in order}
        for name in others:
            pairs[name].append((figures[""], figures[name]))
    return pairs


def _ours_alone(sockets: int) -> Iterator[Growth]:
    """Measure ours at a size: with one question that all ask, and with as many questions as sockets."""
    for asked, areas in (("all the same", ()), ("all different", different_areas(sockets))):
        with ours(*areas) as server, Fanout(server, sockets) as fanout:
            for way, run in (("alone", ALONE), ("16 in flight", IN_FLIGHT)):
                cost = median(1 / fanout.deliveries_per_s(run) for _ in range(ROUNDS))
                yield Growth(f"fan-out, changes {way}, subscriptions {asked}, by sockets", sockets, cost)


def different_areas(count: int) -> tuple[str, ...]:
    """Return so many boxes around the place of the change, each a little larger than the last."""
    lon, lat = LONLAT
    widths = (0.01 + number * 1e-5 for number in range(count))
    return tuple(json.dumps({"bbox": [lon - width, lat - width, lon + width, lat + width]}) for width in widths)
