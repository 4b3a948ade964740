"""What all clients say they held, and where in the log; judged in the end by the log itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from msgspec import Struct

from tests.soak.archive import Archive, Trace
from tests.soak.view import View


class Claim(Struct, frozen=True):
    """A client was current at an offset and held what has a fingerprint.

    While it was live it was told nothing about the changes after the first offset of `quiet`, up to the second; None
    when it had been away. `after` names the kind of cut it had been hit by last.
    """

    view: View
    quiet: tuple[int, int] | None
    offset: int
    fingerprint: int
    after: str


class Chronicle:
    """All claims. Clients that tell the same share one, so it is as long as the log rather than the day."""

    def __init__(self) -> None:
        """Begin empty."""
        self._claims: Counter[Claim] = Counter()

    def __len__(self) -> int:
        """Return how many claims were made."""
        return self._claims.total()

    def note(self, claim: Claim) -> None:
        """Take in a claim."""
        self._claims[claim] += 1

    def gaps(self, archive: Archive) -> Mapping[Claim, int]:
        """Return the claims that are wrong, and how many clients made each.

        A claim is wrong when the log has another state at its offset, or a change in the quiet that concerned the
        client.
        """
        traces = {view: archive.trace(view) for view in View}
        return {claim: count for claim, count in self._claims.items() if not _is_right(claim, traces[claim.view])}


def _is_right(claim: Claim, trace: Trace) -> bool:
    if claim.quiet is not None and trace.told[claim.quiet[0]] != trace.told[claim.quiet[1]]:
        return False
    return trace.prints[claim.offset] == claim.fingerprint
