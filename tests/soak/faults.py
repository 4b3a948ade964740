"""Hurt a town of many nodes, its database and its bus, under writes and listeners: `python -m tests.soak.faults`.

`docs/reliability.md` tells what that proves. The exit code is 1 when anything was lost, doubled, missing or wrong, or
when not all were equal in time.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
from msgspec import Struct

from geoworks.client import patience
from geoworks.config.nodes import BusKind
from geoworks.errors import StoreError
from tests.soak.chronicle import Chronicle
from tests.soak.crowd import Crowd, gathered
from tests.soak.fault import FULL, Fault, Planned, Times, plan
from tests.soak.findings import AT_END, BOUND_S, Found, Row, conclude, held_wrongly
from tests.soak.fleet import GATEWAYS, WORKERS, Fleet, fleet
from tests.soak.ledger import Ledger
from tests.soak.maker import FaultMaker
from tests.soak.relay import relaying
from tests.soak.verdict import Verdict
from tests.soak.writer import Door, Writer

_WRITERS = 8
_ANSWER_S = 10.0
_LOOK_S = 0.2
# So long after its moment works may begin or end.
_OVERDUE_S = 2.0
# So long it is looked whether what is late becomes equal at all.
_LATE_S = 60.0
_MOST_DETAILS = 5


class Options(Struct, frozen=True, kw_only=True):
    """What is run.

    Writing goes on for `around_s` before and after each fault. `patience_s` is the longest wait of a client that lost
    its connection; 30 s for its users. `before` is the program of an earlier release, by which all nodes begin.
    """

    seconds_per_fault: float = 20.0
    clients: int = 300
    writes_per_s: float = 10.0
    bus: BusKind = BusKind.NATS
    only: Sequence[Fault] = ()
    times: Times = Times()
    around_s: float = 3.0
    patience_s: float = 5.0
    before: str = ""
    seed: int = 1


class Soak:
    """One run: the parts, as they are put together."""

    def __init__(self, options: Options, nodes: Fleet) -> None:
        """Run against a town that is served."""
        self._options = options
        self._fleet = nodes
        self._luck = random.Random(options.seed)
        self._chronicle = Chronicle()
        self._ledger = Ledger()
        self._maker = FaultMaker(nodes, self._luck)
        self._writers: list[Writer] = []
        self._found: list[Found] = []

    async def run(self) -> Verdict[Row]:
        """Make one fault after the other and look at what it left."""
        options = self._options
        chosen = [fault for fault in options.only or Fault if fault in self._maker.possible]
        for fault in set(options.only or Fault) - set(chosen):
            print(f"LEFT OUT, it cannot be made here: {fault}", file=sys.stderr, flush=True)
        async with AsyncExitStack() as stack:
            await self._hire(stack)
            luck = random.Random(options.seed)
            gathering = gathered(options.clients, self._fleet.upstreams, chronicle=self._chronicle, luck=luck)
            crowd = await stack.enter_async_context(gathering)
            planned = plan(chosen, options.seconds_per_fault, options.times, luck=self._luck)
            for number, one in enumerate(planned):
                await self._round(one, crowd, place=f"{number + 1} of {len(planned)}")
        return await self._conclude(crowd)

    async def _hire(self, stack: AsyncExitStack) -> None:
        """Place the writers at both gateways, some at one only, some at the other one when it is not there."""
        for number in range(_WRITERS):
            upstreams = self._fleet.upstreams
            relay = await stack.enter_async_context(relaying(upstreams[number % len(upstreams)]))
            timeout = aiohttp.ClientTimeout(total=_ANSWER_S)
            session = aiohttp.ClientSession(relay.base, headers=self._fleet.headers, timeout=timeout)
            door = Door(await stack.enter_async_context(session), self._ledger)
            luck = random.Random(f"{self._options.seed} {number}")
            self._writers.append(Writer(f"{number}", door, ledger=self._ledger, luck=luck))

    @asynccontextmanager
    async def _writing(self) -> AsyncIterator[None]:
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            every_s = _WRITERS / self._options.writes_per_s
            tasks = [group.create_task(writer.write(stop, every_s=every_s)) for writer in self._writers]
            tasks.append(group.create_task(self._fleet.planning.change(stop)))
            try:
                yield
            finally:
                stop.set()
            while not all(task.done() for task in tasks):
                # Who writes at one gateway only waits for it.
                await self._fleet.revive()
                await asyncio.sleep(_LOOK_S)

    async def _round(self, planned: Planned, crowd: Crowd, *, place: str) -> None:
        for member in crowd.members:
            member.last_cut = planned.fault
        ledger = self._ledger
        accepted, again, told = len(ledger.accepted), ledger.unanswered + ledger.refused, self._fleet.faults()
        async with self._writing():
            await asyncio.sleep(self._options.around_s)
            await self._maker.make(planned.fault, planned.seconds)
            await asyncio.sleep(self._options.around_s)
        equal_s, wrong = await self._become_equal(crowd)
        archive = await self._fleet.archive()
        fresh = Ledger()
        fresh.accepted = ledger.accepted[accepted:]
        found = Found(
            fault=planned.fault,
            accepted=len(fresh.accepted),
            again=ledger.unanswered + ledger.refused - again,
            lost=fresh.lost(archive),
            missing=await self._fleet.still_missing(BOUND_S),
            wrong=wrong,
            told=self._fleet.faults() - told,
            equal_s=equal_s,
        )
        self._found.append(found)
        tell(f"{place}: {planned.fault} for {planned.seconds:.1f} s: {_said(found)}")

    async def _become_equal(self, crowd: Crowd) -> tuple[float, int]:
        """Wait until the gateways and all clients have what the database has; return how long, and how many were late.

        What is not equal in time is waited for longer, to be told whether it is late or wrong.
        """
        begin = time.monotonic()
        late: Sequence[str] | None = None
        while differing := await self._differing(crowd):
            passed_s = time.monotonic() - begin
            if late is None and passed_s > BOUND_S:
                late = differing
                for one in differing[:_MOST_DETAILS]:
                    tell(f"not equal after {passed_s:.1f} s: {one}")
            if passed_s > _LATE_S:
                tell(f"never became equal: {len(differing)}")
                break
            await asyncio.sleep(_LOOK_S)
        return time.monotonic() - begin, len(late or ())

    async def _differing(self, crowd: Crowd) -> Sequence[str]:
        try:
            waiting = await self._fleet.missing()
            stored = await self._fleet.stored()
            shown = {name: await self._fleet.works(name) for name in GATEWAYS}
        except (OSError, aiohttp.ClientError, TimeoutError, StoreError) as error:
            return [f"nothing could be compared: {type(error).__name__} {error}"]
        behind = [f"GET /v1/works of {name} is not what the database has" for name in GATEWAYS if shown[name] != stored]
        behind += [f"{waiting} changes wait for their offsets"] if waiting else []
        behind += [f"{id_} is not as the planning has it" for id_ in self._fleet.planning.differing(stored)]
        behind += [f"{id_} should have begun or ended" for id_ in overdue(stored, datetime.now(UTC))]
        return [*behind, *(f"a client: {held_wrongly(member, stored)}" for member in crowd.wrong(stored))]

    async def _conclude(self, crowd: Crowd) -> Verdict[Row]:
        """End all nodes with notice, and look at everything once more."""
        told = self._fleet.faults()
        for member in crowd.members:
            member.settle()
        for name in (*GATEWAYS, *WORKERS):
            await self._fleet.terminate(name)
        await self._fleet.number_the_rest()
        archive = await self._fleet.archive()
        before = [one for found in self._found for one in found.lost]
        lost = [one for one in self._ledger.lost(archive) if one not in before]
        faults = self._fleet.faults() - told
        last = Found(
            fault=AT_END, accepted=0, again=0, lost=lost, missing=archive.holes, wrong=0, told=faults, equal_s=0.0
        )
        if self._fleet.faults():
            tell(self._fleet.told(), *self._fleet.bad_ends)
        members, found = crowd.members, [*self._found, last]
        turns = self._fleet.planning.turns
        return conclude(found, members, chronicle=self._chronicle, ledger=self._ledger, archive=archive, turns=turns)


def overdue(works: Mapping[str, Any], now: datetime) -> Sequence[str]:
    """Return the works whose status should have changed by the clock: who leads has to see to it."""
    moments = {id_: one["properties"]["next_transition"] for id_, one in works.items()}
    latest = now - timedelta(seconds=_OVERDUE_S)
    return [id_ for id_, moment in moments.items() if moment and datetime.fromisoformat(moment) < latest]


def tell(*lines: str) -> None:
    """Say how it goes."""
    print(*lines, sep="\n", file=sys.stderr, flush=True)


def _said(found: Found) -> str:
    return (
        f"{found.accepted} accepted, {found.again} sent again, {len(found.lost)} lost, {found.missing} missing, "
        f"{found.wrong} wrong, {found.told} told faults, equal after {found.equal_s:.1f} s"
    )


async def soak(options: Options, folder: Path) -> Verdict[Row]:
    """Run with what the nodes need in a folder."""
    with _waiting_at_most(options.patience_s):
        async with fleet(folder, options.bus, before=options.before) as nodes:
            return await Soak(options, nodes).run()


@contextmanager
def _waiting_at_most(seconds: float) -> Iterator[None]:
    """Have the clients of this process come back soon, so that what is measured is the service."""
    usual = patience._LONGEST_S  # noqa: SLF001 - no setting of the client: its users have no use for it
    patience._LONGEST_S = seconds  # noqa: SLF001 - the same
    try:
        yield
    finally:
        patience._LONGEST_S = usual  # noqa: SLF001 - the same


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print the table; 1 when anything is wrong."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="geoworks-soak-") as folder:
        findings = asyncio.run(soak(options, Path(folder)))
    print(*findings.lines(), sep="\n")
    return 1 if findings.faults else 0


def _options(arguments: Sequence[str] | None) -> Options:
    usual = Options()
    parser = argparse.ArgumentParser(description="Hurt a town of many nodes, and see that nothing is lost.")
    add = parser.add_argument
    add("--seconds-per-fault", type=float, default=usual.seconds_per_fault, help="how long each lasts (%(default)s)")
    add("--clients", type=int, default=usual.clients, help="how many clients (%(default)s)")
    add("--writes-per-s", type=float, default=usual.writes_per_s, help="how fast (%(default)s)")
    add("--bus", type=BusKind, choices=list(BusKind), default=usual.bus, help="what carries news (%(default)s)")
    names = ", ".join(fault.name.lower() for fault in Fault)
    add("--only", type=_fault, nargs="+", default=usual.only, metavar="FAULT", help=f"some of: {names}")
    add(
        "--full",
        action="store_const",
        dest="times",
        const=FULL,
        default=usual.times,
        help="each SIGKILL fifty times, mixed, the others a few times",
    )
    help_around = "how long writing goes on before and after each (%(default)s)"
    add("--around-s", type=float, default=usual.around_s, help=help_around)
    add("--patience-s", type=float, default=usual.patience_s, help="longest wait of a client (%(default)s)")
    help_before = "begin with the `geoworks` of an earlier release; what is started again is this one"
    add("--before", default=usual.before, metavar="PROGRAM", help=help_before)
    add("--seed", type=int, default=usual.seed, help="what is random follows from it (%(default)s)")
    return Options(**vars(parser.parse_args(arguments)))


def _fault(name: str) -> Fault:
    try:
        return Fault[name.upper()]
    except KeyError:
        raise argparse.ArgumentTypeError(f"there is no fault {name}") from None


if __name__ == "__main__":
    sys.exit(main())
