"""What is found in the end, by kind of cut, as a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from statistics import median
from typing import Generic, Protocol, TypeVar

from msgspec import Struct

from tests.soak.archive import Archive
from tests.soak.chronicle import Chronicle, Claim
from tests.soak.cut import NO_CUT, PROCESS, Cut, Kind
from tests.soak.ledger import Ledger
from tests.soak.member import Member

_MOST_DETAILS = 20
_HEAD = ("cut", "how many", "clients hit", "lost", "doubled", "gaps", "resynced", "wrong clients", "s until current")


class Row(Struct, frozen=True):
    """One kind of cut: how many, whom they hit, and what was wrong after them.

    `lost` are accepted writes that are not there, `doubled` changes told twice or late, `gaps` claims to be current
    that the log does not bear out, `resynced` clients told to begin anew though nothing was lost, `wrong` clients
    that do not end with the town's state. `seconds` has for each cut how long until all that it hit were current.
    """

    kind: str
    cuts: int
    hit: int
    lost: int
    doubled: int
    gaps: int
    resynced: int
    wrong: int
    seconds: Sequence[float] = ()

    @property
    def faults(self) -> int:
        """Return how much is wrong."""
        return self.lost + self.doubled + self.gaps + self.resynced + self.wrong

    def cells(self) -> Sequence[str]:
        """Return what the table says."""
        figures = (self.cuts, self.hit, self.lost, self.doubled, self.gaps, self.resynced, self.wrong)
        took = f"{median(self.seconds):.1f} (at most {max(self.seconds):.1f})" if self.seconds else ""
        return (self.kind, *(f"{figure}" for figure in figures), took)


class Line(Protocol):
    """A line of the table of a verdict."""

    @property
    def faults(self) -> int:
        """Return how much is wrong."""
        ...

    def cells(self) -> Sequence[str]:
        """Return what the table says."""
        ...


L = TypeVar("L", bound=Line)


class Verdict(Struct, Generic[L], frozen=True):
    """What a run came to: a table under a head, and what else is known; `others` counts what is wrong besides."""

    head: Sequence[str]
    rows: Sequence[L]
    total: L
    facts: Mapping[str, int | float]
    others: Mapping[str, int]
    details: Sequence[str] = ()

    @property
    def faults(self) -> int:
        """Return how much is wrong."""
        return sum(row.faults for row in self.rows) + sum(self.others.values())

    def lines(self) -> Iterator[str]:
        """Yield a table for the terminal, which is Markdown too, and what else is known."""
        yield from table([self.head, *(row.cells() for row in (*self.rows, self.total))])
        yield ""
        for name, figure in (*self.facts.items(), *self.others.items()):
            yield f"- {name}: {figure}"
        yield from self.details


class Evidence(Struct, frozen=True):
    """What a run leaves to be judged."""

    cuts: Sequence[Cut]
    members: Sequence[Member]
    wrong: Sequence[Member]
    chronicle: Chronicle
    ledger: Ledger
    archive: Archive
    faults: int
    starts_s: Sequence[float]
    current_s: float


def table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield rows, the first of which is the head, as a table in Markdown."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for number, row in enumerate(rows):
        yield "| " + " | ".join(map(str.ljust, row, widths)) + " |"
        if not number:
            yield "|" + "|".join("-" * (width + 2) for width in widths) + "|"


def judge(found: Evidence) -> Verdict[Row]:
    """Compare what everybody says with what is on the disk."""
    lost = Counter(_culprit(found.cuts, one.at) for one in found.ledger.lost(found.archive))
    doubled = sum((member.doubled for member in found.members), Counter[str]())
    resynced = sum((member.resynced for member in found.members), Counter[str]())
    gaps = Counter[str]()
    wrong_claims = found.chronicle.gaps(found.archive)
    for claim, count in wrong_claims.items():
        gaps[claim.after] += count
    wrong = Counter(member.last_cut for member in found.wrong)
    rows = []
    for kind in (*Kind, NO_CUT):
        cuts = [cut for cut in found.cuts if cut.kind == kind]
        row = Row(
            kind,
            cuts=len(cuts),
            hit=sum(cut.hit for cut in cuts),
            lost=lost[kind],
            doubled=doubled[kind],
            gaps=gaps[kind],
            resynced=resynced[kind],
            wrong=wrong[kind],
            seconds=[cut.healed_at - cut.at for cut in cuts if cut.healed_at is not None],
        )
        if row.cuts or row.faults:
            rows.append(row)
    details = [explain(claim, found.archive) for claim in islice(wrong_claims, _MOST_DETAILS)]
    details += found.ledger.wrong[:_MOST_DETAILS]
    return Verdict(_HEAD, rows, _total(rows), _facts(found), _others(found), details)


def explain(claim: Claim, archive: Archive) -> str:
    """Return a wrong claim beside what the log has there."""
    begin, end = claim.quiet or (claim.offset - 1, claim.offset)
    entries = [f"{one.offset} {one.reason} {one.key.id}" for one in archive.log[max(0, begin - 1) : end + 1]]
    told = f"told nothing after {begin} up to {end}" if claim.quiet else "current after it had been away"
    return f"- a wrong claim at {claim.offset} of one who sees {claim.view.name}, {told}; the log: {', '.join(entries)}"


def _facts(found: Evidence) -> Mapping[str, int | float]:
    return {
        "clients": len(found.members),
        "of them live when a cut was made, in the middle": median(cut.live for cut in found.cuts),
        "seconds a process took to start, in the middle": round(median(found.starts_s), 1),
        "accepted writes": len(found.ledger.accepted),
        "writes whose answer did not come, sent again": found.ledger.unanswered,
        "numbered changes in the log": len(found.archive.log),
        "works in the archive": len(found.archive.histories),
        "times a client said to be current, each compared with the log": len(found.chronicle),
        "seconds from the last cut until all clients had exactly the server's state": round(found.current_s, 1),
    }


def _others(found: Evidence) -> Mapping[str, int]:
    return {
        "writes carried out twice": found.ledger.doubled(found.archive),
        "numbers missing in the log or given twice": found.archive.holes,
        "answers to the writers that fit nothing": len(found.ledger.wrong) + found.ledger.behind + found.ledger.later,
        "faults the processes told of": found.faults,
    }


def _culprit(cuts: Sequence[Cut], accepted_at: float) -> str:
    """Return what may have lost a write: the end of a process that came next."""
    return next((cut.kind for cut in cuts if cut.kind in PROCESS and cut.at >= accepted_at), NO_CUT)


def _total(rows: Sequence[Row]) -> Row:
    return Row(
        "all",
        cuts=sum(row.cuts for row in rows),
        hit=sum(row.hit for row in rows),
        lost=sum(row.lost for row in rows),
        doubled=sum(row.doubled for row in rows),
        gaps=sum(row.gaps for row in rows),
        resynced=sum(row.resynced for row in rows),
        wrong=sum(row.wrong for row in rows),
        seconds=[second for row in rows for second in row.seconds],
    )
