"""What a client asks, and how far the server has answered that."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeAlias

import msgspec

from geoworks.client import heard
from geoworks.client.asking import Subscription

Message: TypeAlias = dict[str, Any]


class Asked:
    """The questions a program wants answered, those on their way, and those the server has.

    One question of an id is on its way at a time, so that it is plain what an answer answers.
    """

    def __init__(self, wanted: Iterable[Subscription]) -> None:
        """Want answers to these."""
        self._wanted = {one.id: one for one in wanted}
        self._known: dict[str, Subscription] = {}
        self._pending: dict[str, Subscription | None] = {}
        self._filters: str | None = None

    @property
    def filters(self) -> str | None:
        """Return the hash of what is wanted, when the server has told it."""
        return self._filters if self.is_answered and self._known == self._wanted else None

    @property
    def is_answered(self) -> bool:
        """Tell whether no question is on its way."""
        return not self._pending

    @property
    def subscriptions(self) -> Sequence[Subscription]:
        """Return what is wanted."""
        return tuple(self._wanted.values())

    def want(self, subscription: Subscription) -> None:
        """Want an answer to a question, in the place of the one with its id."""
        self._wanted[subscription.id] = subscription

    def want_no_more(self, id_: str) -> None:
        """Want no answer to a question any more."""
        self._wanted.pop(id_, None)

    def forget(self) -> None:
        """Take note that the server has none of the questions."""
        self._known, self._pending, self._filters = {}, {}, None

    def forget_others(self, id_: str) -> None:
        """Take note that all questions but one have to be asked again."""
        self._known = {known: one for known, one in self._known.items() if known == id_}

    def resume(self, since: str) -> Message:
        """Return the message that resumes from a place in the log."""
        asked = [msgspec.to_builtins(one) for one in self._wanted.values()]
        return {"type": "resume", "since": since, "filters": self._filters, "subscriptions": asked}

    def reconcile(self) -> Iterator[Message]:
        """Yield what has to be sent so that the server has the questions that are wanted."""
        for id_ in [known for known in self._known if known not in self._wanted and known not in self._pending]:
            self._pending[id_] = None
            yield {"type": "unsubscribe", "id": id_}
        for id_, one in self._wanted.items():
            if id_ not in self._pending and self._known.get(id_) != one:
                self._pending[id_] = one
                yield {"type": "subscribe", **msgspec.to_builtins(one)}

    def has(self, id_: str) -> bool:
        """Tell whether the server has been asked the question with an id."""
        if id_ not in self._wanted:
            return False
        return self._pending[id_] is not None if id_ in self._pending else id_ in self._known

    def take_answer(self, message: heard.CaughtUp) -> None:
        """Take note of an answer."""
        if message.id in self._pending:
            self._learn(message.id, self._pending.pop(message.id))
        self._filters = message.filters

    def take_absence(self, id_: str) -> None:
        """Take note that the server has no question with an id, if it was to have none."""
        if id_ in self._pending and self._pending[id_] is None:
            self._learn(id_, self._pending.pop(id_))

    def drop(self, id_: str | None) -> None:
        """Take note that what was on its way was not taken and is to be sent again; None: nobody knows what."""
        if id_ is None:
            self._pending.clear()
        else:
            self._pending.pop(id_, None)

    def refuse(self, id_: str) -> bool:
        """Take note that what was on its way is refused for good; tell whether anything was."""
        if id_ not in self._pending:
            return False
        refused = self._pending.pop(id_)
        if refused is not None and self._wanted.get(id_) == refused:
            self._give_up(id_)
        return True

    def _learn(self, id_: str, asked: Subscription | None) -> None:
        if asked is None:
            self._known.pop(id_, None)
        else:
            self._known[id_] = asked

    def _give_up(self, id_: str) -> None:
        """Want what the server has under an id, which is nothing or the question before."""
        known = self._known.get(id_)
        if known is None:
            self._wanted.pop(id_, None)
        else:
            self._wanted[id_] = known
