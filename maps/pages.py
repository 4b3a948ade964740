"""Render the pages: Jinja2 templates in `maps/pages/`, words in `maps/texts/`, scripts and style in `maps/static/`.

Pages and the context each needs; all of them also take `path` (the page's own path without base path, for the
language links) and `now` (the service's clock, which may not be the reader's):

=============  ==================================================================================================
`live`         `tiles_since`: the cursor from which on changes are asked for when the map is drawn from vector tiles;
               empty, or left out, when the page holds everything
`embed`        nothing
`drive`        nothing
`report`       nothing
`follow`       `token`
`staff`        nothing
`status`       `sources`: rows of `name, state (fresh|stale|failed|waiting), updated, count, rejected, held, error`;
               `counts`: `{works, zones, reports}`; `stream`: how the stream fares, as `/v1/status` tells it;
               `alarms`: codes of what somebody should look after; `node`: this node's name, empty alone
`sync`         `source`; `report`: `{at, dry_run, counts: {name: number}, held, error, rejected: [{which, where,
               why, mend, at: [lon, lat] | None}]}`, or None before the first synchronisation
`maps`         `maps`: rows of `title, url`
`error`        `status` (404, 500...), `detail`
`theme.css`    nothing (a stylesheet: the town's colours)
=============  ==================================================================================================
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from geoworks.config.categories import Category
from geoworks.config.settings import Settings
from geoworks.model import severity
from maps import colours
from maps.texts import LANGUAGES, text, texts

_HERE = Path(__file__).parent

# What a page's script may say: sections of the texts files, so that a page carries no other page's words.
_SPOKEN: dict[str, tuple[str, ...]] = {
    "live": ("common", "dates", "map", "list", "works", "reports", "stream"),
    "drive": ("common", "dates", "map", "list", "works", "reports", "stream", "drive"),
    "embed": ("common", "dates", "map", "list", "works", "reports", "stream"),
    "report": ("common", "dates", "map", "pick", "report", "reports"),
    "follow": ("common", "dates", "follow", "reports", "stream"),
    "staff": ("common", "dates", "map", "pick", "works", "reports", "staff"),
    "sync": ("common", "dates", "map", "sync"),
}


class Pages:
    """The pages of one town in every language."""

    static_dir: Path = _HERE / "static"

    def __init__(self, settings: Settings) -> None:
        """Prepare the templates for the town of these settings."""
        self._settings = settings
        self._zone = ZoneInfo(settings.town.time_zone)
        self._environment = _environment(settings)

    def render(self, name: str, *, language: str, context: Mapping[str, object]) -> str:
        """Return a page (HTML) or `theme.css`; the table above says what `context` holds.

        Raises jinja2.TemplateNotFound for a name that is no page, jinja2.UndefinedError for a missing value.
        """
        now = context.get("now") or datetime.now(UTC)
        template = self._environment.get_template(name if "." in name else f"{name}.html")
        return template.render(
            {
                "path": "/",
                "tiles_since": "",
                **context,
                "page": name,
                "language": language,
                "t": partial(text, language),
                "moment": partial(_moment, language=language, zone=self._zone),
                "data": self._data(name, language=language, now=now, since=context.get("tiles_since")),
            }
        )

    def _data(self, name: str, *, language: str, now: object, since: object) -> dict[str, Any]:
        """Return what the page's script must know, for its data block."""
        settings, spoken = self._settings, texts(language)
        sections = (*_SPOKEN.get(name, ()), *(("tiled",) if since else ()))
        return {
            "page": name,
            "base": settings.server.base_path,
            "language": language,
            "now": now,
            "town": {
                "center": settings.town.center,
                "zoom": settings.town.zoom,
                "timeZone": settings.town.time_zone,
            },
            "tiles": {
                "url": settings.tiles.url,
                "attribution": settings.tiles.attribution,
                "maxZoom": settings.tiles.max_zoom,
            },
            "limits": _limits(settings),
            "categories": [_category(category, language) for category in settings.reports.categories],
            "texts": {section: spoken[section] for section in sections},
            **({"since": since} if since else {}),
            **({"severities": _severities()} if name == "drive" else {}),
        }


def _environment(settings: Settings) -> Environment:
    town, base = settings.town, settings.server.base_path
    # `theme.css` holds only colours the settings checked, and quotes in a stylesheet must not become entities.
    environment = Environment(
        loader=FileSystemLoader(_HERE / "pages"),
        autoescape=select_autoescape(["html"], default=False),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "default": _json, "separators": (",", ":")}
    environment.policies["json.dumps_function"] = json.dumps
    environment.globals.update(
        town=town,
        base=base,
        categories=settings.reports.categories,
        moderated=settings.reports.moderated,
        limits=settings.limits,
        languages=LANGUAGES,
        # What the titles of the zones' maps begin with; they are in the town's language on every page.
        zone_title=text(town.language, "drawn.zone_title", zone=""),
        light=colours.light_scheme(town.primary_colour, town.accent_colour),
        dark=colours.dark_scheme(town.primary_colour, town.accent_colour),
    )
    return environment


def _json(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    msg = f"a page's data cannot hold {type(value).__name__}"
    raise TypeError(msg)


def _severities() -> dict[str, Any]:
    """Return the table of severities, so that the driver page explains by the same one that decides."""
    return {
        "modes": list(severity.TravelMode),
        "rows": severity.TABLE,
        "unknownLimit": severity.UNKNOWN_LIMIT,
        "usualSize": severity.USUAL_SIZE,
    }


def _limits(settings: Settings) -> dict[str, int]:
    limits = settings.limits
    return {"text": limits.report_text, "photos": limits.photos, "photoBytes": limits.photo_bytes}


def _category(category: Category, language: str) -> dict[str, str]:
    name, reason = (category.fr, category.reason_fr) if language == "fr" else (category.en, category.reason_en)
    return {"id": category.id, "name": name, "handler": category.handler, "reason": reason}


def _moment(value: datetime | str, *, language: str, zone: ZoneInfo) -> str:
    """Say a moment in the town's time, for readers without script: 24 novembre 2026, 17 h 05."""
    at = (datetime.fromisoformat(value) if isinstance(value, str) else value).astimezone(zone)
    month = text(language, f"months.{at.month}")
    return text(
        language, "months.moment", day=at.day, month=month, year=at.year, hour=at.hour, minute=f"{at.minute:02}"
    )
