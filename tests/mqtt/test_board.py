"""What stands at the broker is what the town says, whatever happened."""

from __future__ import annotations

import json
from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from geoworks.model.change import Change, Key, Kind, Op, Reason, Record
from geoworks.model.report import ReportStatus
from geoworks.model.works import Status, Works
from geoworks.mqtt.board import LARGEST_BODY_BYTES, Board, Message, mark_of
from geoworks.mqtt.topics import topics_of
from geoworks.state import Published, State, make_entry
from tests.hub.town import EPOCH, GARE, NOON, Look, report_record, works_record, zone_record

ROOT = "geoworks"
IDS = st.sampled_from(["1", "voirie:2026.4", "é/+#", "-"])
ZONES = st.lists(st.sampled_from(["gare", "-", "a.b", "50%"]), max_size=3).map(tuple)
# It grows when it is written, so that a failure can be read.
HUGE = "huge"
WORKS = st.builds(
    lambda id_, zones, title, status, draft: works_record(
        id_, Look(zones=zones, title=title, status=status, draft=draft)
    ),
    IDS,
    ZONES,
    st.sampled_from(["one", "two", HUGE]),
    st.sampled_from(Status),
    st.booleans(),
)


def _grown(record: Record) -> Record:
    given = record.given
    if not isinstance(given, Works) or given.title != HUGE:
        return record
    return structs.replace(record, given=structs.replace(given, title="x" * (LARGEST_BODY_BYTES + 1)))


def _report(id_: str, status: ReportStatus, zones: tuple[str, ...]) -> Record:
    record = report_record(id_, status=status)
    return structs.replace(record, derived=structs.replace(record.derived, zones=zones))


RECORDS = st.one_of(
    WORKS,
    st.builds(_report, IDS, st.sampled_from(ReportStatus), ZONES),
    st.builds(zone_record, IDS, st.just(GARE.buffer(0.01))),
)
REMOVALS = st.builds(Key, st.sampled_from(Kind), IDS)
# A change is told at once, or while the broker is away, when the publisher does not follow.
STEPS = st.lists(st.one_of(RECORDS, REMOVALS, st.sampled_from(["lost", "back", "forgot"])), max_size=30)


class World:
    """A town, a board, and a broker that is a dict; `dirty` is what changed and is not told yet."""

    def __init__(self) -> None:
        """Begin connected."""
        self.state = State(EPOCH, 0)
        self.board = Board(self.state, ROOT)
        self.broker: dict[str, bytes] = {"geoworks/old/works/1": b"{}", "geoworks/old/note/1": b"{}"}
        self.connected = False
        self.dirty: dict[Key, None] = {}
        self.offset = 0

    def write(self, key: Key, record: Record | None) -> None:
        """Make a change; note it when connected."""
        self.offset += 1
        op = Op.PUT if record else Op.REMOVE
        change = Change(self.offset, NOON, key, op, Reason.UPDATED, 1)
        self.state.apply(Published(change, make_entry(_grown(record)) if record else None))
        if self.connected and self.board.concerns(key):
            self.dirty[key] = None

    def reconcile(self, meanwhile: Iterable[Record | Key] = ()) -> None:
        """Connect; changes may come in the midst of it."""
        self.connected = True
        cursor = self.state.cursor
        retained = {topic: mark_of(payload) for topic, payload in self.broker.items()}
        keys = self.board.begin()
        half = len(keys) // 2
        wrong = self.board.compare(keys[:half], retained)
        for step in meanwhile:
            happen(self, step)
        wrong += self.board.compare(keys[half:], retained)
        self.take(self.board.leftovers(retained))
        for key in wrong:
            self.take(self.board.tell(key, cursor))
        self.tell()

    def lose(self) -> None:
        """Lose the connection."""
        self.connected = False
        self.dirty.clear()

    def tell(self) -> None:
        """Tell what changed."""
        for key in self.dirty:
            self.take(self.board.tell(key, self.state.cursor))
        self.dirty.clear()

    def take(self, messages: Iterable[Message]) -> None:
        """Do as a broker does."""
        for topic, payload in messages:
            if payload:
                self.broker[topic] = payload
            else:
                self.broker.pop(topic, None)

    def expected(self) -> dict[str, bytes]:
        """Return the feature that should stand under each topic."""
        entries = [entry for kind in Kind for entry in self.state.of_kind(kind)]
        return {
            topic: entry.body
            for entry in entries
            if entry.keys.visible and entry.body and len(entry.body) <= LARGEST_BODY_BYTES
            for topic in topics_of(ROOT, entry.record.key, entry.keys)
        }


def happen(world: World, step: Record | Key | str) -> None:
    """Let one thing happen."""
    if isinstance(step, Record):
        world.write(step.key, step)
    elif isinstance(step, Key):
        world.write(step, None)
    elif step == "lost":
        world.lose()
    elif step == "forgot":
        world.broker.clear()
        world.lose()
    else:
        world.reconcile()


@settings(max_examples=300)
@given(STEPS, st.lists(st.one_of(RECORDS, REMOVALS), max_size=5), STEPS)
def test_the_broker_holds_what_the_town_says(
    before: list[Record | Key | str], meanwhile: list[Record | Key], after: list[Record | Key | str]
) -> None:
    """After any changes and losses, also in the midst of a reconciliation, the retained messages are the state."""
    world = World()
    for step in before:
        happen(world, step)
    world.lose()
    world.reconcile(meanwhile)
    check(world)
    for step in after:
        happen(world, step)
        world.tell()
    if not world.connected:
        world.reconcile()
    check(world)


def check(world: World) -> None:
    """Compare the broker with the state."""
    told = {topic: payload for topic, payload in world.broker.items() if topic != "geoworks/old/note/1"}
    expected = world.expected()
    assert set(told) == set(expected)
    for topic, payload in told.items():
        message = json.loads(payload)
        assert message["cursor"].startswith(f"{EPOCH}.")
        assert payload.endswith(b',"feature":' + expected[topic] + b"}")
    assert world.board.left_out == sum(
        entry.keys.visible and len(entry.body) > LARGEST_BODY_BYTES
        for kind in Kind
        for entry in world.state.of_kind(kind)
    )


def test_what_stands_as_it_should_is_not_put_again() -> None:
    """A later cursor alone is no reason to send a feature again; another log is."""
    world = World()
    world.write(Key(Kind.WORKS, "1"), works_record("1", Look(zones=("gare", "-"))))
    world.reconcile()
    retained = {topic: mark_of(payload.replace(b".1", b".7", 1)) for topic, payload in world.broker.items()}
    assert world.board.compare(world.board.begin(), retained) == []
    other = {topic: mark_of(payload.replace(EPOCH.encode(), b"other")) for topic, payload in world.broker.items()}
    assert world.board.compare(world.board.begin(), other) == [Key(Kind.WORKS, "1")]


def test_topics_of_different_features_are_different() -> None:
    """A zone called as the place of those without one does not share their topics."""
    keys = make_entry(works_record("1", Look(zones=("-", "-", "a/b")))).keys
    assert topics_of("t", Key(Kind.WORKS, "1"), keys) == ("t/%2D/works/1", "t/a%2Fb/works/1")
    assert topics_of("t", Key(Kind.WORKS, "1"), structs.replace(keys, zones=())) == ("t/-/works/1",)
