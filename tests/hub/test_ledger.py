"""Rows that are taken and given back."""

from __future__ import annotations

from geoworks.hub.ledger import Ledger


def test_rows_are_used_again_and_hold_nothing_old() -> None:
    """What was given back is taken first, without what it held; what is kept stays when the columns grow."""
    ledger = Ledger(name=(object, ()), place=(float, (2,)))
    (first,) = ledger.take(1)
    second, third = ledger.take(2)
    ledger["name"][[first, second, third]] = ["a", "b", "c"]
    ledger["place"][second] = (2.0, 48.0)
    ledger.give_back([second])
    again, *more = ledger.take(20_000)
    assert again == second
    assert ledger["name"][again] is None
    assert [ledger["name"][first], ledger["name"][third]] == ["a", "c"]
    assert len({first, third, again, *more}) == 20_002
    assert len(ledger["name"]) == len(ledger["place"]) >= 20_002
