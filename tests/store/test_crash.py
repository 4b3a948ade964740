"""A killed process: what was acknowledged is there, and nothing by halves."""

from __future__ import annotations

import random
import subprocess
import sys
from pathlib import Path

import msgspec

from geoworks.clock import ManualClock
from geoworks.model.change import Key, Op
from geoworks.ports import Head, Store
from tests.postgres import Databases
from tests.shared import ROOT
from tests.store.burst_writer import Acknowledged, make_store
from tests.store.samples import read_whole

KILLS = 8
BURSTS = 200


def write_until_killed(data_dir: Path, dsn: str, bursts: int, luck: random.Random) -> list[Acknowledged]:
    """Start a writer, kill it somewhere in the burst after `bursts`, and return the commits it acknowledged."""
    command = [sys.executable, "-m", "tests.store.burst_writer", str(data_dir), dsn]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout
        lines = []
        acknowledged = Acknowledged(0, [])
        after = luck.randrange(4)
        while acknowledged.burst <= bursts or after:
            after -= acknowledged.burst > bursts
            lines.append(process.stdout.readline())
            acknowledged = msgspec.json.decode(lines[-1], type=Acknowledged)
        process.kill()
        lines += process.stdout.read().splitlines()
    return [msgspec.json.decode(line, type=Acknowledged) for line in lines]


async def test_killed_in_write_bursts(tmp_path: Path, clock: ManualClock) -> None:
    """Killed 8 times in the middle of 200 bursts, the store has every acknowledged change and no gap in its offsets."""
    await kill_again_and_again(tmp_path, "", clock)


async def test_killed_in_write_bursts_on_postgis(databases: Databases, tmp_path: Path, clock: ManualClock) -> None:
    """So it is on a server."""
    await kill_again_and_again(tmp_path, databases.server.dsn(databases.new()), clock)


async def kill_again_and_again(folder: Path, dsn: str, clock: ManualClock) -> None:
    """Kill writers in their bursts, and check after each what is there."""
    luck = random.Random(200)
    store = make_store(folder, dsn, clock)
    epoch = (await store.open()).epoch
    await store.close()
    told: dict[int, str] = {}
    for _ in range(KILLS):
        for acknowledged in write_until_killed(folder, dsn, BURSTS // KILLS, luck):
            told.update(acknowledged.changes)
        head = await store.open()
        await check(store, head, told)
        assert head.epoch == epoch
        await store.close()
    assert len(told) > 16 * BURSTS


async def check(store: Store, head: Head, told: dict[int, str]) -> None:
    """Assert that the log has no gap and holds what was told, and that the features are what the log makes of them."""
    whole = await read_whole(store)
    assert [change.offset for change in whole.changes] == list(range(1, head.offset + 1))
    logged = {change.offset: change.key.id for change in whole.changes}
    assert {offset: logged.get(offset) for offset in told} == told
    standing: set[Key] = set()
    for change in whole.changes:
        (standing.add if change.op is Op.PUT else standing.discard)(change.key)
    assert set(whole.records) == standing
