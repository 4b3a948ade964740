"""What is found after each fault of a town of many nodes, as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice

from msgspec import Struct

from geoworks.client.changes import FeatureKey
from tests.soak.archive import Archive
from tests.soak.chronicle import Chronicle
from tests.soak.cut import NO_CUT
from tests.soak.fault import Fault
from tests.soak.ledger import Accepted, Ledger
from tests.soak.member import Member
from tests.soak.verdict import Verdict, explain

BOUND_S = 10.0
AT_END = "looked at once more at the end"
_MOST_DETAILS = 20
_HEAD = (
    "fault",
    "times",
    "accepted writes",
    "sent again",
    "lost",
    "doubled",
    "gaps",
    "missing offsets",
    "wrong clients",
    "told faults",
    "s to equal, at most",
)


class Found(Struct, frozen=True, kw_only=True):
    """What was found after one fault.

    `wrong` counts the clients and gateways that were not equal to the database in time, `equal_s` how long it took
    from when writing paused. `told` are tracebacks and ends of processes that should not be.
    """

    fault: str
    accepted: int
    again: int
    lost: Sequence[Accepted]
    missing: int
    wrong: int
    told: int
    equal_s: float


class Row(Struct, frozen=True):
    """All faults of one kind."""

    fault: str
    times: int
    accepted: int
    again: int
    lost: int
    doubled: int
    gaps: int
    missing: int
    wrong: int
    told: int
    equal_s: float

    @property
    def faults(self) -> int:
        """Return how much is wrong."""
        late = int(self.equal_s > BOUND_S)
        return self.lost + self.doubled + self.gaps + self.missing + self.wrong + self.told + late

    def cells(self) -> Sequence[str]:
        """Return what the table says."""
        *figures, equal_s = (getattr(self, name) for name in self.__struct_fields__)
        return (*map(str, figures), f"{equal_s:.1f}")


def conclude(
    found: Sequence[Found],
    members: Sequence[Member],
    *,
    chronicle: Chronicle,
    ledger: Ledger,
    archive: Archive,
    turns: int,
) -> Verdict[Row]:
    """Put together what was found after each fault and what the clients and the log say in the end."""
    doubled, resynced, gaps = dict[str, int](), 0, dict[str, int]()
    for member in members:
        resynced += member.resynced.total()
        for fault, count in member.doubled.items():
            doubled[fault] = doubled.get(fault, 0) + count
    wrong_claims = chronicle.gaps(archive)
    for claim, count in wrong_claims.items():
        gaps[claim.after] = gaps.get(claim.after, 0) + count
    known = {one.fault for one in found} | set(doubled) | set(gaps)
    kinds = [kind for kind in (NO_CUT, *Fault, AT_END) if kind in known]
    rows = [
        _row(kind, [one for one in found if one.fault == kind], doubled=doubled.get(kind, 0), gaps=gaps.get(kind, 0))
        for kind in kinds
    ]
    lost = [f"- lost after {one.fault}: {write}" for one in found for write in one.lost]
    details = [explain(claim, archive) for claim in islice(wrong_claims, _MOST_DETAILS)]
    facts = {
        "clients": len(members),
        "numbered changes in the log": len(archive.log),
        "works in the archive": len(archive.histories),
        "times the planning changed": turns,
        "writes without an answer, sent again": ledger.unanswered,
        "writes refused by an answer of 500 and more, sent again": ledger.refused,
        "writes accepted before there was a leader to number them": ledger.later,
        "writes sent again because a node did not know yet what another had answered": ledger.behind,
        "times a client said to be current, each compared with the log": len(chronicle),
    }
    others = {
        "writes carried out twice": ledger.doubled(archive),
        "clients told to begin anew": resynced,
        "answers to the writers that fit nothing": len(ledger.wrong),
    }
    return Verdict(
        _HEAD, rows, _total(rows), facts, others, [*lost[:_MOST_DETAILS], *details, *ledger.wrong[:_MOST_DETAILS]]
    )


def held_wrongly(member: Member, works: Mapping[str, object]) -> str:
    """Say how what a client holds differs from the town's works."""
    expected = member.view.expected(dict(works))
    held: Mapping[FeatureKey, object] = member.listener.features
    ids = [key[1] for key in {*expected, *held} if held.get(FeatureKey(*key)) != expected.get(key)]
    return f"sees {member.view.name}, live: {member.live}, at {member.reached}, wrong: {sorted(ids)[:5]}"


def _row(kind: str, found: Sequence[Found], *, doubled: int, gaps: int) -> Row:
    return Row(
        kind,
        0 if kind == AT_END else len(found),
        accepted=sum(one.accepted for one in found),
        again=sum(one.again for one in found),
        lost=sum(len(one.lost) for one in found),
        doubled=doubled,
        gaps=gaps,
        missing=sum(one.missing for one in found),
        wrong=sum(one.wrong for one in found),
        told=sum(one.told for one in found),
        equal_s=max((one.equal_s for one in found), default=0.0),
    )


def _total(rows: Sequence[Row]) -> Row:
    return Row(
        "all",
        times=sum(row.times for row in rows),
        accepted=sum(row.accepted for row in rows),
        again=sum(row.again for row in rows),
        lost=sum(row.lost for row in rows),
        doubled=sum(row.doubled for row in rows),
        gaps=sum(row.gaps for row in rows),
        missing=sum(row.missing for row in rows),
        wrong=sum(row.wrong for row in rows),
        told=sum(row.told for row in rows),
        equal_s=max(row.equal_s for row in rows),
    )
