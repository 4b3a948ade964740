"""Features as the public gets them: what is shown, what is hidden, what the matcher sees."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from msgspec import structs
from shapely import Point, box

from geoworks.model.change import Derived, Given, Key, Kind, Record
from geoworks.model.feature import encode_geometry, match_keys, render
from geoworks.model.report import Report, ReportDerived, ReportStatus
from geoworks.model.schedule import Schedule
from geoworks.model.severity import Severity
from geoworks.model.works import Effect, Status, Visibility, Works, WorksDerived
from geoworks.model.zone import Level, Zone, ZoneDerived
from tests.model import strategies

NOON = datetime(2026, 6, 10, 12, tzinfo=UTC)
WORKS = Works(title="Gaz", geometry=Point(2.3, 48.6), schedule=Schedule(NOON))
REPORT = Report(
    category="pothole", geometry=Point(2.3, 48.6), text="<b>trou</b>", place="3 rue X", photos=2, token_hash="secret"
)


def record(kind: Kind, given_: Given, derived: Derived, overlay: dict[str, Any] | None = None) -> Record:
    """Return a record of version 3."""
    return Record(
        key=Key(kind, "api:1"),
        version=3,
        created=NOON,
        updated=NOON,
        given=given_,
        derived=derived,
        source="api",
        overlay=overlay,
    )


def properties(rendered: bytes) -> dict[str, Any]:
    """Return the properties of a rendered feature."""
    found: dict[str, Any] = json.loads(rendered)["properties"]
    return found


@given(strategies.works)
def test_every_given_field_of_a_works_is_shown(works: Works) -> None:
    """Nothing that was given gets lost on the public doors, but for the visibility."""
    shown = properties(render(record(Kind.WORKS, works, WorksDerived())))
    given_names = set(Works.__struct_fields__) - {"geometry", "visibility"}
    assert given_names <= shown.keys()
    assert shown["title"] == works.title


def test_a_works_is_shown_with_its_correction_and_what_was_corrected() -> None:
    """The corrected value stands in the place of the given one and is named."""
    shown = properties(render(record(Kind.WORKS, WORKS, WorksDerived(), {"impact": {"parking": "suspended"}})))
    assert shown["impact"]["parking"] == "suspended"
    assert shown["corrected"] == ["impact.parking"]


def test_a_report_hides_its_text_place_and_photos_until_released() -> None:
    """Category, status and point are public at once, the rest after a moderator; the token never."""
    derived = ReportDerived(zones=("gare",), works=("api:1",))
    hidden = render(record(Kind.REPORT, REPORT, derived))
    shown = render(record(Kind.REPORT, structs.replace(REPORT, released=True), derived))
    assert (properties(hidden)["text"], properties(hidden)["place"], properties(hidden)["photos"]) == ("", "", 0)
    assert (properties(shown)["text"], properties(shown)["place"], properties(shown)["photos"]) == (
        "<b>trou</b>",
        "3 rue X",
        2,
    )
    assert properties(hidden)["category"] == "pothole"
    assert b"secret" not in hidden + shown


def test_a_zone_is_shown_with_its_level_and_causes() -> None:
    """The level is derived and names the works that cause it."""
    zone = Zone(name="Gare", geometry=box(2, 48, 3, 49))
    shown = properties(render(record(Kind.ZONE, zone, ZoneDerived(Level.HEAVY, ("api:1",)))))
    assert (shown["kind"], shown["name"], shown["level"], shown["causes"]) == ("zone", "Gare", "heavy", ["api:1"])


@pytest.mark.parametrize(
    ("visibility", "status", "visible"),
    [
        (Visibility.PUBLIC, Status.ACTIVE, True),
        (Visibility.PUBLIC, Status.PLANNED, True),
        (Visibility.PUBLIC, Status.COMPLETED, False),
        (Visibility.PUBLIC, Status.CANCELLED, False),
        (Visibility.DRAFT, Status.ACTIVE, False),
    ],
)
def test_subscriptions_see_what_is_public_and_not_over(
    visibility: Visibility, status: Status, *, visible: bool
) -> None:
    """Drafts and ended works match no subscription."""
    works = structs.replace(WORKS, visibility=visibility)
    keys = match_keys(record(Kind.WORKS, works, WorksDerived(status=status, effects=(Effect("gare", 1.0),))))
    assert (keys.visible, keys.zones) == (visible, ("gare",))


def test_a_corrected_place_is_the_place_the_matcher_sees() -> None:
    """The correction of a geometry moves the feature for everyone."""
    there = {"geometry": {"type": "Point", "coordinates": [2.5, 48.5]}}
    assert match_keys(record(Kind.WORKS, WORKS, WorksDerived(), there)).geometry == Point(2.5, 48.5)


@pytest.mark.parametrize(("level", "severity"), list(zip(Level, Severity, strict=True)))
def test_a_zone_is_as_severe_as_its_level(level: Level, severity: Severity) -> None:
    """Free to blocked are none to blocked."""
    zone = Zone(name="Gare", geometry=box(2, 48, 3, 49))
    assert match_keys(record(Kind.ZONE, zone, ZoneDerived(level))).severity is severity


def test_an_ended_report_matches_no_subscription() -> None:
    """Resolved and refused reports are over."""
    over = structs.replace(REPORT, status=ReportStatus.RESOLVED)
    assert match_keys(record(Kind.REPORT, REPORT, ReportDerived())).visible
    assert not match_keys(record(Kind.REPORT, over, ReportDerived())).visible


def test_only_geometries_are_encoded_beyond_what_msgspec_knows() -> None:
    """Anything else is an error of ours and says so."""
    with pytest.raises(NotImplementedError, match="object"):
        encode_geometry(object())
