"""Cursors: what clients keep and send back."""

from __future__ import annotations

import string
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geoworks.errors import Invalid
from geoworks.model.change import Cursor

epochs = st.text(string.ascii_lowercase + string.digits, min_size=1, max_size=12)


@given(epochs, st.integers(0, 10**18 - 1))
def test_a_cursor_reads_what_it_wrote(epoch: str, offset: int) -> None:
    """Text and back is the same cursor."""
    assert Cursor.parse(str(Cursor(epoch, offset))) == Cursor(epoch, offset)


@given(st.text(max_size=30))
def test_any_text_is_a_cursor_or_refused(text: str) -> None:
    """No text raises anything but `Invalid`, and what is read writes the same number."""
    with suppress(Invalid):
        cursor = Cursor.parse(text)
        assert Cursor.parse(str(cursor)) == cursor


@pytest.mark.parametrize(
    "text", ["", ".", "e.", ".1", "e.-1", "e.+1", "e.1.2", "e.1e3", "e. 1", "é.1", "e.٣", "e.²", "e/1", "e." + "9" * 19]
)
def test_what_is_no_cursor_is_refused(text: str) -> None:
    """An epoch of letters and digits, a dot, at most 18 digits; nothing else."""
    with pytest.raises(Invalid):
        Cursor.parse(text)
