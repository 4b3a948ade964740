"""A backup of a town on a server: one moment of it as an embedded town in one file, which every geoworks can open."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

from geoworks.config.settings import StoreTable
from geoworks.errors import Invalid, Problem
from geoworks.ids import new_id
from geoworks.store.copying import Counts, Progress, copy_town
from geoworks.store.postgis.holding import hold_database, read_database
from geoworks.store.sqlite.backup import back_up as finish_file
from geoworks.store.sqlite.copies import discard
from geoworks.store.sqlite.holding import hold_file, read_file


def _ignore(_: str, __: int, ___: int) -> None:
    """Show no progress."""


async def restore(source: Path, settings: StoreTable, *, at: datetime, progress: Progress = _ignore) -> str | None:
    """Put a copy in the place of a town that nobody uses, in a new epoch; ask as the owner of the tables.

    Returns the schema in which the replaced town is kept, dated `at`, or None when there was none.

    Raises:
        Invalid: there is no such file.
        StoreBusy: a process writes in the database.
        StoreReadOnly: this role may not replace the town.
        StoreUnusable: the copy is damaged, or from another program or another release.

    """
    if not await asyncio.to_thread(source.is_file):
        raise Invalid(Problem("source", f"{source} is no file", "name one that `geoworks backup` wrote"))
    aside = f"geoworks_replaced_{at:%Y%m%dt%H%M%Sz}"
    async with read_file(source) as file, hold_database(settings, aside=aside) as target:
        await copy_town(file, target, progress=progress, epoch=new_id())
        return aside if target.kept_aside else None


async def back_up(settings: StoreTable, target: Path, *, progress: Progress = _ignore) -> Counts:
    """Copy one moment of a town, while others write, to a file that appears only when it is whole and checked.

    Raises:
        StoreError: it cannot be read, or the file cannot be written.

    """
    arriving = target.with_name(f"{target.name}.arriving")
    await asyncio.to_thread(target.parent.mkdir, parents=True, exist_ok=True)
    try:
        async with read_database(settings) as source, hold_file(arriving) as file:
            counts = await copy_town(source, file, progress=progress)
        await asyncio.to_thread(finish_file, arriving, target)
    finally:
        await asyncio.to_thread(discard, arriving)
    return counts
