"""What the writers were told was accepted, to be found again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

from geoworks.model.change import Reason, Version
from geoworks.model.works import Works
from tests.soak.archive import Archive


class Accepted(Struct, frozen=True):
    """An accepted write; the text is in the description of what was written, and in nothing else's."""

    id: str
    version: int
    text: str
    cancels: bool
    at: float


class Ledger:
    """All accepted writes, and what the writers were told else.

    `unanswered` and `refused` count what was sent again because no answer came, or one of 500 and more; `behind` what
    was sent again because a node did not know yet what another had answered, `later` what was accepted and not numbered
    yet. `wrong` has answers that fit nothing.
    """

    def __init__(self) -> None:
        """Begin empty."""
        self.accepted: list[Accepted] = []
        self.unanswered = self.refused = self.behind = self.later = 0
        self.wrong: list[str] = []

    def lost(self, archive: Archive) -> Sequence[Accepted]:
        """Return the accepted writes that an archive does not have as they were accepted."""
        return [one for one in self.accepted if not _is_there(one, archive.histories.get(one.id, ()))]

    def doubled(self, archive: Archive) -> int:
        """Return how many writes an archive has more than once."""
        texts = Counter(
            given.description
            for versions in archive.histories.values()
            for version in versions
            if version.reason is not Reason.CANCELLED and isinstance(given := version.given, Works)
        )
        return sum(count - 1 for count in texts.values())


def _is_there(one: Accepted, versions: Sequence[Version]) -> bool:
    if len(versions) < one.version:
        return False
    version = versions[one.version - 1]
    given = version.given
    is_cancelled = isinstance(given, Works) and given.cancelled_at is not None
    right = isinstance(given, Works) and given.description == one.text and is_cancelled == one.cancels
    return version.version == one.version and right
