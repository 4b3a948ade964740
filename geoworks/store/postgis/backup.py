"""A backup of a town on a server: one moment of it as an embedded town in one file, which every geoworks can open."""

from __future__ import annotations

import asyncio
from pathlib import Path

from geoworks.config.settings import StoreTable
from geoworks.store.copying import Counts, Progress, copy_town
from geoworks.store.postgis.holding import read_database
from geoworks.store.sqlite.backup import back_up as finish_file
from geoworks.store.sqlite.copies import discard
from geoworks.store.sqlite.holding import hold_file


async def back_up(settings: StoreTable, target: Path, *, progress: Progress = lambda *_: None) -> Counts:
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
