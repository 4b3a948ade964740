"""A crowd of ready sockets is seen to a few at a time, each in its turn."""

from __future__ import annotations

import asyncio
import selectors
import socket
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import pairwise

import pytest

from geoworks.web.turns import FewAtOnce, new_event_loop

_CROWD = 40


@pytest.fixture
def pairs() -> Iterator[list[tuple[socket.socket, socket.socket]]]:
    """Return pairs of connected sockets."""
    with ExitStack() as stack:
        made = [socket.socketpair() for _ in range(_CROWD)]
        for pair in made:
            for end in pair:
                stack.callback(end.close)
                end.setblocking(False)
        yield made


@pytest.fixture
def few(pairs: list[tuple[socket.socket, socket.socket]]) -> Iterator[FewAtOnce]:
    """Return what tells of seven at a time, asked about the near ends, at all of which something has come."""
    with FewAtOnce(7) as few:
        for near, far in pairs:
            few.register(near, selectors.EVENT_READ)
            far.send(b"here")
        yield few


def told(few: FewAtOnce) -> list[int]:
    """Return the descriptors that are told to be ready."""
    return [key.fd for key, _ in few.select(0)]


def test_each_in_its_turn(few: FewAtOnce) -> None:
    """Who is ready all the time is told again only after all the others."""
    seen: list[int] = []
    while len(seen) < _CROWD:
        now = told(few)
        assert 0 < len(now) <= 7
        seen += now
    assert len(set(seen)) == _CROWD
    assert len(told(few)) == 7


def test_who_has_left_meanwhile_is_not_told(few: FewAtOnce, pairs: list[tuple[socket.socket, socket.socket]]) -> None:
    """A socket that is closed while it waits is not told, nor another that got its number."""
    first = set(told(few))
    left = [near for near, _ in pairs if near.fileno() not in first]
    for near in left:
        few.unregister(near)
    others = {few.register(near, selectors.EVENT_READ, "another").fd for near in left}
    for _ in range(_CROWD // 7):
        for key, _ in few.select(0):
            assert key.data == "another" or key.fd in first
    assert others


def test_nothing_ready(few: FewAtOnce, pairs: list[tuple[socket.socket, socket.socket]]) -> None:
    """When all has been read nothing is told, whatever was waiting to be told."""
    for _ in range(_CROWD):
        for key, _ in few.select(0):
            for near, _ in pairs:
                if near.fileno() == key.fd:
                    near.recv(100)
    assert few.select(0) == []


def test_others_have_their_turn() -> None:
    """While a crowd is seen to, whatever else the loop has to do is done in between."""
    turns: list[int] = []

    async def crowd() -> None:
        loop = asyncio.get_running_loop()
        met = 0
        done = asyncio.Event()

        def meet(near: socket.socket) -> None:
            nonlocal met
            near.recv(100)
            loop.remove_reader(near)
            met += 1
            if met == len(made):
                done.set()

        def note() -> None:
            turns.append(met)
            if not done.is_set():
                loop.call_soon(note)

        with ExitStack() as stack:
            made = [socket.socketpair() for _ in range(200)]
            for near, far in made:
                stack.callback(near.close)
                stack.callback(far.close)
                near.setblocking(False)
                far.send(b"here")
                loop.add_reader(near, meet, near)
            loop.call_soon(note)
            await done.wait()

    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(crowd())
    assert max(later - sooner for sooner, later in pairwise(turns)) <= 32
