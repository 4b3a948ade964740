"""What a synchronisation says of itself."""

from __future__ import annotations

from geoworks.pipeline.sync_report import Counts


def test_counts_are_told_in_words() -> None:
    """Only what there was is told; nothing at all is told too."""
    assert str(Counts(read=22, added=20, rejected=2)) == "22 read, 20 added, 2 rejected"
    assert str(Counts()) == "nothing read"
