"""A real browser for the tests of the generated maps."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.left_out import needed_program
from tests.pages.looking import CHROMIUM_ARGS


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start the machine's own Chromium."""
    path = needed_program("chromium", "chromium-browser", "google-chrome", package="chromium")
    # Closed with its module: an open one holds an event loop that the asynchronous tests of others need.
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_ARGS))
        yield browser
        browser.close()
