"""Cut a crowd of clients, the writers and the service for minutes: `python -m tests.soak.cuts`.

`docs/reliability.md` tells what that proves. The exit code is 1 when anything was lost, doubled, missing or wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
from msgspec import Struct

from tests.soak.chronicle import Chronicle
from tests.soak.crowd import Crowd, gathered
from tests.soak.cut import plan
from tests.soak.cutter import Cutter
from tests.soak.ledger import Ledger
from tests.soak.relay import relaying
from tests.soak.town import Town, served
from tests.soak.verdict import Evidence, Row, Verdict, judge
from tests.soak.writer import Door, Writer

_WRITERS = 6
_ANSWER_S = 10.0
_CURRENT_S = 120.0
_PROGRESS_S = 10.0


class Options(Struct, frozen=True, kw_only=True):
    """What is run."""

    cuts: int = 1_000
    minutes: float = 10.0
    clients: int = 200
    writes_per_s: float = 10.0
    seed: int = 1


class Soak:
    """One run: the parts, as they are put together."""

    def __init__(self, options: Options, town: Town) -> None:
        """Run against a town that is served."""
        self._options = options
        self._town = town
        self._luck = random.Random(options.seed)
        self._chronicle = Chronicle()
        self._ledger = Ledger()

    async def run(self) -> Verdict[Row]:
        """Write and cut, then compare."""
        options = self._options
        async with AsyncExitStack() as stack:
            relay = await stack.enter_async_context(relaying(self._town.upstream))
            gathering = gathered(
                options.clients, [self._town.upstream], chronicle=self._chronicle, luck=random.Random(options.seed)
            )
            crowd = await stack.enter_async_context(gathering)
            cutter = Cutter(self._town, crowd, writers=relay, luck=self._luck)
            timeout = aiohttp.ClientTimeout(total=_ANSWER_S)
            headers = self._town.headers
            client = aiohttp.ClientSession(relay.base, headers=headers, timeout=timeout)
            await self._write_and_cut(await stack.enter_async_context(client), cutter, crowd)
            wrong = await crowd.become_current(self._town, _CURRENT_S)
            current_s = asyncio.get_running_loop().time() - cutter.cuts[-1].at
        await self._town.terminate()
        for member in crowd.members:
            member.settle()
        if self._town.faults():
            print(self._town.told(), file=sys.stderr)
        return judge(
            Evidence(
                cuts=cutter.cuts,
                members=crowd.members,
                wrong=wrong,
                chronicle=self._chronicle,
                ledger=self._ledger,
                archive=await self._town.archive(),
                faults=self._town.faults(),
                starts_s=self._town.starts_s,
                current_s=current_s,
            )
        )

    async def _write_and_cut(self, client: aiohttp.ClientSession, cutter: Cutter, crowd: Crowd) -> None:
        stop = asyncio.Event()
        door = Door(client, self._ledger)
        options = self._options
        async with asyncio.TaskGroup() as tasks:
            for number in range(_WRITERS):
                luck = random.Random(f"{options.seed} {number}")
                writer = Writer(f"{number}", door, ledger=self._ledger, luck=luck)
                tasks.create_task(writer.write(stop, every_s=_WRITERS / options.writes_per_s))
            progress = tasks.create_task(self._tell_progress(cutter, crowd))
            await cutter.run(plan(options.cuts, self._luck), options.minutes * 60)
            stop.set()
            progress.cancel()

    async def _tell_progress(self, cutter: Cutter, crowd: Crowd) -> None:
        while True:
            await asyncio.sleep(_PROGRESS_S)
            cuts = f"{len(cutter.cuts)} of {self._options.cuts} cuts"
            live = f"{crowd.live} of {self._options.clients} clients live"
            print(f"{cuts}, {len(self._ledger.accepted)} writes accepted, {live}", file=sys.stderr, flush=True)


async def soak(options: Options, folder: Path) -> Verdict[Row]:
    """Run with data in a folder."""
    async with served(folder) as town:
        return await Soak(options, town).run()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print the table; 1 when anything is wrong."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="geoworks-soak-") as folder:
        verdict = asyncio.run(soak(options, Path(folder)))
    print(*verdict.lines(), sep="\n")
    return 1 if verdict.faults else 0


def _options(arguments: Sequence[str] | None) -> Options:
    usual = Options()
    parser = argparse.ArgumentParser(description="Cut clients, writers and the service, and see that nothing is lost.")
    parser.add_argument("--cuts", type=int, default=usual.cuts, help="how many cuts (%(default)s)")
    parser.add_argument("--minutes", type=float, default=usual.minutes, help="for how long (%(default)s)")
    parser.add_argument("--clients", type=int, default=usual.clients, help="how many clients (%(default)s)")
    parser.add_argument("--writes-per-s", type=float, default=usual.writes_per_s, help="how fast (%(default)s)")
    parser.add_argument("--seed", type=int, default=usual.seed, help="what is random follows from it (%(default)s)")
    return Options(**vars(parser.parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(main())
