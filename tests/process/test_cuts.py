"""Sockets and the process cut at random under writes: nothing is lost, doubled or missing; and the check sees it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
import shapely

from geoworks.client import Live, Lost, Put, Remove
from geoworks.client.changes import FeatureKey
from geoworks.model.change import Change, Key, Kind, MatchKeys, Op, Reason, Version
from geoworks.model.schedule import Schedule
from geoworks.model.severity import Severity
from geoworks.model.works import Works
from tests.soak.archive import Archive
from tests.soak.bare import BareStream, Beat
from tests.soak.chronicle import Chronicle
from tests.soak.cut import Kind as Cut
from tests.soak.cut import plan
from tests.soak.cuts import Options, soak
from tests.soak.ledger import Accepted, Ledger
from tests.soak.member import Member
from tests.soak.relay import Relay, Upstream
from tests.soak.view import MIDDLE, View


async def test_twenty_cuts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten clients and the log agree at every number, and all end with the town's state; `make soak` is the long run."""
    monkeypatch.setattr("geoworks.client.patience._LONGEST_S", 1.0)
    verdict = await soak(Options(cuts=20, minutes=0.15, clients=10, seed=7), tmp_path)
    told = "\n".join(verdict.lines())
    assert verdict.faults == 0, told
    assert {row.kind for row in verdict.rows} == set(Cut), told
    assert sum(row.cuts for row in verdict.rows) == 20
    assert verdict.facts["accepted writes"] > 20
    assert verdict.facts["times a client said to be current, each compared with the log"] > 100


@pytest.mark.parametrize("count", [20, 1_000])
def test_every_kind_of_cut(count: int) -> None:
    """As many cuts are planned as were asked for, of every kind at least one."""
    planned = plan(count, random.Random(1))
    assert len(planned) == count
    assert set(planned) == set(Cut)


AT = datetime(2026, 11, 26, tzinfo=UTC)
WEST, EAST = MIDDLE - 0.05, MIDDLE + 0.05


def keys(lon: float = WEST, *, visible: bool = True) -> MatchKeys:
    """Return what the log keeps of a version of a works."""
    return MatchKeys(shapely.Point(lon, 48.63), visible, Severity.MEDIUM)


def change(offset: int, id_: str, before: MatchKeys | None = None) -> Change:
    """Return an entry of a log."""
    return Change(offset, AT, Key(Kind.WORKS, id_), Op.PUT, Reason.UPDATED, offset, before)


def version(number: int, text: str, reason: Reason = Reason.UPDATED) -> Version:
    """Return a version of the works `a` with a text of its own."""
    works = Works(title="a", description=text, geometry=shapely.Point(WEST, 48.63), schedule=Schedule(start=AT))
    return Version(version=number, at=AT, reason=reason, actor="me", given=works)


# `a` is created and changed, `b` created and cancelled, `c` created in the west and moved to the east.
LOG = [
    change(1, "a"),
    change(2, "b"),
    change(3, "a", keys()),
    change(4, "b", keys()),
    change(5, "c"),
    change(6, "c", keys()),
]
STANDING = {
    Key(Kind.WORKS, "a"): keys(),
    Key(Kind.WORKS, "b"): keys(visible=False),
    Key(Kind.WORKS, "c"): keys(EAST),
}
ARCHIVE = Archive(LOG, STANDING, {"a": [version(1, "first"), version(2, "second")]})


def put(offset: int, id_: str) -> Put:
    """Return what a client is told of a change."""
    return Put(FeatureKey("works", id_), {}, None, f"epoch.{offset}")


def remove(offset: int, id_: str) -> Remove:
    """Return what a client is told of a removal."""
    return Remove(FeatureKey("works", id_), {}, "cancelled", f"epoch.{offset}")


def live(offset: int) -> Live:
    """Return the word that everything up to an offset was told."""
    return Live(None, f"epoch.{offset}")


async def faults(told: Sequence[object], view: View = View.ALL) -> tuple[int, int]:
    """Return how many gaps and doubled changes are found in what a client was told."""
    chronicle, upstream = Chronicle(), Upstream()
    nobody = BareStream(Relay(upstream).base, view.value, luck=random.Random(1))
    member = Member(view, Relay(upstream), listener=nobody, chronicle=chronicle)
    for one in told:
        member.hear(one)
    member.settle()
    return sum(chronicle.gaps(ARCHIVE).values()), member.doubled.total()


ALL = [put(1, "a"), put(2, "b"), put(3, "a"), remove(4, "b"), put(5, "c"), put(6, "c")]
LOST = Lost("cut", 0.0)


@pytest.mark.parametrize(
    ("told", "view"),
    [
        ([live(0), *ALL], View.ALL),
        ([live(0), *ALL[:5], remove(6, "c")], View.WEST),
        ([live(0), ALL[0], LOST, remove(2, "b"), put(3, "a"), put(6, "c"), live(6)], View.ALL),
        # A stall: it had been live, and is told what a catch-up tells.
        ([live(0), remove(2, "b"), put(3, "a"), live(4), Beat("epoch.4")], View.ALL),
    ],
)
async def test_what_is_right(told: Sequence[object], view: View) -> None:
    """Who is told every change while live, and the last of each works after a cut, is blamed for nothing."""
    assert await faults(told, view) == (0, 0)


@pytest.mark.parametrize("missing", range(6))
async def test_a_change_missing_while_live(missing: int) -> None:
    """One change that is not told is found, whichever it is, by the change or heartbeat after it at the latest."""
    told = [live(0), *ALL[:missing], *ALL[missing + 1 :], Beat("epoch.6")]
    assert (await faults(told))[0] > 0


@pytest.mark.parametrize(
    "told",
    [
        [live(0), ALL[0], LOST, put(2, "b"), live(3)],
        [live(0), *ALL[:3], LOST, live(4)],
        [live(0), LOST, put(3, "a"), put(5, "c"), live(6)],
    ],
)
async def test_a_change_missing_after_a_cut(told: Sequence[object]) -> None:
    """A client that is said to be current after a cut and is not is found."""
    assert await faults(told) == (1, 0)


async def test_a_change_told_twice() -> None:
    """What is told again, or out of order, is found."""
    assert await faults([live(0), ALL[0], ALL[0]]) == (1, 1)
    assert (await faults([live(0), LOST, put(1, "a"), live(0)]))[1] == 1
    assert (await faults([live(0), LOST, put(3, "a"), remove(2, "b"), live(3)]))[1] == 1


@pytest.mark.parametrize(
    ("one", "lost"),
    [
        (Accepted("a", 2, "second", cancels=False, at=0.0), 0),
        (Accepted("a", 3, "third", cancels=False, at=0.0), 1),
        (Accepted("a", 2, "another", cancels=False, at=0.0), 1),
        (Accepted("a", 2, "second", cancels=True, at=0.0), 1),
        (Accepted("b", 1, "first", cancels=False, at=0.0), 1),
    ],
)
def test_an_accepted_write_that_is_not_there(one: Accepted, lost: int) -> None:
    """An accepted write must be there in its version, as it was accepted."""
    ledger = Ledger()
    ledger.accepted.append(one)
    assert len(ledger.lost(ARCHIVE)) == lost


def test_a_write_carried_out_twice() -> None:
    """A write that was sent again and carried out again is found; cancelling writes nothing new into the text."""
    twice = {"a": [version(1, "same"), version(2, "same")], "b": [version(3, "b"), version(4, "b", Reason.CANCELLED)]}
    assert Ledger().doubled(Archive([], {}, twice)) == 1


def test_holes_in_the_log() -> None:
    """A number that is missing or given twice is found."""
    holes = [Archive(log, {}, {}).holes for log in (LOG, [LOG[0], *LOG[2:]], [*LOG, LOG[5]])]
    assert [hole > 0 for hole in holes] == [False, True, True]
