"""One generated map as a page: the drawing, and beside it the list that says the same."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct

from geoworks.config.settings import Settings
from geoworks.model.severity import Severity
from geoworks.model.text import clean_text
from geoworks.model.zone import Level
from maps.days import Days
from maps.drawn import Drawn, DrawnFeature
from maps.local import ASSETS, TEMPLATES, FeatureLayer, LocalControl, LocalMap, LocalPage, script_json
from maps.texts import text, texts

# A list longer than this is no longer read; the map shows all.
LISTED = 300
_OTHER = {"fr": "en", "en": "fr"}
_NAMES = {"fr": "Français", "en": "English"}
# From the least to the worst, so that the worst is drawn on top.
_SEVERITIES = tuple(severity.value for severity in Severity)


class Sheet(Struct, frozen=True, kw_only=True):
    """What one map shows.

    `file` is the page's own name; `undrawn` counts works that are too many to be drawn; `links` are zones that have a
    map, `unlinked` counts those that have none, and `overview` is the map a zone's map leads back to.
    """

    title: str
    file: str
    works: Sequence[DrawnFeature]
    zones: Sequence[DrawnFeature]
    reports: Sequence[DrawnFeature]
    undrawn: int = 0
    links: Sequence[DrawnFeature] = ()
    unlinked: int = 0
    overview: str = ""


def draw_sheet(sheet: Sheet, settings: Settings, *, language: str, made: datetime) -> str:
    """Return the HTML page of one map in one language; `made` is told on it."""
    first = language == settings.town.language
    words = texts(language)
    # A window's title has no elements that could hold back a mark which turns the writing.
    title = clean_text(f"{sheet.title} · {settings.town.name}", max_length=sys.maxsize, one_line=True)
    page = LocalPage(settings, language=language, title=title)
    drawing = LocalMap(assets=ASSETS if first else f"../{ASSETS}")
    page.add_child(drawing)
    _add_layers(drawing, sheet, words)
    page.blocks = {"page": _encoded(_page_data(settings, words))}
    for kind, features in (("zones", sheet.zones), ("works", sheet.works), ("reports", sheet.reports)):
        page.blocks[kind] = _encoded(features)
    other = _OTHER[language]
    twin = f"{other}/{sheet.file}" if first else f"../{sheet.file}"
    page.head = _head(sheet, settings, language=language, twin=twin, made=made)
    page.aside = _aside(sheet, language)
    rendered: str = page.render()
    return rendered


def _add_layers(drawing: LocalMap, sheet: Sheet, words: dict[str, Any]) -> None:
    if sheet.zones:
        FeatureLayer("zones", name=words["drawn"]["zones"]).add_to(drawing)
    present = {one.properties.severity for one in sheet.works}
    for severity in _SEVERITIES:
        if severity in present:
            FeatureLayer("works", name=words["map"]["severity"][severity], severity=severity).add_to(drawing)
    if sheet.reports:
        FeatureLayer("reports", name=words["drawn"]["reports"]).add_to(drawing)
    LocalControl().add_to(drawing)


def _encoded(value: object) -> str:
    return script_json(msgspec.json.encode(value))


def _page_data(settings: Settings, words: dict[str, Any]) -> dict[str, Any]:
    """Return what the script must know beside the features."""
    lon, lat = settings.town.center
    return {
        "center": (lat, lon),
        "zoom": settings.town.zoom,
        "tiles": settings.tiles,
        "fields": Drawn.__struct_fields__,
        "words": {
            "works": words["works"]["status"],
            "severity": words["map"]["severity"],
            "zones": words["map"]["level"],
            "meaning": words["map"]["level_meaning"],
            "reports": words["reports"]["status"],
            **{name: words["drawn"][name] for name in ("map", "layers", "close", "zone_map")},
            **{name: words["map"][name] for name in ("zoom_in", "zoom_out", "no_tiles")},
        },
    }


def _head(sheet: Sheet, settings: Settings, *, language: str, twin: str, made: datetime) -> str:
    other = _OTHER[language]
    moment = Days(language, settings.town.time_zone).moment(made)
    return TEMPLATES.get_template("drawn-head.html").render(
        town=settings.town.name,
        title=sheet.title,
        made=text(language, "drawn.made", moment=moment),
        twin=twin,
        other=other,
        other_name=_NAMES[other],
        overview=sheet.overview,
        words=texts(language)["drawn"],
    )


def _aside(sheet: Sheet, language: str) -> str:
    words = texts(language)
    return TEMPLATES.get_template("drawn-aside.html").render(
        words=words["drawn"],
        map_words=words["map"],
        status_words=words["works"]["status"],
        report_words=words["reports"]["status"],
        severities=reversed(_SEVERITIES),
        levels=[level.value for level in Level] if sheet.zones else [],
        zones=[one.properties for one in sheet.links],
        more_zones=_more(language, "more_zones", sheet.unlinked),
        works=[one.properties for one in sheet.works[:LISTED]],
        works_count=len(sheet.works) + sheet.undrawn,
        more_works=_more(language, "more", len(sheet.works) - LISTED),
        undrawn_works=_more(language, "undrawn", sheet.undrawn),
        reports=[one.properties for one in sheet.reports[:LISTED]],
        reports_count=len(sheet.reports),
        more_reports=_more(language, "more", len(sheet.reports) - LISTED),
    )


def _more(language: str, name: str, count: int) -> str:
    return text(language, f"drawn.{name}", count=count) if count > 0 else ""
