"""What of a town a map draws, and in which order."""

from __future__ import annotations

from geoworks.model.severity import Severity
from geoworks.model.works import Status
from maps.drawn import draw_town, read_town
from tests.maps.small import SETTINGS, report, town, works, zone


def test_an_empty_town_has_nothing_to_draw() -> None:
    """No collection at all is a town without works, zones and reports."""
    drawn = draw_town(read_town({}), SETTINGS, language="fr")
    assert (drawn.works, drawn.zones, drawn.reports) == ((), (), ())


def test_works_come_as_lists_show_them() -> None:
    """Under way before planned, the worst first, then by title."""
    given = [
        works("a:1", title="B", severity=Severity.LOW),
        works("a:2", title="A", severity=Severity.LOW),
        works("a:3", title="C", status=Status.PLANNED, severity=Severity.BLOCKED),
        works("a:4", title="D", severity=Severity.BLOCKED),
        works("a:5", title="E", status=Status.PAUSED),
    ]
    drawn = draw_town(read_town(town(works=given)), SETTINGS, language="fr")
    assert [one.properties.title for one in drawn.works] == ["D", "A", "B", "E", "C"]


def test_a_zone_has_what_lies_in_it() -> None:
    """Works and reports are with every zone they touch, and with no other."""
    both = works("a:1", zones=("gare", "centre"), title="Deux zones")
    given = town(
        works=[both, works("a:2", zones=(), title="Ailleurs")],
        zones=[zone("gare"), zone("centre", name="Centre")],
        reports=[report(zones=("centre",))],
    )
    centre, gare = draw_town(read_town(given), SETTINGS, language="fr").zones
    assert (centre.id, gare.id) == ("centre", "gare")
    assert [one.properties.title for one in centre.works] == ["Deux zones"]
    assert centre.works == gare.works
    assert (len(centre.reports), len(gare.reports)) == (1, 0)


def test_reports_are_called_by_their_category() -> None:
    """In the language of the map; a category that is no more has a name too."""
    given = town(reports=[report("r1"), report("r2", category="gone")])
    names = {
        language: [one.properties.title for one in draw_town(read_town(given), SETTINGS, language=language).reports]
        for language in ("fr", "en")
    }
    assert names == {"fr": ["Chaussée abîmée", "Signalement"], "en": ["Damaged road", "Report"]}
