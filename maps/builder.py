"""The generated maps as a folder: one overview, one map a zone, in two languages, with all they load beside them."""

from __future__ import annotations

import asyncio
import hashlib
import re
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

import msgspec
from msgspec.structs import replace

from geoworks.clock import Clock
from geoworks.config.settings import Settings
from geoworks.model.change import Kind
from geoworks.model.zone import Level
from geoworks.state import Published, State
from maps.drawn import DrawnFeature, PublicTown, ZoneDrawn, draw_town, read_town
from maps.local import ASSETS
from maps.sheet import Sheet, draw_sheet
from maps.texts import LANGUAGES, text

_STATIC = Path(__file__).parent / "static"
_ASSET_FILES = (
    _STATIC / "vendor" / "leaflet" / "leaflet.js",
    _STATIC / "vendor" / "leaflet" / "leaflet.css",
    _STATIC / "drawn" / "drawn.js",
    _STATIC / "drawn" / "drawn.css",
)
_ASSET_FOLDERS = (_STATIC / "vendor" / "leaflet" / "images",)
_COLLECTIONS = {Kind.WORKS: "works", Kind.ZONE: "zones", Kind.REPORT: "reports"}
# More zone maps than this nobody opens: the zones that are worst off get one.
ZONE_MAPS = 200
# A page with more works than this (about 4 MB) is slow to open on a phone: the worst are drawn.
MAP_WORKS = 10_000
OVERVIEW = "overview.html"
# So many times as long as drawing took, nothing is drawn.
_REST = 9


class MapFolder:
    """A folder of generated maps; a map is drawn again only when what it shows has changed.

    At most `ZONE_MAPS` zones get a map of their own, those that are worst off; the overview shows and counts the rest.
    A map draws at most `MAP_WORKS` works, the worst, and counts the others.
    """

    def __init__(self, folder: Path, settings: Settings) -> None:
        """Write into `folder`, which is made when it is not there."""
        self._folder = folder
        self._settings = settings
        self._drawn: dict[Path, bytes] = {}

    def write(self, collections: Mapping[str, bytes], *, made: datetime) -> Sequence[Path]:
        """Write the maps of the public collections (GeoJSON by `works`, `zones`, `reports`) and return their pages.

        The overview comes first; maps of zones that are gone are deleted.
        """
        if not self._drawn:
            self._copy_assets()
        town = read_town(collections)
        first, *others = sorted(LANGUAGES, key=lambda language: language != self._settings.town.language)
        pages: list[Path] = []
        for language in (first, *others):
            folder = self._folder if language == first else self._folder / language
            folder.mkdir(parents=True, exist_ok=True)
            sheets = self._sheets(town, language)
            pages += [self._write(sheet, folder, language=language, made=made) for sheet in sheets]
        self._drop_others(pages)
        return pages

    def _write(self, sheet: Sheet, folder: Path, *, language: str, made: datetime) -> Path:
        path = folder / sheet.file
        shown = hashlib.blake2b(msgspec.json.encode(sheet), digest_size=16).digest()
        if self._drawn.get(path) != shown or not path.exists():
            # Whoever opens the map meanwhile gets the old one whole.
            part = path.with_suffix(".part")
            part.write_text(draw_sheet(sheet, self._settings, language=language, made=made), encoding="utf-8")
            part.replace(path)
            self._drawn[path] = shown
        return path

    def _sheets(self, town: PublicTown, language: str) -> Iterator[Sheet]:
        drawn = draw_town(town, self._settings, language=language)
        chosen = _worst_off(drawn.zones)
        links = [_linked(zone) for zone in chosen]
        files = {zone.id: link for zone, link in zip(chosen, links, strict=True)}
        yield Sheet(
            title=text(language, "drawn.title"),
            file=OVERVIEW,
            works=drawn.works[:MAP_WORKS],
            undrawn=max(len(drawn.works) - MAP_WORKS, 0),
            zones=[files.get(zone.id, zone.feature) for zone in drawn.zones],
            reports=drawn.reports,
            links=links,
            unlinked=len(drawn.zones) - len(links),
        )
        for zone in chosen:
            yield Sheet(
                title=text(language, "drawn.zone_title", zone=zone.feature.properties.title),
                file=zone_file(zone.id),
                works=zone.works[:MAP_WORKS],
                undrawn=max(len(zone.works) - MAP_WORKS, 0),
                zones=[zone.feature],
                reports=zone.reports,
                overview=OVERVIEW,
            )

    def _copy_assets(self) -> None:
        assets = self._folder / ASSETS
        assets.mkdir(parents=True, exist_ok=True)
        for file in _ASSET_FILES:
            shutil.copyfile(file, assets / file.name)
        for folder in _ASSET_FOLDERS:
            shutil.copytree(folder, assets / folder.name, dirs_exist_ok=True)

    def _drop_others(self, pages: Sequence[Path]) -> None:
        """Delete our maps that are no more: of zones that are gone, and of a language that has moved."""
        kept = set(pages)
        for folder in (self._folder, *(self._folder / language for language in LANGUAGES)):
            for path in (folder / OVERVIEW, *folder.glob("zone-*.html")):
                if path not in kept:
                    path.unlink(missing_ok=True)
                    self._drawn.pop(path, None)


class MapBuilder:
    """Keeps the served maps as the town is: made anew a while after changes."""

    def __init__(self, state: State, settings: Settings, *, folder: Path, clock: Clock) -> None:
        """Draw what `state` holds into `folder`."""
        self._state = state
        self._clock = clock
        self._debounce_s = settings.maps.debounce_s
        self._folder = MapFolder(folder, settings)
        self._stale = asyncio.Event()

    def follow(self, published: Sequence[Published]) -> None:
        """Note that the maps are stale (a desk follower)."""
        if published:
            self._stale.set()

    async def run(self) -> None:
        """Draw now, and again `debounce_s` after the first change since, until cancelled.

        A large town's maps wait longer, so that drawing them never takes more than a tenth of the time.
        """
        while True:
            self._stale.clear()
            collections = {name: self._state.collection(kind) for kind, name in _COLLECTIONS.items()}
            begin = time.perf_counter()
            await asyncio.to_thread(self._folder.write, collections, made=self._clock.now())
            took_s = time.perf_counter() - begin
            await self._stale.wait()
            # A fixed wait gathers what comes within it, and a town that never rests still gets its maps.
            await asyncio.sleep(pause_s(self._debounce_s, took_s))


def pause_s(debounce_s: float, took_s: float) -> float:
    """Return how long changes are gathered after a drawing that took so long: what is rare, and a tenth of the time.

    >>> pause_s(10.0, 0.2)
    10.0
    >>> pause_s(10.0, 4.0)
    36.0
    """
    return max(debounce_s, _REST * took_s)


def zone_file(zone: str) -> str:
    """Return the file name of a zone's map; ids that are no file names get a digest in place of their letters.

    >>> zone_file("gare")
    'zone-gare.html'
    >>> zone_file("../../etc")
    'zone--a9b8e97fdfc1.html'
    """
    if re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,60}", zone):
        return f"zone-{zone}.html"
    # Two dashes: no id that is a file name gives the same.
    return f"zone--{hashlib.blake2b(zone.encode(), digest_size=6).hexdigest()}.html"


def _linked(zone: ZoneDrawn) -> DrawnFeature:
    return replace(zone.feature, properties=replace(zone.feature.properties, href=zone_file(zone.id)))


_RANK = {level.value: number for number, level in enumerate(Level)}


def _worst_off(zones: Sequence[ZoneDrawn]) -> list[ZoneDrawn]:
    """Return the zones that get a map, in the order they came."""
    ranked = sorted(zones, key=lambda zone: (-_RANK[zone.feature.properties.state], -len(zone.works)))
    chosen = {zone.id for zone in ranked[:ZONE_MAPS]}
    return [zone for zone in zones if zone.id in chosen]
