"""One generated map as a page: the drawing, and beside it the list that says the same."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import folium
import msgspec
from jinja2 import Environment, PackageLoader
from msgspec import Struct

from geoworks.config.settings import Settings
from geoworks.model.severity import Severity
from geoworks.model.zone import Level
from maps.drawn import Drawn, DrawnFeature, worst_first
from maps.local import ASSETS, FeatureLayer, LocalMap, LocalPage, script_json
from maps.texts import text, texts

# A list longer than this is no longer read; the map shows all.
_LISTED = 300
_TEMPLATES = Environment(loader=PackageLoader("maps", "pages"), autoescape=True)
_OTHER = {"fr": "en", "en": "fr"}
_NAMES = {"fr": "Français", "en": "English"}


class Link(Struct, frozen=True):
    """A zone in the list of an overview."""

    href: str
    title: str
    level: str


class Sheet(Struct, frozen=True, kw_only=True):
    """What one map shows; `folder` is the way back to the folder of assets, `file` the page's own name."""

    title: str
    file: str
    works: Sequence[DrawnFeature]
    zones: Sequence[DrawnFeature]
    reports: Sequence[DrawnFeature]
    links: Sequence[Link] = ()
    overview: str = ""


def draw_sheet(sheet: Sheet, settings: Settings, *, language: str, made: datetime) -> str:
    """Return the HTML page of one map in one language; `made` is told on it."""
    first = settings.town.language
    root = "" if language == first else "../"
    page = LocalPage(language=language, title=f"{sheet.title} · {settings.town.name}")
    drawing = LocalMap(page, settings, assets=f"{root}{ASSETS}")
    words = texts(language)
    for kind, features in (("zones", sheet.zones), ("works", sheet.works), ("reports", sheet.reports)):
        if features:
            FeatureLayer(kind, _data(kind, features, words), name=words["drawn"][kind]).add_to(drawing)
    folium.LayerControl(collapsed=False).add_to(drawing)
    twin = f"{_OTHER[language]}/{sheet.file}" if language == first else f"../{sheet.file}"
    page.head = _head(sheet, language, twin=twin, made=_moment(made, settings, language))
    page.aside = _aside(sheet, settings, language)
    rendered: str = page.render()
    return rendered


def _data(kind: str, features: Sequence[DrawnFeature], words: dict[str, Any]) -> str:
    """Return a layer's features with the words that its popups need."""
    said = {
        "works": {"state": words["works"]["status"], "severity": words["map"]["severity"]},
        "zones": {"state": words["map"]["level"]},
        "reports": {"state": words["reports"]["status"]},
    }[kind]
    layer = {"type": "FeatureCollection", "features": features, "words": {**said, **words["drawn"]["popup"]}}
    return script_json(msgspec.json.encode(layer))


def _head(sheet: Sheet, language: str, *, twin: str, made: str) -> str:
    other = _OTHER[language]
    return _TEMPLATES.get_template("drawn-head.html").render(
        title=sheet.title,
        made=text(language, "drawn.made", moment=made),
        twin=twin,
        other=other,
        other_name=_NAMES[other],
        overview=sheet.overview,
        words=texts(language)["drawn"],
    )


def _aside(sheet: Sheet, settings: Settings, language: str) -> str:
    words = texts(language)
    left = len(sheet.works) - _LISTED
    return _TEMPLATES.get_template("drawn-aside.html").render(
        words=words["drawn"],
        map_words=words["map"],
        status_words=words["works"]["status"],
        report_words=words["reports"]["status"],
        severities=[severity.value for severity in reversed(Severity)],
        levels=[level.value for level in Level] if sheet.zones else [],
        zones=sheet.links,
        works=[_line(one.properties, settings, language) for one in worst_first(sheet.works)[:_LISTED]],
        count=len(sheet.works),
        more=text(language, "drawn.more", count=left) if left > 0 else "",
        reports=[one.properties for one in sheet.reports[:_LISTED]],
    )


def _line(works: Drawn, settings: Settings, language: str) -> dict[str, str]:
    """Return a works as a line of the list."""
    planned = works.state == "planned"
    when = works.start if planned else works.end
    said = text(language, "drawn.from" if planned else "drawn.until", day=_day(when, settings)) if when else ""
    return {
        "title": works.title,
        "place": works.place,
        "state": works.state,
        "severity": works.severity,
        "when": said,
    }


def _day(moment: datetime, settings: Settings) -> str:
    return moment.astimezone(ZoneInfo(settings.town.time_zone)).strftime("%d/%m/%Y")


def _moment(moment: datetime, settings: Settings, language: str) -> str:
    local = moment.astimezone(ZoneInfo(settings.town.time_zone))
    return local.strftime("%d/%m/%Y, %H h %M" if language == "fr" else "%d/%m/%Y, %H:%M")
