"""Edits of works: own ones change freely, a source's are only corrected, and every version can come back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from geoworks.errors import Conflict, Invalid, NotFound, StaleVersion
from geoworks.model import overlay
from geoworks.model.change import Patch, Reason
from geoworks.model.works import Status, Visibility, Works, WorksDerived
from geoworks.pipeline import works
from geoworks.pipeline.draft import works_key
from tests.pipeline.house import NOON, House, a_works, put

VALUES = st.none() | st.booleans() | st.integers() | st.text(max_size=3)
PATCHES = st.recursive(
    VALUES, lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3), max_leaves=8
).filter(lambda value: isinstance(value, dict))
DOCUMENTS = st.recursive(
    VALUES.filter(lambda value: value is not None),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
).filter(lambda value: isinstance(value, dict))


def shown(house: House, id_: str) -> Works:
    """Return what holds for a works."""
    entry = house.state.get(works_key(id_))
    assert entry is not None
    effective = overlay.effective(entry.record)
    assert isinstance(effective, Works)
    return effective


def status_of(house: House, id_: str) -> Status:
    """Return the derived status of a works."""
    entry = house.state.get(works_key(id_))
    assert entry is not None
    assert isinstance(entry.record.derived, WorksDerived)
    return entry.record.derived.status


def test_an_id_is_made_or_taken_under_the_api_prefix() -> None:
    """A works of the API is named `api:` and what the writer chose, or a random name."""
    assert works.api_id("2026-12") == works.api_id("api:2026-12") == "api:2026-12"
    assert works.api_id() != works.api_id()


@pytest.mark.parametrize("given_id", ["voirie:12", "api:voirie:12", "a/b", "x" * 201, "a\nb"])
def test_an_id_of_a_source_or_of_odd_letters_is_refused(given_id: str) -> None:
    """A writer cannot take the name of a source's works, nor one that breaks addresses."""
    with pytest.raises(Invalid):
        works.api_id(given_id)


async def test_the_same_id_twice_is_a_conflict(house: House) -> None:
    """A works is created once; the second one is told to replace it."""
    await house.desk.submit(works.create("api:1", a_works(), actor="Ada"))
    with pytest.raises(Conflict, match="PUT replaces it"):
        await house.desk.submit(works.create("api:1", a_works(), actor="Ada"))


async def test_a_replacement_is_a_new_version_and_the_same_one_is_none(house: House) -> None:
    """Replacing by something else counts a version; by the same thing it writes nothing."""
    first = await house.desk.submit(works.replace("api:1", a_works(), actor="Ada"))
    same = await house.desk.submit(works.replace("api:1", a_works(), actor="Ada"))
    other = await house.desk.submit(works.replace("api:1", a_works(title="Gaz"), actor="Ada", seen=1))
    assert [first.version, same.version, other.version] == [1, 1, 2]
    assert [change.reason for change in house.told] == [Reason.CREATED, Reason.UPDATED]


@pytest.mark.parametrize("seen", [2, 7, 0])
async def test_a_writer_who_saw_another_version_is_refused(house: House, seen: int) -> None:
    """Nobody overwrites what they did not see."""
    await house.desk.submit(works.create("api:1", a_works(), actor="Ada"))
    for edit in (
        works.replace("api:1", a_works(title="Gaz"), actor="Bob", seen=seen),
        works.change("api:1", {"title": "Gaz"}, actor="Bob", seen=seen),
        works.cancel("api:1", actor="Bob", seen=seen),
    ):
        with pytest.raises(StaleVersion, match="version 1"):
            await house.desk.submit(edit)
    assert shown(house, "api:1").title == a_works().title


async def test_a_works_is_cancelled_once_and_can_be_opened_again(house: House) -> None:
    """Cancelling twice is one change; taking `cancelled_at` back opens the works again."""
    await house.desk.submit(works.create("api:1", a_works(), actor="Ada"))
    first = await house.desk.submit(works.cancel("api:1", actor="Ada"))
    assert status_of(house, "api:1") is Status.CANCELLED
    house.clock.advance(timedelta(minutes=1))
    again = await house.desk.submit(works.cancel("api:1", actor="Ada"))
    assert again.version == first.version
    await house.desk.submit(works.change("api:1", {"cancelled_at": None}, actor="Ada"))
    assert status_of(house, "api:1") is Status.ACTIVE
    assert [change.reason for change in house.told] == [Reason.CREATED, Reason.CANCELLED, Reason.UPDATED]


async def test_actual_dates_are_written_by_a_patch(house: House) -> None:
    """What really happened is told apart from what was planned, and ends the works."""
    await house.desk.submit(works.create("api:1", a_works(), actor="Ada"))
    ended = (NOON - timedelta(minutes=5)).isoformat()
    await house.desk.submit(works.change("api:1", {"schedule": {"actual_end": ended}}, actor="Ada"))
    assert status_of(house, "api:1") is Status.COMPLETED
    assert shown(house, "api:1").schedule.end == a_works().schedule.end


async def test_a_sourced_works_is_corrected_and_nothing_else(house: House) -> None:
    """A source's works takes corrections; replacing and cancelling it are refused with the way out."""
    await house.desk.submit(put("voirie:1", source="voirie", raw_hash=b"1"))
    for edit in (works.replace("voirie:1", a_works(title="Gaz"), actor="Ada"), works.cancel("voirie:1", actor="Ada")):
        with pytest.raises(Conflict, match="correct it with PATCH"):
            await house.desk.submit(edit)
    corrected = await house.desk.submit(works.change("voirie:1", {"impact": {"parking": "suspended"}}, actor="Ada"))
    assert shown(house, "voirie:1").impact.parking == "suspended"
    assert corrected.given == a_works()
    assert corrected.raw_hash == b"1"


async def test_a_correction_survives_what_the_source_sends_next(house: House) -> None:
    """The corrected field stays corrected, the others follow the source."""
    await house.desk.submit(put("voirie:1", source="voirie"))
    await house.desk.submit(works.change("voirie:1", {"title": "Gaz, rue fermée"}, actor="Ada"))
    await house.desk.submit(put("voirie:1", a_works(start=NOON), source="voirie"))
    assert shown(house, "voirie:1").title == "Gaz, rue fermée"
    assert shown(house, "voirie:1").schedule.start == NOON


async def test_corrections_add_up_and_are_released_by_field_or_wholly(house: House) -> None:
    """A second correction stands beside the first; each can be taken off alone."""
    await house.desk.submit(put("voirie:1", source="voirie"))
    await house.desk.submit(works.change("voirie:1", {"title": "A", "impact": {"parking": "suspended"}}, actor="Ada"))
    await house.desk.submit(works.change("voirie:1", {"impact": {"footway": "closed"}}, actor="Ada"))
    record = await house.desk.submit(works.release("voirie:1", ["impact.parking"], actor="Ada"))
    assert overlay.fields(record.overlay) == ["title", "impact.footway"]
    record = await house.desk.submit(works.release("voirie:1", ["impact.footway"], actor="Ada"))
    assert record.overlay == {"title": "A"}
    record = await house.desk.submit(works.release("voirie:1", actor="Ada"))
    assert record.overlay is None
    assert shown(house, "voirie:1") == a_works()


@pytest.mark.parametrize("field", ["title", "impact.lanes", "impact", "nothing.at.all", ""])
async def test_what_is_not_corrected_cannot_be_released(house: House, field: str) -> None:
    """Releasing a field nobody corrected is told, and changes nothing."""
    await house.desk.submit(put("voirie:1", source="voirie"))
    with pytest.raises(NotFound, match="not corrected"):
        await house.desk.submit(works.release("voirie:1", [field], actor="Ada"))


async def test_a_patch_that_makes_no_sense_is_refused_whole(house: House) -> None:
    """An end before the start is refused for own works and for corrections; nothing is written."""
    await house.desk.submit(works.create("api:1", a_works(), actor="Ada"))
    await house.desk.submit(put("voirie:1", source="voirie"))
    early = (NOON - timedelta(days=9)).isoformat()
    for id_ in ("api:1", "voirie:1"):
        with pytest.raises(Invalid) as refused:
            await house.desk.submit(works.change(id_, {"schedule": {"end": early}}, actor="Ada"))
        assert refused.value.problems[0].where == "schedule.end"
        assert shown(house, id_) == a_works()


async def test_any_version_is_restored_as_a_new_one(house: House) -> None:
    """The given fields and the correction of an old version come back under a new number."""
    await house.desk.submit(put("voirie:1", source="voirie"))
    await house.desk.submit(works.change("voirie:1", {"title": "Gaz"}, actor="Ada"))
    await house.desk.submit(put("voirie:1", a_works(start=NOON), source="voirie"))
    await house.desk.submit(works.release("voirie:1", actor="Ada"))
    versions = await house.store.versions(works_key("voirie:1"))
    record = await house.desk.submit(works.restore("voirie:1", works.find_version(versions, 2), actor="Bob"))
    assert record.version == 5
    assert shown(house, "voirie:1") == structs.replace(a_works(), title="Gaz")
    last = (await house.store.versions(works_key("voirie:1")))[-1]
    assert (last.reason, last.actor) == (Reason.RESTORED, "Bob")


async def test_a_version_that_never_was_cannot_be_restored(house: House) -> None:
    """Restoring asks for a version of the history."""
    await house.desk.submit(works.create("api:1", a_works(), actor="Ada"))
    with pytest.raises(NotFound, match="version 9"):
        works.find_version(await house.store.versions(works_key("api:1")), 9)


async def test_edits_of_nothing_say_so(house: House) -> None:
    """Changing, cancelling and releasing need a works that is there."""
    for edit in (
        works.change("api:9", {"title": "A"}, actor="Ada"),
        works.cancel("api:9", actor="Ada"),
        works.release("api:9", actor="Ada"),
    ):
        with pytest.raises(NotFound):
            await house.desk.submit(edit)


async def test_a_correction_can_hide_a_works(house: House) -> None:
    """Staff makes a draft of what a source published too early: the public gets no bytes of it."""
    await house.desk.submit(put("voirie:1", source="voirie"))
    await house.desk.submit(works.change("voirie:1", {"visibility": "draft"}, actor="Ada"))
    entry = house.state.get(works_key("voirie:1"))
    assert entry is not None
    assert shown(house, "voirie:1").visibility is Visibility.DRAFT
    assert entry.body == b""


@given(DOCUMENTS, PATCHES, PATCHES)
def test_two_patches_composed_do_what_they_do_in_turn(document: Any, first: Patch, second: Patch) -> None:  # noqa: ANN401 - any JSON
    """Laying the composition over a document is laying one patch over the other's result."""
    in_turn = overlay.merge(overlay.merge(document, first), second)
    assert overlay.merge(document, works.compose(first, second, document)) == in_turn
