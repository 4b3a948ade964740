"""The cases every client of the stream passes (tests/protocol), without a socket."""

from __future__ import annotations

import json
from collections import deque
from copy import copy
from typing import Any

import msgspec
import pytest

from geoworks.client.asking import Subscription
from geoworks.client.changes import Live, Notice, Put, Rejected, Remove, Resync, Snapshot, Told
from geoworks.client.conversation import Conversation
from tests.shared import ROOT

Case = dict[str, Any]
CASES: list[Case] = json.loads((ROOT / "tests" / "protocol" / "cases.json").read_text())["cases"]


class Player:
    """Plays a case against the client's state machine."""

    def __init__(self, case: Case) -> None:
        """Begin with the subscriptions of a case."""
        self.random = 0.0
        subscriptions = [msgspec.convert(one, Subscription) for one in case["subscriptions"]]
        self.conversation = Conversation(subscriptions, random=lambda: self.random)
        self.sent: deque[Any] = deque()
        self.told: list[list[str | None]] = []
        self.rejected: list[Rejected] = []
        self.wait_s: tuple[float, float | None] = (0.0, None)

    def play(self, step: Case) -> None:
        """Do one step."""
        ((name, given),) = step.items()
        getattr(self, f"_{name}")(given)

    def _open(self, messages: list[Any]) -> None:
        self.conversation.open()
        assert self._sending() == messages
        self.sent.clear()

    def _server(self, message: Any) -> None:  # noqa: ANN401 - any JSON
        for told in self.conversation.hear(json.dumps(message)):
            self._note(told)

    def _client(self, message: Any) -> None:  # noqa: ANN401 - any JSON
        assert self._sending()
        assert self.sent.popleft() == message

    def _quiet(self, _: bool) -> None:  # noqa: FBT001 - the case's word
        assert self._sending() == []

    def _do(self, what: Case) -> None:
        ((name, given),) = what.items()
        if name == "subscribe":
            given = msgspec.convert(given, Subscription)
        getattr(self.conversation, name)(given)

    def _cut(self, code: int) -> None:
        self.random = 0.0
        least = copy(self.conversation.patience).wait_s()
        self.random = 1.0
        self.wait_s = (least, self.conversation.cut(code))

    def _wait(self, bounds: list[float]) -> None:
        assert self.wait_s == tuple(bounds)

    def _ends(self, _: int) -> None:
        assert self.wait_s[1] is None

    def _holds(self, expected: dict[str, int]) -> None:
        held = self.conversation.held.features
        assert {f"{kind} {id_}": one["properties"]["version"] for (kind, id_), one in held.items()} == expected

    def _resumes(self, expected: Case | None) -> None:
        assert self.conversation.resumes == (expected and (expected["since"], expected["filters"]))

    def _told(self, expected: list[list[str | None]]) -> None:
        assert self.told == expected
        self.told.clear()

    def _refused(self, expected: Case) -> None:
        assert [(one.number, one.id) for one in self.rejected] == [(expected["code"], expected["id"])]
        self.rejected.clear()

    def _sending(self) -> list[Any]:
        self.sent += json.loads(msgspec.json.encode(self.conversation.take_due()))
        return list(self.sent)

    def _note(self, told: Told) -> None:
        match told:
            case Put() | Remove():
                self.told.append([str(told.__struct_config__.tag), " ".join(told.key)])
            case Snapshot(id=which) | Live(id=which) | Resync(id=which) | Notice(code=which):
                self.told.append([str(told.__struct_config__.tag), which])
            case Rejected():
                self.rejected.append(told)


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(case: Case) -> None:
    """What the case is about."""
    player = Player(case)
    for step in case["steps"]:
        player.play(step)
    assert player.rejected == []
