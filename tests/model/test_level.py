"""Zone levels by their thresholds, and the works that cause them."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoworks.config.settings import Levels
from geoworks.model.level import WEIGHTS, zone_level
from geoworks.model.severity import Severity
from geoworks.model.zone import Level, ZoneDerived

shares = st.floats(0, 1)
weights = st.lists(st.tuples(st.text("abc", min_size=1, max_size=8), st.sampled_from(Severity), shares), max_size=30)


def test_every_severity_has_a_weight() -> None:
    """No severity is forgotten, and worse weighs more."""
    assert [WEIGHTS[severity] for severity in Severity] == [0, 1, 2, 4, 8]


@pytest.mark.parametrize(
    ("works", "expected"),
    [
        ([], Level.FREE),
        ([("a", Severity.NONE, 1.0)], Level.FREE),
        ([("a", Severity.LOW, 0.4)], Level.FREE),
        ([("a", Severity.LOW, 0.5)], Level.LIGHT),
        ([("a", Severity.MEDIUM, 1.0)], Level.LIGHT),
        ([("a", Severity.HIGH, 1.0)], Level.LIGHT),
        ([("a", Severity.HIGH, 1.0), ("b", Severity.MEDIUM, 0.99)], Level.LIGHT),
        ([("a", Severity.HIGH, 1.0), ("b", Severity.MEDIUM, 1.0)], Level.DISTURBED),
        ([("a", Severity.BLOCKED, 1.0)], Level.DISTURBED),
        ([("a", Severity.BLOCKED, 1.0), ("b", Severity.HIGH, 0.99)], Level.DISTURBED),
        ([("a", Severity.BLOCKED, 1.0), ("b", Severity.HIGH, 1.0)], Level.HEAVY),
        ([(name, Severity.BLOCKED, 1.0) for name in "abc"], Level.BLOCKED),
        ([("a", Severity.BLOCKED, 0.0)], Level.LIGHT),
        ([(str(number), Severity.LOW, 0.1) for number in range(5)], Level.LIGHT),
    ],
)
def test_the_level_is_the_highest_whose_threshold_is_reached(
    works: list[tuple[str, Severity, float]], expected: Level
) -> None:
    """With the default thresholds 0.5, 6, 12 and 24; a share counts as 0.1 at least."""
    assert zone_level(works, Levels()).level is expected


def test_thresholds_are_settings() -> None:
    """A town may call its zones blocked sooner."""
    assert zone_level([("a", Severity.BLOCKED, 1.0)], Levels(blocked=8.0)).level is Level.BLOCKED


def test_causes_are_the_works_that_weigh_most_at_most_ten() -> None:
    """The worst first, ids in order among equals, works without hindrance never."""
    works = [(f"{number:02}", Severity.LOW, 1.0) for number in range(12)]
    works += [("worst", Severity.BLOCKED, 1.0), ("nothing", Severity.NONE, 1.0), ("part", Severity.HIGH, 0.5)]
    causes = zone_level(works, Levels()).causes
    assert causes == ("worst", "part", *(f"{number:02}" for number in range(8)))


def test_works_that_hinder_nobody_cause_nothing() -> None:
    """A works of severity none is no cause, though there is room for it."""
    assert zone_level([("a", Severity.NONE, 1.0), ("b", Severity.LOW, 1.0)], Levels()).causes == ("b",)


@given(weights, st.randoms(use_true_random=False))
def test_the_order_of_the_works_does_not_matter(works: list[tuple[str, Severity, float]], order: random.Random) -> None:
    """The same works give the same level and causes however they come."""
    shuffled = list(works)
    order.shuffle(shuffled)
    assert zone_level(shuffled, Levels()) == zone_level(works, Levels())


@given(weights)
def test_a_free_zone_has_no_causes_and_any_other_has_some(works: list[tuple[str, Severity, float]]) -> None:
    """Level and causes agree."""
    derived = zone_level(works, Levels())
    assert (derived == ZoneDerived()) == (derived.level is Level.FREE)
    assert bool(derived.causes) == (derived.level is not Level.FREE)


@given(weights, st.sampled_from(Severity), shares)
def test_another_works_never_frees_a_zone(
    works: list[tuple[str, Severity, float]], severity: Severity, share: float
) -> None:
    """A zone with one works more is as disturbed or more."""
    ranks = list(Level)
    more = zone_level([*works, ("more", severity, share)], Levels()).level
    assert ranks.index(more) >= ranks.index(zone_level(works, Levels()).level)
