"""Processes that stand still: their connections stay open, and nothing is answered."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def halted(pid: int) -> Iterator[None]:
    """Let a process stand still, and then all that it began, while the block lasts."""
    os.kill(pid, signal.SIGSTOP)
    children = _children(pid)
    _send(children, signal.SIGSTOP)
    try:
        yield
    finally:
        _send([*children, pid], signal.SIGCONT)


def _children(pid: int) -> list[int]:
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            # The name in brackets may hold anything; the parent is the second word after it.
            parent = int(status.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if parent == pid:
            found.append(int(status.parent.name))
    return found


def _send(pids: Sequence[int], what: signal.Signals) -> None:
    for pid in pids:
        try:
            os.kill(pid, what)
        except ProcessLookupError:
            continue
