"""The pages of towns with other settings: behind a proxy's path, with very many works."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, expect

from tests.pages.crowd import many_works
from tests.pages.looking import Looker
from tests.pages.served import ServedTown

_MANY = 400


def test_behind_a_base_path_everything_works(browser: Browser, tmp_path: Path) -> None:
    """With a path prefix the map is live, links lead within it, and a report can be followed."""
    with ServedTown(tmp_path, base_path="/travaux") as served:
        looker = Looker(browser, served.address)
        page = looker.live()
        page.get_by_role("link", name="Signaler un problème").first.click()
        page.locator("#place").fill("Rue de Montlhéry")
        page.locator("#text").fill("Sous un préfixe")
        page.locator("#send").click()
        page.locator("#link").click()
        expect(page.locator(".follow-status")).to_have_text("reçu")
        looker.close()
        ours = [urlsplit(url) for url in looker.asked if url.startswith("http") and ":9/" not in url]
        assert [url.path for url in ours if not url.path.startswith("/travaux/")] == []
        assert looker.complaints == []


def test_very_many_works_stay_quick_to_read(browser: Browser, tmp_path: Path) -> None:
    """Markers gather into clusters with the worst inside, the list shows a part and says how many there are."""
    with ServedTown(tmp_path) as served:
        looker = Looker(browser, served.address)
        served.run(served.town.desk.submit(many_works(_MANY)))
        page = looker.live()
        expect(page.locator(".cluster").first).to_be_visible()
        assert page.locator(".pin, .cluster").count() < _MANY / 2
        expect(page.locator(".cluster .shape-blocked").first).to_be_visible()
        shown = page.locator("#works li").count()
        assert shown < _MANY < int(page.locator("#works .count").inner_text())
        page.locator("#works .more").click()
        expect(page.locator("#works li").nth(shown).locator("button")).to_be_focused()
        page.get_by_role("searchbox").fill("Chantier 399")
        expect(page.locator("#works li")).to_have_count(1)
        looker.close()
        assert looker.complaints == []
