"""A processor core for the server under test, another for everything that drives it."""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager

_CORES = sorted(os.sched_getaffinity(0))
SERVER_CORE = _CORES[0]
CLIENT_CORE = _CORES[-1]
_CPUCLOCK_SCHED = 2


@contextmanager
def on_core(core: int) -> Iterator[None]:
    """Have every process and thread that is started in the block run on one core, and this thread as well."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def cpu_s(pid: int) -> float:
    """Return the CPU seconds of another process, all its threads, user and system, to the nanosecond."""
    # What clock_getcpuclockid(3) makes of a process; Python offers the function for threads only.
    return time.clock_gettime((~pid << 3) | _CPUCLOCK_SCHED)


def allow_files(needed: int) -> None:
    """Let this process, and those it starts, open so many files, or as many as it may."""
    soft, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(needed, most)), most))
