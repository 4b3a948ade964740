"""Writing to many sockets: straight to those that take everything, never out of order to the others."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geoworks.hub.audience import Audience

_HIGH_WATER = 20_000
_BUFFER = 4_608


class Line:
    """A real socket with small buffers, and what is kept for it, as a transport does."""

    def __init__(self, *, straight: bool) -> None:
        """Connect; bytes go straight to the socket, or by way of what is kept."""
        self.near, self.far = socket.socketpair()
        self.near.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
        for end in (self.near, self.far):
            end.setblocking(False)
        self.kept = bytearray()
        self.heard = bytearray()
        self.writes = 0
        self.descriptor: int | None = self.near.fileno() if straight else None

    def write(self, data: bytes) -> None:
        """Keep bytes and hand over what the socket takes."""
        self.writes += 1
        self.kept += data
        self.push()

    def push(self) -> None:
        """Hand over what the socket takes of what is kept."""
        try:
            while self.kept:
                del self.kept[: self.near.send(self.kept)]
        except BlockingIOError:
            pass
        except OSError:
            # As a transport does: what cannot be sent any more is dropped.
            self.kept.clear()

    def unsent(self) -> int:
        """Return how much is kept."""
        return len(self.kept)

    def read(self, most: int) -> int:
        """Read at the far end; return how much came."""
        try:
            got = self.far.recv(most)
        except BlockingIOError:
            return 0
        self.heard += got
        return len(got)

    def read_all(self) -> None:
        """Read until nothing comes and nothing is kept."""
        while self.read(1 << 16) or self.kept:
            self.push()

    def close(self) -> None:
        """Close both ends."""
        self.near.close()
        self.far.close()


@contextmanager
def _lines(*straight: bool) -> Iterator[tuple[Audience[Line], list[Line]]]:
    lines = [Line(straight=one) for one in straight]
    audience: Audience[Line] = Audience(frozenset())
    for line in lines:
        audience.add(line)
    try:
        yield audience, lines
    finally:
        for line in lines:
            line.close()


_STEPS = st.lists(
    st.tuples(st.sampled_from(["tell", "read", "push", "aside"]), st.integers(0, 2), st.integers(1, 9_000)),
    max_size=40,
)


@settings(deadline=None)
@given(_STEPS)
def test_every_socket_hears_everything_in_order(steps: list[tuple[str, int, int]]) -> None:
    """Whatever the sockets take and when, each hears all bytes once and in order, those written aside included."""
    with _lines(True, True, False) as (audience, lines):
        expected = [bytearray() for _ in lines]
        for number, (step, which, size) in enumerate(steps):
            line, data = lines[which], f"{number % 10}".encode() * size
            if step == "tell":
                audience.due = [data[: size // 2], data[size // 2 :]]
                audience.flush(_HIGH_WATER)
                expected = [heard + data for heard in expected]
            elif step == "read":
                line.read(size)
            elif step == "push":
                line.push()
            else:
                line.write(data)
                expected[which] += data
                if line.unsent():
                    audience.hold(line)
        for line, heard in zip(lines, expected, strict=True):
            line.read_all()
            assert line.heard == heard


@pytest.mark.parametrize("straight", [True, False])
def test_who_does_not_read_is_found(straight: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """A listener with more unsent bytes than allowed is told, one that reads is not."""
    with _lines(straight, straight) as (audience, (reading, stuck)):
        behind: list[Line] = []
        while not behind:
            audience.due = [b"x" * 3000]
            _, behind = audience.flush(_HIGH_WATER)
            reading.read_all()
        assert behind == [stuck]
        assert stuck.unsent() > _HIGH_WATER


def test_broken_socket_hurts_nobody() -> None:
    """A socket that is closed takes nothing; the others are told all the same, and it can be dropped."""
    with _lines(True, True) as (audience, (broken, sound)):
        broken.near.close()
        audience.due = [b"news"]
        assert audience.flush(_HIGH_WATER) == (2, [])
        audience.discard(broken)
        sound.read_all()
        assert sound.heard == b"news"
        assert len(audience) == 1


def test_socket_that_was_full_is_written_straight_again() -> None:
    """Once a listener has nothing unsent, what is due goes straight to its socket."""
    with _lines(True) as (audience, (line,)):
        while not line.unsent():
            audience.due = [b"x" * 3000]
            audience.flush(_HIGH_WATER)
        line.read_all()
        audience.due = [b"y"]
        audience.flush(_HIGH_WATER)
        writes = line.writes
        audience.due = [b"z"]
        audience.flush(_HIGH_WATER)
        assert line.writes == writes
        line.read_all()
        assert line.heard.endswith(b"yz")
