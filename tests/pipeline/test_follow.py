"""Following the log that many nodes write: what is told of each change, whatever the state has already."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import pytest
from msgspec.structs import replace

from geoworks.model.change import Change, Cursor, Op, Reason, Record
from geoworks.model.works import Status, WorksDerived
from geoworks.nodes import Followed, SharedStore
from geoworks.pipeline.follow import LogFollower
from geoworks.state import Published, State, make_entry
from tests.store.samples import NOON, logged_keys, works_record


class NothingMore:
    """A store in whose log nothing is that was not heard."""

    async def log(self, after: Cursor, *, limit: int) -> Sequence[Followed]:
        """Return nothing."""
        assert after.offset < limit
        return ()

    async def told(self, offset: int) -> None:
        """Note it."""
        assert offset


def ended(record: Record) -> Record:
    """Return a works after its end."""
    assert isinstance(record.derived, WorksDerived)
    return replace(record, derived=replace(record.derived, status=Status.COMPLETED))


async def followed(state: State, one: Followed) -> Published:
    """Return what is told of a change that is heard."""
    told: list[Published] = []

    def announce(some: Sequence[Published]) -> None:
        told.extend(some)

    follower = LogFollower(state, cast("SharedStore", NothingMore()), poll_s=1.0)
    follower.announce = announce
    follower.numbered("epoch", [one])
    await follower.take()
    (only,) = told
    return only


@pytest.mark.parametrize("is_ahead", [False, True])
async def test_version_before(*, is_ahead: bool) -> None:
    """A change is told to whom the version before it concerned, also where the node began with the version after it."""
    before, after = works_record(1), ended(works_record(1))
    state = State("epoch", 1)
    state.stand([(after, 7) if is_ahead else (before, 6)])
    keys = make_entry(before).keys
    logged = logged_keys(keys)
    change = Change(2, NOON, before.key, Op.PUT, Reason.ENDED, 1, logged)
    told = await followed(state, Followed(change, after, 7, NOON))
    assert told.change.before == (logged if is_ahead else keys)
    assert told.entry is not None
    assert told.entry.revision == 7
