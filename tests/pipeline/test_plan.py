"""The plan of a synchronisation, against sets as the oracle."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoworks.pipeline.plan import Guard, Known, compare
from geoworks.ports import Candidate
from tests.pipeline.house import NOON

LONG_AGO = NOON - timedelta(days=30)
OPEN = Guard(share=1.0, over_before=NOON - timedelta(days=14))

ids = st.sampled_from("abcdefgh")
hashes = st.sampled_from([b"1", b"2"])
knowns = st.builds(Known, hashes, st.sampled_from([None, LONG_AGO, NOON]))


def candidates(listed: Mapping[str, bytes]) -> list[Candidate]:
    """Return the records of a reading, in order."""
    return [Candidate(position, id_, raw) for position, (id_, raw) in enumerate(listed.items(), 1)]


def all_live(count: int) -> dict[str, Known]:
    """Return so many known works that are not over."""
    return {str(number): Known(b"1") for number in range(count)}


@given(st.dictionaries(ids, hashes), st.dictionaries(ids, knowns), st.sets(ids))
def test_every_id_has_one_fate(listed: dict[str, bytes], known: dict[str, Known], refused: set[str]) -> None:
    """Added, changed and unchanged make up the reading; what is not in it is removed, expired, kept or refused."""
    plan = compare(candidates(listed), known, refused=refused, guard=OPEN)
    assert {one.source_id for one in plan.added} == listed.keys() - known.keys()
    assert {one.source_id for one in plan.changed} == {
        id_ for id_ in listed.keys() & known.keys() if listed[id_] != known[id_].raw_hash
    }
    assert plan.unchanged == sum(known[id_].raw_hash == listed[id_] for id_ in listed.keys() & known.keys())
    missing = known.keys() - listed.keys() - refused
    assert {*plan.removed, *plan.held} == {id_ for id_ in missing if known[id_].ended is None}
    assert set(plan.expired) == {id_ for id_ in missing if known[id_].ended == LONG_AGO}


@given(st.dictionaries(ids, hashes))
def test_the_same_again_changes_nothing(listed: dict[str, bytes]) -> None:
    """A reading that is all known plans no write."""
    known = {id_: Known(raw) for id_, raw in listed.items()}
    plan = compare(candidates(listed), known, refused=(), guard=OPEN)
    assert (plan.added, plan.changed, plan.removed, plan.expired, plan.held) == ([], [], [], [], ())
    assert plan.unchanged == len(listed)


@pytest.mark.parametrize(("gone", "waits"), [(1, False), (3, False), (4, True), (9, True)])
def test_removals_above_the_guard_wait(gone: int, *, waits: bool) -> None:
    """Of ten live works three may go at a guard of 0.3, four wait for a person."""
    left = {id_: known.raw_hash for id_, known in list(all_live(10).items())[gone:]}
    plan = compare(candidates(left), all_live(10), refused=(), guard=Guard(0.3, NOON))
    assert (len(plan.held), len(plan.removed)) == ((gone, 0) if waits else (0, gone))


def test_an_empty_reading_removes_nothing() -> None:
    """A source that gives nothing at all is not believed, whatever the guard."""
    plan = compare([], all_live(2), refused=(), guard=OPEN)
    assert (list(plan.removed), list(plan.held)) == ([], ["0", "1"])


def test_what_is_over_does_not_count_for_the_guard() -> None:
    """Nine ended works that drop out of an export do not hold the tenth's removal, nor make it look small."""
    known = {**all_live(10), **{f"old{number}": Known(b"1", NOON) for number in range(90)}}
    left = {str(number): b"1" for number in range(9)}
    plan = compare(candidates(left), known, refused=(), guard=Guard(0.3, LONG_AGO))
    assert (list(plan.removed), list(plan.expired), list(plan.held)) == (["9"], [], [])


def test_a_person_may_hold_every_removal() -> None:
    """While a source is on hold even one removal waits."""
    plan = compare(candidates({"0": b"1"}), all_live(2), refused=(), guard=Guard(1.0, NOON, held=True))
    assert list(plan.held) == ["1"]
