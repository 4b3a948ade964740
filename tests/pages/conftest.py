"""A real town and a real browser for the tests of the pages."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.left_out import needed_program
from tests.pages.looking import CHROMIUM_ARGS, Looker
from tests.pages.served import Served, ServedTown
from tests.pages.streets import Street

_NUMBERS = itertools.count()


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """Serve the sample town to all tests of the pages; each writes what no other looks for."""
    with ServedTown(tmp_path_factory.mktemp("town")) as served:
        yield served


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start the machine's own Chromium."""
    path = needed_program("chromium", "chromium-browser", "google-chrome", package="chromium")
    # Closed with its module: an open one holds an event loop that the asynchronous tests of others need.
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_ARGS))
        yield browser
        browser.close()


@pytest.fixture
def looker(browser: Browser, served: Served) -> Iterator[Looker]:
    """Return what opens pages of the town, and fails when a page complained."""
    looker = Looker(browser, served.address)
    yield looker
    looker.close()
    assert looker.complaints == []


@pytest.fixture
def page(looker: Looker) -> Page:
    """Open the live map on a desktop, in French, and wait until it is live."""
    return looker.live()


@pytest.fixture
def street(served: Served) -> Iterator[Street]:
    """Return a street that no other test uses."""
    street = Street(served, next(_NUMBERS))
    yield street
    street.clear()


@pytest.fixture
def works(street: Street) -> Street:
    """Return a street with works at 500 and 2000 metres, and some beside it."""
    street.works("Loin", 2000, 2100)
    street.works("Près", 500, 600)
    street.works("À côté", 500, 600, east_m=400)
    return street
