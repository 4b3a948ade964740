"""The overview map: what many works cost to draw, beside folium with an object for each of them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from html import escape

import folium
import shapely
from msgspec.structs import replace

from geoworks.config.settings import Settings
from geoworks.model.feature import render
from geoworks.model.severity import Severity
from geoworks.model.works import WorksDerived
from geoworks.state import collect
from maps.drawn import draw_town, read_town
from maps.sheet import Sheet, draw_sheet
from tests.bench.row import Growth, Row, compare, measure, timed_row
from tests.store.samples import works_record

SIZES = (1_000, 10_000, 100_000)
COMPARED = 10_000
FASTER, SMALLER = 20, 2.5
_MADE = datetime(2026, 11, 24, 12, tzinfo=UTC)
_COLOURS = {"none": "#8796a0", "low": "#2f86c5", "medium": "#f0ab00", "high": "#e0521a", "blocked": "#7d0f3c"}


def rows() -> Iterator[Row | Growth]:
    """Compare time and size of one page with ten thousand works, then show how both grow."""
    settings = Settings()
    bodies = [_works(number) for number in range(SIZES[-1])]
    given = {"works": collect(bodies[:COMPARED])}
    times = compare(lambda: draw(given, settings), lambda: draw_by_object(given), rounds=3)
    yield timed_row("overview map of 10 k works, time", times, target=FASTER)
    ours_mb, peer_mb = _megabytes(draw(given, settings)), _megabytes(draw_by_object(given))
    yield Row("overview map of 10 k works, size", ours_mb, peer_mb, peer_mb / ours_mb, SMALLER, "MB")
    for size in SIZES:
        some = {"works": collect(bodies[:size])}
        yield Growth("maps: draw the overview", size, measure(lambda: draw(some, settings)))  # noqa: B023 - called at once
        yield Growth("maps: size of the overview", size, _megabytes(draw(some, settings)), "MB")


def draw(collections: Mapping[str, bytes], settings: Settings) -> str:
    """Draw the overview from the public collection, as the map folder does."""
    drawn = draw_town(read_town(collections), settings, language="fr")
    sheet = Sheet(title="Travaux", file="overview.html", works=drawn.works, zones=(), reports=())
    return draw_sheet(sheet, settings, language="fr", made=_MADE)


def draw_by_object(collections: Mapping[str, bytes]) -> str:
    """Draw the same works with folium as its guide shows: a line with a popup for each, saying the same."""
    page = folium.Map(location=(48.633, 2.308), zoom_start=14, prefer_canvas=True)
    for feature in json.loads(collections["works"])["features"]:
        works = feature["properties"]
        said = (works["title"], ", ".join(works["road_names"]), works["status"], works["promoter"])
        until = works["schedule"]["end"]
        folium.PolyLine(
            [(lat, lon) for lon, lat in feature["geometry"]["coordinates"]],
            color=_COLOURS[works["severity"]],
            weight=6,
            popup=folium.Popup("<br>".join(escape(part) for part in (*said, until)), max_width=280),
        ).add_to(page)
    folium.LayerControl().add_to(page)
    rendered: str = page.get_root().render()
    return rendered


def _works(number: int) -> bytes:
    """Return a works as the public gets it, of as many points as those of Paris have on average."""
    chance = random.Random(number)
    lon, lat = 2.25 + chance.random() * 0.1, 48.6 + chance.random() * 0.07
    line = shapely.LineString(
        [(round(lon + step * 0.0002, 6), round(lat + chance.random() * 1e-3, 6)) for step in range(9)]
    )
    record = works_record(number, title=f"Renouvellement du réseau d'assainissement {number}")
    given = replace(
        record.given, geometry=line, road_names=("Rue de Montlhéry",), promoter="Cœur d'Essonne Agglomération"
    )
    derived = WorksDerived(severity=chance.choice(tuple(Severity)))
    return render(replace(record, given=given, derived=derived))


def _megabytes(page: str) -> float:
    return len(page.encode()) / 1e6
