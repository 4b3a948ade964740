"""The town's colours stay readable whatever the town chose."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from maps.colours import contrast, dark_scheme, light_scheme, mix, readable

COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")
_AA = 4.5


@given(COLOURS, COLOURS)
def test_any_colour_becomes_readable(primary: str, accent: str) -> None:
    """Text in the town's colours, and text on them, passes WCAG AA in both schemes."""
    for scheme, ground in ((light_scheme(primary, accent), "#ffffff"), (dark_scheme(primary, accent), "#181d20")):
        assert contrast(scheme.accent, ground) >= _AA
        assert contrast(scheme.on_accent, scheme.accent) >= _AA
        assert contrast(scheme.on_primary, scheme.primary) >= _AA


@given(COLOURS)
def test_a_readable_colour_stays_as_it_is(colour: str) -> None:
    """Only what cannot be read is changed."""
    if contrast(colour, "#ffffff") >= 4.6:
        assert readable(colour, on="#ffffff") == colour


def test_contrast_is_that_of_the_guidelines() -> None:
    """Black on white is 21, a colour on itself 1, and #767676 just passes AA on white (WCAG's own example)."""
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#0b4f6c", "#0b4f6c") == pytest.approx(1)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


def test_mixing_goes_from_one_colour_to_the_other() -> None:
    """Half of each is between the two."""
    assert mix("#000000", "#ffffff", 0) == "#000000"
    assert mix("#000000", "#ff8040", 0.5) == "#804020"
