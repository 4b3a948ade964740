"""The planning of a GIS: a file that whoever leads reads now and then, in which much changes at a time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from tests.soak.view import MIDDLE

NAME = "planning"
_COUNT = 120
# More than are written in one exchange, and fewer gone than wait for a person.
_CHANGED, _REPLACED = 55, 5
# How often it is read, and how often it changes, in the middle: each time every client hears of all that changed.
_READ_S, _EVERY_S = 2.0, 10.0


class Planning:
    """What the GIS gives out, and how much of it a town has."""

    def __init__(self, file: Path, luck: random.Random) -> None:
        """Give out nothing yet: clients begin with an empty town, so that each knows how it came to what it holds."""
        self._file = file
        self._luck = luck
        self._texts: dict[int, str] = {}
        self._given = 0
        self.turns = 0
        self._give_out()

    @property
    def config(self) -> Sequence[str]:
        """Return the lines that make it a source."""
        return (
            f"[sources.{NAME}]",
            f'url = "{self._file}"',
            f"interval_s = {_READ_S}",
            f"[sources.{NAME}.mapping]",
            'key = ["number"]',
            'fields = { title = "title", description = "description", "schedule.start" = "start" }',
        )

    async def change(self, stop: asyncio.Event) -> None:
        """Change much of it now and then until told to stop; the first time, give out all at once."""
        if not self._given:
            self.turn()
        while not stop.is_set():
            try:
                async with asyncio.timeout(self._luck.uniform(0, 2 * _EVERY_S)):
                    await stop.wait()
            except TimeoutError:
                self.turn()

    def differing(self, stored: Mapping[str, Any]) -> Sequence[str]:
        """Return the ids of works that a town does not have as they were given out last."""
        given = {f"{NAME}:{number}": text for number, text in self._texts.items()}
        held = {id_: one["properties"]["description"] for id_, one in stored.items() if id_.startswith(f"{NAME}:")}
        return sorted({id_ for id_, _ in given.items() ^ held.items()})

    def turn(self) -> None:
        """Change some works, take some away and give out new ones; the first time, give out all."""
        self.turns += 1
        held = sorted(self._texts)
        for number in self._luck.sample(held, _REPLACED if held else 0):
            del self._texts[number]
        for number in self._luck.sample(sorted(self._texts), _CHANGED if held else 0):
            self._texts[number] = self._text(number)
        fresh = _REPLACED if held else _COUNT
        self._texts |= {number: self._text(number) for number in range(self._given, self._given + fresh)}
        self._given += fresh
        self._give_out()

    def _give_out(self) -> None:
        # In its place at once: who reads it has one planning or the next.
        fresh = self._file.with_suffix(".new")
        features = [_feature(number, text) for number, text in self._texts.items()]
        fresh.write_bytes(msgspec.json.encode({"type": "FeatureCollection", "features": features}))
        fresh.rename(self._file)

    def _text(self, number: int) -> str:
        return f"{NAME} {number}, turn {self.turns}"


def _feature(number: int, text: str) -> dict[str, Any]:
    """Return works on one side of the middle or well on the other, where they stay."""
    lon, lat = round(MIDDLE + (0.05 if number % 2 else -0.05) + number % 97 * 1e-4, 6), 48.64
    properties = {"number": number, "title": f"Works {number}", "description": text, "start": "2026-01-05T06:00:00Z"}
    line = {"type": "LineString", "coordinates": [[lon, lat], [round(lon + 0.001, 6), round(lat + 0.0005, 6)]]}
    return {"type": "Feature", "geometry": line, "properties": properties}
