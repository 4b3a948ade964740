"""API keys: told once, stored hashed, revoked for good."""

from __future__ import annotations

from pathlib import Path

import pytest

from geoworks.clock import ManualClock
from geoworks.errors import Conflict, Invalid, NotFound
from geoworks.pipeline.keys import Keys, Role
from geoworks.store.sqlite import SqliteStore
from tests.pipeline.house import House


def is_on_disk(secret: str, folder: Path) -> bool:
    """Tell whether a text stands in any file of a folder."""
    return any(secret.encode() in file.read_bytes() for file in folder.iterdir())


async def test_a_key_is_found_by_its_secret_also_after_a_restart(tmp_path: Path, clock: ManualClock) -> None:
    """What was made before is known to the next process; the secret stands nowhere on disk."""
    store = SqliteStore(tmp_path, clock=clock)
    await store.open()
    key, secret = await Keys(store, clock=clock).create("SIG de la ville", Role.STAFF)
    await store.close()
    assert not is_on_disk(secret, tmp_path)
    store = SqliteStore(tmp_path, clock=clock)
    await store.open()
    keys = Keys(store, clock=clock)
    await keys.load()
    assert keys.find(secret) == keys.get(key.id) == key
    await store.close()


async def test_a_revoked_key_is_worthless_and_stays_listed(house: House) -> None:
    """Revoking twice keeps the first moment; the list tells it."""
    keys = Keys(house.store, clock=house.clock)
    key, secret = await keys.create("Ada", Role.ADMIN)
    revoked = await keys.revoke(key.id)
    assert keys.find(secret) is None
    assert keys.get(key.id) is None
    assert await keys.revoke(key.id) == revoked
    assert list(keys.all()) == [revoked]


async def test_a_name_is_taken_while_its_key_lives(house: House) -> None:
    """Two living keys never share a name, for the history tells writers by it."""
    keys = Keys(house.store, clock=house.clock)
    first, _ = await keys.create("Ada", Role.STAFF)
    with pytest.raises(Conflict):
        await keys.create(" Ada ", Role.STAFF)
    await keys.revoke(first.id)
    await keys.create("Ada", Role.STAFF)


@pytest.mark.parametrize("name", ["", "  ", "x" * 81, "a\nb"])
async def test_a_name_must_be_readable(house: House, name: str) -> None:
    """A key without a name, or with one that breaks lines, is refused."""
    with pytest.raises(Invalid):
        await Keys(house.store, clock=house.clock).create(name, Role.STAFF)


async def test_revoking_what_never_was_says_so(house: House) -> None:
    """An unknown id is told."""
    with pytest.raises(NotFound):
        await Keys(house.store, clock=house.clock).revoke("nobody")
