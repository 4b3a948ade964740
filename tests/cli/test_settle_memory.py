"""What the service spares Python's collector."""

from __future__ import annotations

import gc

from geoworks.cli.serve import settle_memory


def test_what_was_loaded_is_not_looked_through_again() -> None:
    """What is there when the service begins to serve is out of the collector's sight."""
    loaded = [{"number": number} for number in range(1000)]
    before = gc.get_freeze_count()
    settle_memory()
    try:
        assert gc.get_freeze_count() >= before + len(loaded)
        assert not {id(one) for one in loaded} & {id(one) for one in gc.get_objects()}
    finally:
        gc.unfreeze()
