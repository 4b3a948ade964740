"""The folder of generated maps: what is in it, what is written again, what goes."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from geoworks.config.settings import Town as TownTable
from geoworks.model.zone import Level
from maps.builder import ZONE_MAPS, MapFolder, zone_file
from tests.maps.small import MADE, SETTINGS, report, town, works, zone

LATER = MADE + timedelta(hours=1)
GARE, CENTRE = zone("gare"), zone("centre", name="Centre")


def names(folder: Path, pages: Iterable[Path]) -> set[str]:
    """Return the paths of pages in their folder."""
    return {path.relative_to(folder).as_posix() for path in pages}


def rewritten(folder: Path, before: dict[Path, int]) -> set[str]:
    """Return which pages were written since `before`."""
    return names(folder, (path for path, at in state(folder).items() if before.get(path) != at))


def state(folder: Path) -> dict[Path, int]:
    """Return the files of maps and which of all files on the disk each is."""
    return {path: path.stat().st_ino for path in folder.rglob("*.html")}


def test_every_zone_has_a_map_in_both_languages(tmp_path: Path) -> None:
    """The overview comes first; the other language lies one folder below; assets are there once."""
    given = town(works=[works()], zones=[GARE, CENTRE], reports=[report()])
    pages = MapFolder(tmp_path, SETTINGS).write(given, made=MADE)
    one = {"overview.html", "zone-gare.html", "zone-centre.html"}
    assert pages[0] == tmp_path / "overview.html"
    assert names(tmp_path, pages) == one | {f"en/{name}" for name in one}
    assert set(pages) == set(tmp_path.rglob("*.html"))
    assert {path.name for path in (tmp_path / "assets").iterdir()} == {
        "leaflet.js", "leaflet.css", "drawn.js", "drawn.css", "images",
    }  # fmt: skip


def test_the_first_language_is_the_towns(tmp_path: Path) -> None:
    """A town that speaks English has French below; a folder of the other order is put right."""
    MapFolder(tmp_path, SETTINGS).write(town(zones=[GARE]), made=MADE)
    english = replace(SETTINGS, town=TownTable(name="Ipswich", language="en"))
    pages = MapFolder(tmp_path, english).write(town(zones=[GARE]), made=MADE)
    assert 'lang="en"' in (tmp_path / "overview.html").read_text()
    assert set(tmp_path.rglob("*.html")) == set(pages)
    assert names(tmp_path, pages) == {"overview.html", "zone-gare.html", "fr/overview.html", "fr/zone-gare.html"}


def test_only_what_changed_is_written_again(tmp_path: Path) -> None:
    """A works in one zone touches the overview and that zone's map; nothing changed touches nothing."""
    folder = MapFolder(tmp_path, SETTINGS)
    folder.write(town(works=[works()], zones=[GARE, CENTRE]), made=MADE)
    before = state(tmp_path)
    folder.write(town(works=[works()], zones=[GARE, CENTRE]), made=LATER)
    assert rewritten(tmp_path, before) == set()
    folder.write(town(works=[works(title="Autre")], zones=[GARE, CENTRE]), made=LATER)
    assert rewritten(tmp_path, before) == {
        "overview.html", "zone-gare.html", "en/overview.html", "en/zone-gare.html",
    }  # fmt: skip


def test_a_deleted_map_comes_back(tmp_path: Path) -> None:
    """Somebody who cleans the folder finds it whole after the next round."""
    folder = MapFolder(tmp_path, SETTINGS)
    folder.write(town(zones=[GARE]), made=MADE)
    (tmp_path / "zone-gare.html").unlink()
    folder.write(town(zones=[GARE]), made=LATER)
    assert (tmp_path / "zone-gare.html").exists()


def test_a_zone_that_is_gone_loses_its_map(tmp_path: Path) -> None:
    """Also when another process drew it; files that are not ours stay."""
    MapFolder(tmp_path, SETTINGS).write(town(zones=[GARE, CENTRE]), made=MADE)
    (tmp_path / "index.html").write_text("not ours")
    pages = MapFolder(tmp_path, SETTINGS).write(town(zones=[CENTRE]), made=LATER)
    assert set(tmp_path.rglob("*.html")) == {*pages, tmp_path / "index.html"}
    assert not list(tmp_path.rglob("zone-gare.html"))


def test_many_zones_do_not_make_as_many_maps(tmp_path: Path) -> None:
    """The worst off get a map; the overview draws all and says how many have none."""
    zones = [zone(f"z{number}", name=f"Zone {number:03}") for number in range(ZONE_MAPS + 2)]
    zones.append(zone("pire", name="Pire", level=Level.BLOCKED))
    pages = MapFolder(tmp_path, SETTINGS).write(town(zones=zones), made=MADE)
    assert len(pages) == 2 * (1 + ZONE_MAPS)
    assert tmp_path / "zone-pire.html" in pages
    overview = pages[0].read_text()
    assert "et 3 autres, plus calmes, sans carte à part" in overview
    assert overview.count('"Polygon"') == ZONE_MAPS + 3


def test_of_too_many_works_the_worst_are_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page of a whole region opens on a phone too; the list counts all, and says how many the map leaves out."""
    monkeypatch.setattr("maps.builder.MAP_WORKS", 2)
    some = [works(title=f"Travaux {severity}", severity=severity) for severity in ("low", "high", "none", "medium")]
    pages = MapFolder(tmp_path, SETTINGS).write(town(works=some, zones=[GARE]), made=MADE)
    for page in pages[:2]:
        told = page.read_text()
        assert "Travaux high" in told
        assert "Travaux medium" in told
        assert "Travaux low" not in told
        assert "Travaux (4)" in told
        assert "2 chantiers, les moins gênants, ne sont pas sur cette carte" in told
    assert "2 roadworks, the least disruptive, are not on this map" in (tmp_path / "en" / "overview.html").read_text()


@pytest.mark.parametrize("id_", ["../../etc", "a/b", "CON", "é", "", "x" * 200, "-a", ".."])
def test_no_id_leaves_the_folder(tmp_path: Path, id_: str) -> None:
    """Whatever a zone's id, its map lies in the folder and the overview leads to it."""
    pages = MapFolder(tmp_path, SETTINGS).write(town(zones=[zone(id_)]), made=MADE)
    assert {path.parent for path in pages} == {tmp_path, tmp_path / "en"}
    assert f'href="{zone_file(id_)}"' in pages[0].read_text()


def test_different_ids_have_different_files() -> None:
    """An id that is a file name cannot be the digest of another."""
    digest = zone_file("Gare").removeprefix("zone-").removesuffix(".html")
    assert len({zone_file(id_) for id_ in ("Gare", "gare", "GARE", digest, digest.strip("-"))}) == 5
