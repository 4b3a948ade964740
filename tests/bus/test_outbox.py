"""What waits to be sent stays within bounds."""

from __future__ import annotations

from geoworks.bus.message import Message
from geoworks.bus.outbox import Outbox


def _message(offset: int, size: int = 1) -> Message:
    return Message("e1", offset, b"x" * size)


def test_messages_leave_in_the_order_in_which_they_came() -> None:
    """What was put first is taken first, and no more than was asked for."""
    outbox = Outbox(most=10, most_bytes=1000)
    for offset in range(1, 6):
        outbox.put(_message(offset))
    assert [message.offset for message in outbox.take(most=3, most_bytes=1000)] == [1, 2, 3]
    assert [message.offset for message in outbox.take(most=3, most_bytes=1000)] == [4, 5]
    assert outbox.take(most=3, most_bytes=1000) == []


def test_no_more_bytes_are_taken_than_fit_but_always_one_message() -> None:
    """A message larger than the bound is taken alone."""
    outbox = Outbox(most=10, most_bytes=1000)
    for offset, size in ((1, 40), (2, 40), (3, 300), (4, 1)):
        outbox.put(_message(offset, size))
    taken = [[message.offset for message in outbox.take(most=10, most_bytes=100)] for _ in range(3)]
    assert taken == [[1, 2], [3], [4]]


def test_too_many_messages_become_one_hint() -> None:
    """With one message too many, all go, one hint is left, and it stands for what comes until it is taken."""
    outbox = Outbox(most=3, most_bytes=1000)
    for offset in range(1, 10):
        outbox.put(_message(offset))
    assert outbox.overflown
    assert outbox.take(most=10, most_bytes=1000) == [Message("e1", 0)]
    outbox.put(_message(10))
    assert [message.offset for message in outbox.take(most=10, most_bytes=1000)] == [10]


def test_too_many_bytes_become_one_hint() -> None:
    """Few large messages are too much too; what was taken no longer counts."""
    outbox = Outbox(most=100, most_bytes=100)
    for offset in range(1, 5):
        outbox.put(_message(offset, 60))
        assert [message.offset for message in outbox.take(most=1, most_bytes=100)] == [offset]
    outbox.put(_message(5, 60))
    outbox.put(_message(6, 60))
    assert outbox.take(most=10, most_bytes=1000) == [Message("e1", 0)]


def test_what_was_lost_on_the_way_becomes_a_hint() -> None:
    """A hint stands for messages that were taken and not sent, and for those behind them."""
    outbox = Outbox(most=100, most_bytes=100)
    outbox.put(_message(1))
    outbox.put(_message(2))
    outbox.take(most=1, most_bytes=100)
    outbox.lose("e1")
    assert outbox.take(most=10, most_bytes=1000) == [Message("e1", 0)]
