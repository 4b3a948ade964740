"""The kinds of faults of a town of many nodes, and which are made, for how long, in which order."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence
from enum import StrEnum

from msgspec import Struct


class Fault(StrEnum):
    """What goes wrong, and how."""

    GATEWAY_KILLED = "a gateway, SIGKILL"
    LEADER_KILLED = "the worker that leads, SIGKILL"
    NATS_KILLED = "NATS, SIGKILL"
    POSTGRES_KILLED = "PostgreSQL, SIGKILL"
    GATEWAY_STOPPED = "a gateway, SIGSTOP"
    LEADER_STOPPED = "the worker that leads, SIGSTOP"
    NATS_STOPPED = "NATS, SIGSTOP"
    POSTGRES_STOPPED = "PostgreSQL, SIGSTOP"
    DISK_FULL = "the database's disk, full"
    NATS_CUT = "the way to NATS, cut"
    TWO_LEADERS = "two workers that believe to lead"
    SLOW_WRITERS = "16 slow transactions beside ours"
    UPGRADED = "every node in its turn, SIGTERM and started again"


KILLS = (Fault.GATEWAY_KILLED, Fault.LEADER_KILLED, Fault.NATS_KILLED, Fault.POSTGRES_KILLED)
OF_NATS = (Fault.NATS_KILLED, Fault.NATS_STOPPED, Fault.NATS_CUT)
# The way to NATS stays cut for half as long again.
_CUT_LASTS = 1.5
_SHORT_S = 2.0


class Planned(Struct, frozen=True):
    """A fault and how long it lasts before it is repaired."""

    fault: Fault
    seconds: float


class Times(Struct, frozen=True):
    """How often each kill is made, and each of the other faults."""

    kills: int = 2
    others: int = 1


FULL = Times(kills=50, others=3)


def plan(kinds: Collection[Fault], seconds: float, times: Times, *, luck: random.Random) -> Sequence[Planned]:
    """Return faults of these kinds, mixed, each so long; but of the kills of a kind all but one are repaired soon."""
    lasting = {kind: Planned(kind, seconds * (_CUT_LASTS if kind is Fault.NATS_CUT else 1)) for kind in kinds}
    chosen: list[Planned] = []
    for kind, one in lasting.items():
        if kind in KILLS:
            chosen += [one, *(Planned(kind, luck.random() * _SHORT_S) for _ in range(times.kills - 1))]
        else:
            chosen += [one] * times.others
    luck.shuffle(chosen)
    return chosen
