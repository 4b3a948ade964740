"""The alarms of a node on the page that tells how fresh everything is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.cli.terminal import Terminal, serving
from tests.pages.axe import axe, violations
from tests.pages.looking import DESKTOP, PHONE, SMALL, Looker
from tests.postgres import Databases

_TITLES = {"fr": "Une partie de ce service a besoin d’attention", "en": "Part of this service needs attention"}


@pytest.fixture
def troubled(tmp_path: Path, databases: Databases) -> Iterator[str]:
    """Serve a town as a node whose NATS is away and whose clock goes wrong; return its address."""
    store = ("[store]", 'engine = "postgresql"', f'dsn = "{databases.server.dsn(databases.new())}"')
    bus = ("[bus]", 'kind = "nats"', 'nats_servers = ["nats://127.0.0.1:1"]')
    # No two clocks are so near each other.
    Terminal(tmp_path).configure(*store, *bus, "[node]", 'name = "gateway-1"', "clock_alarm_s = 1e-9")
    with serving(tmp_path) as address:
        yield f"{address}/"


@pytest.mark.parametrize("language", _TITLES)
def test_alarms_are_seen(browser: Browser, troubled: str, language: str) -> None:
    """Alarms stand first, in one place, in words, with the way to their mends; everybody can read them at any size."""
    looker = Looker(browser, troubled)
    page = looker.open("status", language=language)
    alarms = page.locator("section.alarms")
    expect(alarms.get_by_role("heading")).to_have_text(_TITLES[language])
    expect(alarms.get_by_role("listitem")).to_have_count(2)
    expect(alarms.get_by_role("link")).to_contain_text("(gateway-1)")
    page.evaluate(axe())
    for width, height in (DESKTOP, PHONE, SMALL):
        page.set_viewport_size({"width": width, "height": height})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert violations(page, "light") == []
        assert violations(page, "dark") == []
    alarms.get_by_role("link").click()
    expect(page.locator("body")).to_contain_text('"alarms":[{"code":"bus"')
    assert looker.complaints == []
    looker.close()
