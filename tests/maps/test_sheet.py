"""The page of a map as text: whatever comes in comes out as data."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from geoworks.config.settings import Tiles
from geoworks.config.settings import Town as TownTable
from maps.builder import MapFolder
from maps.drawn import draw_town, read_town
from maps.local import script_json
from maps.sheet import Sheet, draw_sheet
from tests.maps.small import MADE, SETTINGS, report, town, works, zone

# What templates, scripts and pages take for more than text, and any text between.
_MARKS = (
    "{{",
    "}}",
    "{%",
    "%}",
    "{#",
    "${",
    "`",
    "</script>",
    "<!--",
    "<b>",
    "&lt;",
    "\\",
    '"',
    "'",
    "\u2028",
    "\u202e",
)
_TEXTS = st.lists(st.one_of(st.sampled_from(_MARKS), st.text(max_size=5)), max_size=8).map("".join)


class Blocks(HTMLParser):
    """Reads the data blocks and the title of a page as a browser does."""

    def __init__(self) -> None:
        """Begin with nothing read."""
        super().__init__()
        self.texts: dict[str, str] = {}
        self.tags: list[str] = []
        self._open = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note which block begins."""
        self._open = dict(attrs).get("id") or tag
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:  # noqa: ARG002 - the name is of the parser's class
        """Note that it ends."""
        self._open = ""

    def handle_data(self, data: str) -> None:
        """Keep what stands in it."""
        self.texts[self._open] = self.texts.get(self._open, "") + data


def read(page: str) -> Blocks:
    """Read a page."""
    blocks = Blocks()
    blocks.feed(page)
    blocks.close()
    return blocks


def sheet(**features: list[bytes]) -> Sheet:
    """Make an overview of features."""
    drawn = draw_town(read_town(town(**features)), SETTINGS, language="fr")
    zones = [one.feature for one in drawn.zones]
    return Sheet(title="Carte", file="overview.html", works=drawn.works, zones=zones, reports=drawn.reports)


@given(_TEXTS)
def test_json_in_a_script_is_the_same_json(text: str) -> None:
    """Nothing is lost, and nothing is left that ends a script or begins a template's expression."""
    safe = script_json(msgspec.json.encode({text: [{"a": {"b": text}}]}))
    assert json.loads(safe) == {text: [{"a": {"b": text}}]}
    assert not re.search("[<>&\u2028\u2029]|{{|{%|{#", safe)


@settings(max_examples=50)
@given(_TEXTS)
def test_a_text_comes_out_as_it_went_in(text: str) -> None:
    """Whatever a works is called, the page has it as data, and the same elements as with any other name."""
    hostile = read(draw_sheet(sheet(works=[works(title=text)]), SETTINGS, language="fr", made=MADE))
    harmless = read(draw_sheet(sheet(works=[works(title="a")]), SETTINGS, language="fr", made=MADE))
    ((_, (title, *_)),) = json.loads(hostile.texts["data-works"])
    assert title == text
    assert hostile.tags == harmless.tags


@settings(max_examples=50)
@given(_TEXTS)
def test_settings_are_text_too(text: str) -> None:
    """The town's name, its tiles and their attribution stand in the page as data."""
    hostile = replace(SETTINGS, town=TownTable(name=text), tiles=Tiles(url=f"http://x/{text}", attribution=text))
    page = read(draw_sheet(sheet(works=[works()]), hostile, language="fr", made=MADE))
    tiles = json.loads(page.texts["data-page"])["tiles"]
    assert (tiles["url"], tiles["attribution"]) == (f"http://x/{text}", text)
    assert page.tags == read(draw_sheet(sheet(works=[works()]), SETTINGS, language="fr", made=MADE)).tags


def test_the_list_is_bounded_and_the_map_is_not() -> None:
    """A long list ends with how many more there are; the map has them all."""
    many = [works(f"a:{number}", title=f"Travaux {number}") for number in range(302)]
    page = draw_sheet(sheet(works=many), SETTINGS, language="fr", made=MADE)
    assert page.count('data-kind="works"') == 300
    assert "et 2 autres" in page
    assert len(json.loads(read(page).texts["data-works"])) == 302


def test_a_page_asks_only_its_own_folder() -> None:
    """What a page loads lies beside it; the language of the town leads, the other is one folder below."""
    features = sheet(works=[works()], zones=[zone()], reports=[report()])
    for language, assets in (("fr", "assets/"), ("en", "../assets/")):
        page = draw_sheet(features, SETTINGS, language=language, made=MADE)
        loaded = re.findall(r'(?:src|rel="stylesheet" href)="([^"]+)"', page)
        assert len(loaded) == 4
        assert all(path.startswith(assets) for path in loaded)


def test_the_page_says_when_it_was_made(tmp_path: Path) -> None:
    """In the town's time."""
    overview, *_ = MapFolder(tmp_path, SETTINGS).write({}, made=MADE)
    assert "Mise à jour le 24 novembre 2026 à 17 h 05" in overview.read_text()
