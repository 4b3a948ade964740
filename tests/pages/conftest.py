"""A real town and a real browser for the tests of the pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.left_out import needed_program
from tests.pages.looking import CHROMIUM_ARGS, Looker
from tests.pages.served import Served, ServedTown


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
