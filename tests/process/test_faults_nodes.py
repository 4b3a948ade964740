"""A town of many nodes hurt under writes: nothing is lost, doubled or missing; and the check sees it when it is."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.process.service import GEOWORKS
from tests.shared import ROOT
from tests.soak.archive import Archive
from tests.soak.chronicle import Chronicle
from tests.soak.fault import FULL, KILLS, Fault, Times, plan
from tests.soak.faults import Options, overdue, soak
from tests.soak.findings import BOUND_S, Found, Row, conclude
from tests.soak.ledger import Accepted, Ledger
from tests.soak.planning import Planning
from tests.soak.verdict import Verdict

A_FEW = (
    Fault.LEADER_KILLED,
    Fault.POSTGRES_KILLED,
    Fault.TWO_LEADERS,
    Fault.UPGRADED,
)
MOMENTS = {"late": "2026-11-27T06:00:00Z", "just now": "2026-11-27T06:00:09Z", "never": None}
ACCEPTED = Accepted("a", 1, "first", cancels=False, at=0.0)


async def test_a_few_faults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty clients and both gateways agree with the database after every fault; `make soak` is the long run.

    All nodes begin by the program they are said to begin by, not by the code that Python is told to look for, and are
    started again by this one.
    """
    starts, before = tmp_path / "starts", tmp_path / "before"
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    before.write_text(f'#!/bin/sh\necho "$1$PYTHONPATH" >> {starts}\nexec {GEOWORKS} "$@"\n')
    before.chmod(0o755)
    options = Options(
        seconds_per_fault=2.0,
        clients=20,
        only=A_FEW,
        around_s=1.0,
        patience_s=1.0,
        times=Times(kills=1),
        before=str(before),
    )
    findings = await soak(options, tmp_path)
    assert starts.read_text().split() == ["serve"] * 4
    told = "\n".join(findings.lines())
    assert findings.faults == 0, told
    assert {row.fault for row in findings.rows} >= set(A_FEW), told
    assert all(row.accepted > 0 for row in findings.rows if row.fault in A_FEW), told
    assert findings.facts["times a client said to be current, each compared with the log"] > 500
    assert findings.facts["times the planning changed"] > 0


def test_every_fault() -> None:
    """Every fault is made for as long as asked; a kill once more, repaired soon, and in full fifty times."""
    short = plan(list(Fault), 20, Times(), luck=random.Random(1))
    lasting = [one for one in short if one.seconds >= 20]
    assert sorted(one.fault for one in lasting) == sorted(Fault)
    assert sorted(one.fault for one in short if one not in lasting) == sorted(KILLS)
    full = [one.fault for one in plan(list(Fault), 20, FULL, luck=random.Random(1))]
    assert {full.count(kill) for kill in KILLS} == {50}
    assert {full.count(fault) for fault in set(Fault) - set(KILLS)} == {3}


def found(
    *, lost: Sequence[Accepted] = (), missing: int = 0, wrong: int = 0, told: int = 0, equal_s: float = 1
) -> Found:
    """Return what was found after a fault."""
    return Found(
        fault=Fault.UPGRADED, accepted=1, again=0, lost=lost, missing=missing, wrong=wrong, told=told, equal_s=equal_s
    )


def concluded(one: Found, ledger: Ledger | None = None) -> Verdict[Row]:
    """Return what a run with one fault comes to."""
    archive = Archive([], {}, {})
    return conclude([one], [], chronicle=Chronicle(), ledger=ledger or Ledger(), archive=archive, turns=1)


@pytest.mark.parametrize(
    "bad",
    [
        found(lost=[ACCEPTED]),
        found(missing=1),
        found(wrong=1),
        found(told=1),
        found(equal_s=BOUND_S + 1),
    ],
)
def test_what_is_wrong(bad: Found) -> None:
    """A lost write, a missing offset, a wrong client, a traceback and being late each make the run fail."""
    assert concluded(found()).faults == 0
    assert concluded(bad).faults > 0
    assert "lost after" in "\n".join(concluded(bad).lines()) or not bad.lost


def test_overdue() -> None:
    """Works that should have begun some seconds ago are found."""
    works = {id_: {"properties": {"next_transition": moment}} for id_, moment in MOMENTS.items()}
    assert overdue(works, datetime(2026, 11, 27, 6, 0, 10, tzinfo=UTC)) == ["late"]


def test_what_a_town_has_of_the_planning(tmp_path: Path) -> None:
    """Works that changed, went or are new since a town read the planning are told, until it reads it again."""
    planning = Planning(tmp_path / "planning.geojson", random.Random(1))
    assert not planning.differing(_read(tmp_path / "planning.geojson"))
    planning.turn()
    assert len(planning.differing({})) == 120
    held = _read(tmp_path / "planning.geojson")
    assert not planning.differing({**held, "other:1": {"properties": {"description": "of another source"}}})
    planning.turn()
    assert len(planning.differing(held)) == 55 + 5 + 5
    assert not planning.differing(_read(tmp_path / "planning.geojson"))


def _read(file: Path) -> dict[str, Any]:
    """Return the works in a planning, by their ids in a town."""
    return {f"planning:{one['properties']['number']}": one for one in json.loads(file.read_bytes())["features"]}


def test_an_answer_that_fits_nothing() -> None:
    """An answer that no writer expects makes the run fail."""
    ledger = Ledger()
    ledger.wrong.append("POST was answered 418")
    assert concluded(found(), ledger).faults == 1
