"""Model values come back from their columns as they were, and the columns can be read by people and programs."""

from __future__ import annotations

import json

import msgspec
import shapely
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from geoworks.model.change import Change, Key, Kind, MatchKeys, Op, Reason, Record
from geoworks.model.impact import Impact, ParkingState
from geoworks.model.works import Direction
from geoworks.ports import Write
from geoworks.store.codec import version_of
from geoworks.store.sqlite.columns import CODEC, moment_text
from tests.store.samples import DAY, MATCH_KEYS, MOMENTS, NOON, TEXTS, records, works_record

CHANGES = st.builds(
    Change,
    st.integers(1, 2**53),
    MOMENTS,
    st.builds(Key, st.sampled_from(Kind), TEXTS),
    st.sampled_from(Op),
    st.sampled_from(Reason),
    st.integers(0, 2**53),
    st.none() | MATCH_KEYS,
)


@given(st.lists(records(), max_size=5))
def test_records(some: list[Record]) -> None:
    """Records of every kind come back equal, whatever stands in them."""
    rows = [(number, *row) for number, row in enumerate(CODEC.feature_rows(some))]
    assert CODEC.read_records(rows) == some


@given(st.lists(CHANGES, max_size=5))
def test_changes(some: list[Change]) -> None:
    """Changes come back equal, with and without what was before."""
    assert CODEC.read_changes(list(CODEC.change_rows(some))) == some


@given(records(), TEXTS, st.sampled_from(Reason))
def test_versions(record: Record, actor: str, reason: Reason) -> None:
    """A version comes back with who wrote it, when and why."""
    write = Write(key=record.key, record=record, reason=reason, actor=actor)
    (row,) = CODEC.version_rows([(record.key, version_of(write, record, NOON))])
    (version,) = CODEC.read_versions([row[2:]])
    assert (version.version, version.at, version.reason, version.actor) == (record.version, NOON, reason, actor)
    assert (version.given, version.overlay) == (record.given, record.overlay)


@given(MOMENTS, MOMENTS)
def test_moments_sort_as_text(first: object, second: object) -> None:
    """The order of moments as text is their order in time, so SQL can compare them."""
    assert (moment_text(first) < moment_text(second)) == (first < second)  # type: ignore[arg-type,operator]


def test_columns_are_readable() -> None:
    """The JSON has what the works says by name but the geometry, which is WKB that any GIS reads."""
    record = replace(works_record(), overlay={"title": "Chaussée"})
    (row,) = CODEC.feature_rows([record])
    kind, feature_id, version, created, _, source, _, geometry, given_json, overlay, derived = row
    assert (kind, feature_id, version, source) == ("works", "voirie:1", 1, "voirie")
    assert created == "2026-11-24T12:00:00.000000+00:00"
    assert shapely.equals(shapely.from_wkb(geometry), record.given.geometry)
    fields = json.loads(given_json)
    assert (fields["title"], fields["geometry"], fields["schedule"]["end"]) == (
        "Réseau d'eau",
        None,
        (NOON + DAY).isoformat().replace("+00:00", "Z"),
    )
    assert fields.keys() == {"kind", "title", "geometry", "schedule"}
    assert fields["schedule"]["time_zone"] == "Europe/Paris"
    assert json.loads(overlay) == {"title": "Chaussée"}
    assert json.loads(derived)["effects"][0]["zone"] == "gare"


def test_a_works_is_stored_without_its_defaults() -> None:
    """What differs from a default stays, however deep; a row of an earlier release, which says all, reads alike."""
    impact = Impact(parking=ParkingState.SUSPENDED)
    works = replace(works_record().given, impact=impact, direction=Direction.BOTH)
    record = replace(works_record(), given=works)
    (row,) = CODEC.feature_rows([record])
    fields = json.loads(row[8])
    assert fields["impact"] == {"parking": "suspended"}
    assert fields["direction"] == "both"
    everything = msgspec.json.encode(replace(works, geometry=None), enc_hook=str).decode()
    assert len(everything) > 2 * len(row[8])
    assert CODEC.read_records([(1, *row), (2, *row[:8], everything, *row[9:])]) == [record, record]


def test_empty_geometry_of_the_matcher() -> None:
    """An empty geometry before a change is not taken for none."""
    change = Change(1, NOON, works_record().key, Op.PUT, Reason.UPDATED, 2, MatchKeys(shapely.Point(), False, "none"))  # type: ignore[arg-type]
    (back,) = CODEC.read_changes(list(CODEC.change_rows([change])))
    assert back.before
    assert back.before.geometry.is_empty
