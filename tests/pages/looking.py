"""Looking at the pages as people do: sizes, languages, colour schemes; and hearing what the browser complains of."""

from __future__ import annotations

from typing import Any, Literal

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

CHROMIUM_ARGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
DESKTOP, PHONE, SMALL = (1280, 800), (390, 844), (320, 640)
Scheme = Literal["light", "dark"]
_WAIT_MS = 10_000
# What Chromium says of the tiles that are out of reach on purpose, and of error pages asked for on purpose.
_EXPECTED = ("net::ERR_", "status of 404", "status of 401")


class Looker:
    """Opens pages of one town in one browser."""

    def __init__(self, browser: Browser, address: str, *, together: bool = False) -> None:
        """Look at the town at `address`; `together` opens all pages in the first one's browser, as one person does."""
        self._browser = browser
        self._together = together
        self._contexts: list[BrowserContext] = []
        self.address = address
        self.complaints: list[str] = []
        self.asked: list[str] = []

    def open(
        self,
        path: str = "",
        *,
        size: tuple[int, int] = DESKTOP,
        language: str = "fr",
        scheme: Scheme = "light",
        script: str = "",
        **options: Any,  # noqa: ANN401 - playwright's own
    ) -> Page:
        """Open a page in a browser of its own, as somebody who never was here; `script` runs before the page's own."""
        width, height = size
        if not (self._together and self._contexts):
            self._contexts.append(self._browser.new_context(locale=language, reduced_motion="reduce", **options))
            self._contexts[-1].set_default_timeout(_WAIT_MS)
        page = self._contexts[-1].new_page()
        if script:
            page.add_init_script(script)
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)
        page.on("pageerror", lambda error: self.complaints.append(f"{path}: {error}"))
        page.on("console", lambda message: self._hear(path, message))
        page.on("request", lambda request: self.asked.append(request.url))
        page.goto(self.address + path.lstrip("/"))
        return page

    def live(self, path: str = "", **options: Any) -> Page:  # noqa: ANN401 - those of `open`
        """Open the live map and wait until it has drawn what there is."""
        page = self.open(path, **options)
        drawn(page)
        return page

    def close(self) -> None:
        """Close every page."""
        for context in self._contexts:
            context.close()

    def _hear(self, path: str, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not any(known in message.text for known in _EXPECTED):
            self.complaints.append(f"{path}: {message.text}")


def drawn(page: Page) -> None:
    """Wait until the live map follows the stream and has drawn its first snapshot."""
    expect(page.locator("#connection")).to_have_attribute("data-state", "live", timeout=_WAIT_MS)
    expect(page.locator("#panel")).not_to_have_attribute("aria-busy", "true", timeout=_WAIT_MS)
