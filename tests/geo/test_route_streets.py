"""On the route means on it: shown on a real street network."""

from __future__ import annotations

from geoworks.geo.route import RouteLine
from tests.geo.street_cases import Case, cases


def _judge(found: list[Case]) -> tuple[float, float, list[str]]:
    """Return recall, precision, and what was judged wrongly."""
    said = [bool(RouteLine(case.route, corridor_m=50).stretches(case.works)) for case in found]
    right = sum(case.is_on and told for case, told in zip(found, said, strict=True))
    wrong = [case.name for case, told in zip(found, said, strict=True) if case.is_on != told]
    return right / sum(case.is_on for case in found), right / max(sum(said), 1), wrong


def test_fifty_labelled_cases() -> None:
    """Of works on real streets all on the route are found, and hardly one beside it."""
    recall, precision, wrong = _judge(cases(60, seed=1))
    assert (recall, precision >= 0.95) == (1.0, True), wrong


def test_hundreds_of_cases() -> None:
    """The same holds for many more."""
    recall, precision, wrong = _judge(cases(600, seed=2))
    assert (recall, precision >= 0.95) == (1.0, True), (recall, precision, wrong)
