"""The tail of the log and the catch-up rule."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from geoworks.hub.replay import PAGE, CatchUp, Due, PutDue, RemoveDue, Replay, Tail, TooOld
from geoworks.model.change import Change, Key, Kind, MatchKeys, Op, Reason
from geoworks.model.severity import Severity
from geoworks.model.works import Status
from tests.hub.town import NOON, Look, MemoryLog, Town, works_record

# A version of a feature, as far as matching goes: a works severe enough, one that is not, or none.
_VERSIONS = st.sampled_from(["in", "out", "gone"])
_CHANGES = st.lists(st.tuples(st.sampled_from("FGH"), _VERSIONS), max_size=24)


def _is_severe(_: Key, keys: MatchKeys) -> bool:
    return keys.visible and keys.severity is Severity.HIGH


def _live_through(town: Town, changes: Sequence[tuple[str, str]]) -> None:
    for id_, version in changes:
        severity = Severity.HIGH if version == "in" else Severity.LOW
        if version != "gone":
            town.publish_works(id_, Look(severity=severity))
        elif town.state.get(Key(Kind.WORKS, id_)) is not None:
            town.publish_removal(id_)


def _matching(town: Town) -> set[str]:
    return {entry.record.key.id for entry in town.state.of_kind(Kind.WORKS) if _is_severe(entry.record.key, entry.keys)}


def _due(town: Town, after: int) -> list[Due]:
    catch_up = CatchUp(_is_severe)
    catch_up.add(change for change in town.log.entries if change.offset > after)
    return list(catch_up.due(town.state))


def _take(held: set[str], town: Town, due: Sequence[Due]) -> set[str]:
    held = set(held)
    for item in due:
        if isinstance(item, PutDue):
            held.add(town.log.entries[item.offset - 1].key.id)
        else:
            held.discard(item.key.id)
    return held


@given(past=_CHANGES, missed=_CHANGES, later=_CHANGES, cut=st.integers(0, 3))
@example(past=[("F", "in")], missed=[("F", "out"), ("G", "in"), ("F", "out")], later=[], cut=1)
async def test_cut_in_the_middle_of_a_catch_up(
    past: list[tuple[str, str]], missed: list[tuple[str, str]], later: list[tuple[str, str]], cut: int
) -> None:
    """A client that is cut after any message of a catch-up and resumes from that message's cursor ends right."""
    town = Town()
    _live_through(town, past)
    held, cursor = _matching(town), town.state.cursor.offset
    _live_through(town, missed)
    received = _due(town, cursor)[:cut]
    held = _take(held, town, received)
    cursor = received[-1].offset if received else cursor
    _live_through(town, later)
    assert _take(held, town, _due(town, cursor)) == _matching(town)


@given(past=_CHANGES, missed=_CHANGES)
async def test_catch_up_tells_each_feature_once_in_order(
    past: list[tuple[str, str]], missed: list[tuple[str, str]]
) -> None:
    """A catch-up has at most one message for a feature, in the order of the log, and nothing that was not missed."""
    town = Town()
    _live_through(town, past)
    cursor = town.state.cursor.offset
    _live_through(town, missed)
    due = _due(town, cursor)
    features = [town.log.entries[item.offset - 1].key for item in due]
    assert len(set(features)) == len(features)
    assert all(earlier.offset < later.offset for earlier, later in pairwise(due))
    assert all(item.offset > cursor for item in due)


@pytest.mark.parametrize(
    ("look", "reason", "told"),
    [
        (Look(severity=Severity.LOW), Reason.UPDATED, Reason.MOVED_OUT),
        (Look(severity=Severity.HIGH, draft=True), Reason.UPDATED, Reason.HIDDEN),
        (Look(severity=Severity.HIGH, status=Status.COMPLETED), Reason.ENDED, Reason.ENDED),
        (Look(severity=Severity.HIGH, status=Status.COMPLETED), Reason.UPDATED, Reason.ENDED),
        (Look(severity=Severity.HIGH, status=Status.CANCELLED), Reason.CANCELLED, Reason.CANCELLED),
    ],
)
async def test_reason_of_a_removal(look: Look, reason: Reason, told: Reason) -> None:
    """A removal says why: the change's reason, that it is hidden, or that it is still there but matches no more."""
    town = Town()
    town.publish_works("F", Look(severity=Severity.HIGH))
    town.put(works_record("F", look), reason=reason)
    assert _due(town, 1) == [RemoveDue(2, Key(Kind.WORKS, "F"), told)]


async def test_place_of_a_removal() -> None:
    """A removal stands where the feature stopped to match, not where it first or last changed."""
    town = Town()
    for severity in (Severity.HIGH, Severity.HIGH, Severity.LOW, Severity.MEDIUM):
        town.publish_works("F", Look(severity=severity))
    assert [due.offset for due in _due(town, 1)] == [3]


async def test_reason_of_a_withdrawal() -> None:
    """A feature taken out of the source is told as withdrawn."""
    town = Town()
    town.publish_works("F", Look(severity=Severity.HIGH))
    town.publish_removal("F")
    assert _due(town, 1) == [RemoveDue(2, Key(Kind.WORKS, "F"), Reason.WITHDRAWN)]


def _change(offset: int) -> Change:
    return Change(offset, NOON, Key(Kind.WORKS, "F"), Op.PUT, Reason.UPDATED, 1)


def test_tail_keeps_the_newest() -> None:
    """A tail gives everything after an offset it reaches back to, and nothing for an older one."""
    tail = Tail(10, most=3)
    assert tail.after(10) == []
    assert tail.after(9) is None
    for offset in range(11, 16):
        tail.append(_change(offset))
    assert tail.start == 12
    assert [change.offset for change in tail.after(13) or ()] == [14, 15]
    assert [change.offset for change in tail.after(12) or ()] == [13, 14, 15]
    assert tail.after(11) is None


async def test_page_comes_from_the_store_when_the_tail_is_too_short() -> None:
    """What is in memory no more is read from the log that is kept."""
    log = MemoryLog()
    replay = Replay(log, 0, tail=2)
    for offset in range(1, 6):
        log.entries.append(_change(offset))
        replay.tail.append(log.entries[-1])
    assert [change.offset for change in await replay.page(1)] == [2, 3, 4, 5]


async def test_newest_are_recalled() -> None:
    """After a restart the newest changes are in memory, so many as are folded at once, and new ones follow."""
    log = MemoryLog()
    log.entries += [_change(offset) for offset in range(3, PAGE + 11)]
    replay = Replay(log, PAGE + 10, tail=2 * PAGE)
    assert replay.near(PAGE + 9) is None
    await replay.recall()
    assert [change.offset for change in replay.near(PAGE + 8) or ()] == [PAGE + 9, PAGE + 10]
    assert len(replay.near(10) or ()) == PAGE
    replay.tail.append(_change(PAGE + 11))
    assert [change.offset for change in replay.near(PAGE + 9) or ()] == [PAGE + 10, PAGE + 11]


async def test_only_what_the_state_has_is_recalled() -> None:
    """What other nodes numbered since the state was read comes once, when it is told, and not from the log as well."""
    log = MemoryLog()
    replay = Replay(log, 3, tail=2 * PAGE)
    log.entries += [_change(offset) for offset in range(1, 6)]
    await replay.recall()
    assert replay.tail.end == 3
    for change in log.entries[3:]:
        replay.tail.append(change)
    assert [change.offset for change in replay.near(0) or ()] == [1, 2, 3, 4, 5]


async def test_nothing_is_recalled_of_a_log_that_was_cut() -> None:
    """Where no change is kept any more the tail begins at its end."""
    replay = Replay(MemoryLog(), 7, tail=2)
    await replay.recall()
    assert replay.near(7) == []
    assert replay.near(6) is None


async def test_page_ends_where_the_state_does() -> None:
    """What is durable but was not told yet is no part of a catch-up: the state would give it the version before."""
    log = MemoryLog()
    replay = Replay(log, 3, tail=2)
    log.entries += [_change(offset) for offset in range(1, 6)]
    assert [change.offset for change in await replay.page(1)] == [2, 3]
    replay.tail.append(log.entries[3])
    assert [change.offset for change in await replay.page(1)] == [2, 3, 4]


async def test_page_that_is_kept_no_more() -> None:
    """A cursor before the kept log is too old, whether anything is kept or not."""
    log = MemoryLog()
    replay = Replay(log, 5, tail=2)
    log.entries.append(_change(5))
    with pytest.raises(TooOld):
        await replay.page(2)
    log.entries.clear()
    with pytest.raises(TooOld):
        await replay.page(2)
