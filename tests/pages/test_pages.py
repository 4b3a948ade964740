"""Pages as text: what every one of them must carry, before any browser looks."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from jinja2 import TemplateNotFound, UndefinedError

from geoworks.config.settings import Server, Settings, Town
from geoworks.web.status_api import StreamStatus
from maps.pages import Pages
from maps.texts import LANGUAGES

_AT = datetime(2026, 11, 24, 2, 5, tzinfo=UTC)
_REJECTED = {"which": "<b>12</b>", "where": "date_fin", "why": "avant le début", "mend": "corrigez", "at": (2.3, 48.6)}
_REPORT = {"at": _AT, "dry_run": True, "counts": {"read": 3}, "held": 2, "error": "", "rejected": [_REJECTED]}
_SOURCE = {"name": "voirie", "state": "stale", "updated": _AT, "count": 1, "rejected": 2, "held": 0, "error": "délai"}
_STREAM = StreamStatus(
    connected=4, lagging=5, resumed=6, resynced=7, aborted=8, delay_p50_ms=1.2, delay_p95_ms=12.4, delay_p99_ms=99.0
)
CONTEXTS: dict[str, dict[str, Any]] = {
    "live": {},
    "drive": {},
    "embed": {},
    "report": {},
    "follow": {"token": "abc"},
    "staff": {},
    "status": {
        "sources": [_SOURCE],
        "counts": {"works": 1, "zones": 2, "reports": 3},
        "stream": _STREAM,
        "alarms": ["bus", "lag", "transaction", "clock", "release"],
        "node": "<script>alert(1)</script>",
    },
    "sync": {"source": "voirie", "report": _REPORT},
    "maps": {"maps": [{"title": "<i>Gare</i>", "url": "/t/maps/gare.html"}]},
    "error": {"status": 404, "detail": "<script>alert(1)</script>"},
}
PAGES = Pages(Settings(town=Town(name="L'Haÿ <les> Roses"), server=Server(base_path="/t")))


def render(name: str, language: str = "fr", **context: Any) -> str:  # noqa: ANN401 - what a template takes
    """Render a page of a town with a name that needs escaping, behind a base path."""
    return PAGES.render(name, language=language, context={**CONTEXTS.get(name, {}), "now": _AT, **context})


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", CONTEXTS)
def test_every_address_respects_the_base_path(name: str, language: str) -> None:
    """Behind a proxy every link, script and style is below the base path, and nothing comes from elsewhere."""
    addresses = re.findall(r'(?:href|src|action)="([^"]*)"', render(name, language))
    assert addresses
    assert [one for one in addresses if not one.startswith(("/t/", "#"))] == []


@pytest.mark.parametrize("name", CONTEXTS)
def test_nothing_runs_inline(name: str) -> None:
    """The strict policy holds: no inline script, style or handler on any page; data blocks are data."""
    page = render(name)
    scripts = re.findall(r"<script([^>]*)>", page)
    assert all("src=" in attributes or 'type="application/json"' in attributes for attributes in scripts)
    assert not re.search(r"<style|\sstyle=|\son\w+=", page)


@pytest.mark.parametrize("name", CONTEXTS)
def test_what_comes_from_outside_is_escaped(name: str) -> None:
    """The town's name, records, titles and details show as text."""
    page = render(name)
    assert "L&#39;Haÿ &lt;les&gt; Roses" in page
    for tag in ("<les>", "<b>12</b>", "<i>Gare</i>", "<script>alert"):
        assert tag not in page


def test_data_cannot_leave_its_block() -> None:
    """A setting that holds the end of a script stays data."""
    hostile = msgspec.structs.replace(
        Settings(), tiles=msgspec.structs.replace(Settings().tiles, attribution="</script><script>alert(1)//")
    )
    page = Pages(hostile).render("live", language="fr", context={"now": _AT})
    block = page.partition('id="page-data">')[2].partition("</script>")[0]
    assert json.loads(block)["tiles"]["attribution"] == "</script><script>alert(1)//"
    assert "<script>alert" not in page


def test_only_a_large_town_is_drawn_from_tiles() -> None:
    """The script and the words of tiles come with the place in the log from which on changes are asked for."""
    small, large = render("live"), render("live", "en", tiles_since="k3x9.4")
    assert "/static/live.js" in small
    assert "tiled" not in small
    assert "/static/tiled/live.js" in large
    data = json.loads(large.partition('id="page-data">')[2].partition("</script>")[0])
    assert data["since"] == "k3x9.4"
    assert "Zoom in" in data["texts"]["tiled"]["far"]


def test_moments_are_said_in_the_towns_time() -> None:
    """Readers without script see local time, in their language."""
    assert "24 novembre 2026 à 3 h 05" in render("status")
    assert "24 November 2026 at 3:05" in render("status", "en")


def test_the_language_link_leads_to_the_same_page() -> None:
    """Changing the language keeps the reader where they are."""
    assert 'href="/t/r/abc?lang=en"' in render("follow", path="/r/abc")


def test_a_missing_value_is_an_error() -> None:
    """A page never shows a hole."""
    with pytest.raises(UndefinedError):
        PAGES.render("sync", language="fr", context={})


def test_an_unknown_page_is_an_error() -> None:
    """There is no page to guess."""
    with pytest.raises(TemplateNotFound):
        PAGES.render("nothing", language="fr", context={})


def test_the_theme_is_the_towns() -> None:
    """The stylesheet holds the town's own colour when it can be read."""
    assert "--primary: #0b4f6c" in render("theme.css")


def test_every_file_a_page_names_exists() -> None:
    """No page asks for a script, style or picture that is not served."""
    pages = [*map(render, CONTEXTS), render("live", tiles_since="k3x9.4")]
    named = {path for page in pages for path in re.findall(r'"/t/static/([^"#]*)', page)}
    assert [path for path in sorted(named) if not (Pages.static_dir / path).is_file()] == []
