"""The JavaScript client on a page of another site, as docs/client-js.md has it, against a running town."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.pages.served import Served, ServedTown
from tests.shared import ROOT

_DOCUMENT = (ROOT / "docs" / "client-js.md").read_text(encoding="utf-8")
_MODULE = ROOT / "maps" / "static" / "geoworks-client.js"
_TOWN = "https://travaux.example.org"
_LIVE_MS = 10_000
_SECOND_MS = 1000


class _Quiet(SimpleHTTPRequestHandler):
    """Serves files and says nothing about it."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def _site(folder: Path) -> Iterator[str]:
    """Serve a folder as another site does, and return its origin."""
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def _example(town: str) -> str:
    """Return the page of the document, about the town at an address."""
    (example,) = re.findall(r"```html\n(.*?)```", _DOCUMENT, re.DOTALL)
    assert example.count(_TOWN) == 2
    return str(example).replace(_TOWN, town.rstrip("/"))


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Open an empty page."""
    context = browser.new_context()
    context.set_default_timeout(_LIVE_MS)
    yield context.new_page()
    context.close()


def _follows(page: Page, served: Served) -> None:
    """See a works come, change and go, each within a second of its write."""
    expect(page.locator("#state")).to_have_text("live", timeout=_LIVE_MS)
    assert page.locator("#works li").count() > 3
    id_ = served.post_works("Vu d'ailleurs")
    line = page.locator("#works li", has_text="Vu d'ailleurs")
    expect(line).to_have_text("Vu d'ailleurs (active, medium)", timeout=_SECOND_MS)
    served.send("PATCH", f"v1/works/{id_}", {"impact": {"vehicle_impact": "all-lanes-closed"}})
    expect(line).to_have_text("Vu d'ailleurs (active, blocked)", timeout=_SECOND_MS)
    served.send("DELETE", f"v1/works/{id_}")
    expect(line).to_have_count(0, timeout=_SECOND_MS)


def test_a_site_that_may_read_follows_the_town(page: Page, tmp_path: Path) -> None:
    """The page of the document, on a site that `cors_origins` names; one it does not name gets nothing."""
    (tmp_path / "copied.js").write_bytes(_MODULE.read_bytes())
    with _site(tmp_path) as allowed, ServedTown(tmp_path / "town", cors_origins=(allowed,)) as served:
        example = _example(served.address)
        (tmp_path / "page.html").write_text(example, encoding="utf-8")
        # A site that cannot import the module may have a copy of it: the stream itself keeps it out.
        copied = example.replace(f"{served.address.rstrip('/')}/static/geoworks-client.js", "./copied.js")
        (tmp_path / "copied.html").write_text(copied, encoding="utf-8")
        page.goto(f"{allowed}/page.html")
        _follows(page, served)
        page.goto(f"{allowed}/copied.html")
        _follows(page, served)
        stranger = allowed.replace("127.0.0.1", "localhost")
        page.goto(f"{stranger}/page.html")
        expect(page.locator("#state")).to_be_empty()
        page.goto(f"{stranger}/copied.html")
        expect(page.locator("#state")).to_contain_text("offline since")
        expect(page.locator("#works li")).to_have_count(0)


def test_a_page_opened_as_a_file_follows_the_town(page: Page, served: Served, tmp_path: Path) -> None:
    """With the settings as they come, the page of the document needs no site at all."""
    path = tmp_path / "page.html"
    path.write_text(_example(served.address), encoding="utf-8")
    page.goto(path.as_uri())
    _follows(page, served)
