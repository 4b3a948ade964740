"""What the town says before a report is sent: category, handler and why, works and reports nearby."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from shapely import Point

from geoworks.config.categories import Category
from geoworks.config.settings import Settings
from geoworks.ids import hash_secret
from geoworks.model.report import Report, ReportStatus
from geoworks.model.works import Status, Visibility, Works
from geoworks.pipeline import reports
from geoworks.pipeline.suggest import (
    NearWorks,
    duplicates,
    find_category,
    handling,
    near_works,
    suggest_category,
)
from tests.pipeline.house import House, a_works, put

CATEGORIES = Settings().reports.categories
HERE = Point(2.303, 48.6351)
WORKS = NearWorks("api:1", "Réseau d'eau", 12.4, Status.ACTIVE, "Eau Cœur d'Essonne")


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("Il y a un gros TROU sur la chaussee", "chaussee"),
        ("nids-de-poule partout", "chaussee"),
        ("Le trottoir est affaissé devant l'école", "trottoir"),
        ("passages piétons effacés", "trottoir"),
        ("une camionnette est stationnée devant chez moi", "stationnement"),
        ("STATIONNEMENT gênant", "stationnement"),
        ("le feu est rouge tout le temps", "signalisation"),
        ("les feux sont en panne", "signalisation"),
        ("plus d'éclairage, lampadaires eteints", "eclairage"),
        ("The street lights are out", "eclairage"),
        ("les barrières du chantier sont tombées", "chantier"),
        ("un arbre est tombé", "autre"),
        ("des feuilles mortes, j'ai trouvé ça trouble", "autre"),
        ("", "autre"),
        ("<b>*</b> * . ?", "autre"),
    ],
)
def test_the_category_is_that_of_the_words(text: str, category: str) -> None:
    """Whole words count, whatever their case, accents and plural; what fits none goes to the last category."""
    assert suggest_category(text, CATEGORIES, beside_works=False).id == category


@pytest.mark.parametrize(
    ("text", "category"),
    [
        ("impossible de passer avec la poussette", "chantier"),
        ("trop de bruit et de poussière", "chantier"),
        ("the pavement is blocked", "chantier"),
        ("un lampadaire est éteint", "eclairage"),
        ("un trou", "chaussee"),
    ],
)
def test_trouble_beside_a_works_is_about_the_works(text: str, category: str) -> None:
    """Words of trouble speak of the works when there is one; other words do not."""
    assert suggest_category(text, CATEGORIES, beside_works=True).id == category


def test_more_words_weigh_more() -> None:
    """The category with the most words wins, a phrase weighs its words, the first of equals is taken."""
    categories = (
        Category(id="a", fr="", en="", handler="", words=("rouge",)),
        Category(id="b", fr="", en="", handler="", words=("bleu", "vert pomme", "vert pommes")),
        Category(id="c", fr="", en="", handler=""),
    )
    texts = {"rouge et bleu": "a", "rouge, vert pomme": "b", "vert, rouge, pomme": "a", "jaune": "c"}
    assert {text: suggest_category(text, categories, beside_works=True).id for text in texts} == texts


@given(text=st.text(max_size=200), beside=st.booleans())
def test_every_text_has_a_category(text: str, beside: bool) -> None:  # noqa: FBT001 - drawn
    """Any text at all is given one of the categories, and the same one written in capitals without accents."""
    found = suggest_category(text, CATEGORIES, beside_works=beside)
    assert found in CATEGORIES
    assert suggest_category(text.casefold(), CATEGORIES, beside_works=beside) == found


def test_trouble_from_works_names_their_promoter_and_why() -> None:
    """The handler of a works' category names who the works are done for; any other category does not."""
    works, road = find_category("chantier", CATEGORIES), find_category("chaussee", CATEGORIES)
    french, english = (handling(works, [WORKS], language=language) for language in ("fr", "en"))
    assert french.handler == "Services techniques, coordination des travaux, avec Eau Cœur d'Essonne"
    assert french.reason.startswith("les travaux « Réseau d'eau », à 12 m, sont faits pour Eau Cœur d'Essonne; ")
    assert "with Eau Cœur d'Essonne" in english.handler
    assert "12 m away" in english.reason
    assert handling(road, [WORKS], language="en").reason == road.reason_en
    nameless = structs.replace(WORKS, promoter="")
    assert handling(works, [nameless], language="fr").handler == works.handler
    assert handling(works, [], language="fr").reason == works.reason_fr


def test_a_category_the_settings_lost_is_the_last() -> None:
    """A report of a category that is not in the settings any more is still handled by somebody."""
    assert find_category("gone", CATEGORIES) is CATEGORIES[-1]


def promoted(works: Works, promoter: str, **changes: object) -> Works:
    """Return a works done for somebody."""
    return structs.replace(works, promoter=promoter, **changes)


async def test_works_nearby_are_public_ones(house: House) -> None:
    """Works within reach are named, the nearest first; drafts and works that are over are not."""
    await house.desk.submit(put("api:1", promoted(a_works(), "Eau")))
    await house.desk.submit(put("api:2", promoted(a_works(at=(2.302, 48.6353)), "Gaz")))
    await house.desk.submit(put("api:3", promoted(a_works(), "Secret", visibility=Visibility.DRAFT)))
    await house.desk.submit(put("api:4", a_works(at=(2.302, 48.640))))
    await house.desk.submit(put("api:5", a_works(end=house.clock.now())))
    near = near_works(house.state, HERE, radius_m=40)
    assert [(one.id, one.promoter, one.status) for one in near] == [
        ("api:1", "Eau", Status.ACTIVE),
        ("api:2", "Gaz", Status.ACTIVE),
    ]
    assert near[0].distance_m == pytest.approx(11.1, abs=0.2)


async def test_duplicates_are_open_recent_near_and_alike(house: House) -> None:
    """A report counts as the same when it is open, of the category, within 100 m and 30 days."""

    async def file(id_: str, lat: float, category: str = "chaussee") -> None:
        report = Report(category=category, geometry=Point(2.303, lat), text="x", token_hash=hash_secret(id_))
        await house.desk.submit(reports.file_report(id_, report))

    await file("old", 48.6351)
    house.clock.advance(timedelta(days=31))
    await file("near", 48.6353)
    await file("nearer", 48.6352)
    await file("far", 48.6362)
    await file("other", 48.6351, "eclairage")
    await file("closed", 48.6351)
    await house.desk.submit(reports.move_on("closed", ReportStatus.RESOLVED, actor="Mo"))
    found = duplicates(house.state, HERE, "chaussee", now=house.clock.now())
    assert [one.id for one in found] == ["nearer", "near"]
    assert found[0].distance_m == pytest.approx(11.1, abs=0.2)
