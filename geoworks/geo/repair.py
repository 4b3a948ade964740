"""Mend the broken geometries of imports, each within a time limit, in a worker process that is killed when late.

Mending some hundred crossing lines can take seconds and all memory, and nothing stops GEOS from within.
"""

from __future__ import annotations

import contextlib
import resource
import signal
import subprocess
import sys
from multiprocessing.connection import Connection, Pipe
from threading import Lock
from typing import Self

import shapely
from shapely.errors import ShapelyError
from shapely.geometry.base import BaseGeometry

# Six decimals of a degree, about 0.1 m.
GRID_DEG = 1e-6

# A worker that was late or died costs the limit and a new start; after so many only what has half as many vertices as
# the smallest that failed is tried, so that those to come are few.
_FAILURES_MOST = 10
_START_S = 60.0
_GRACE_S = 2.0
_MEMORY_BYTES = 2 << 30
_NOTHING = b""


class Repairer:
    """A worker process, started on demand and started anew when it was late; a context manager.

    Any thread may ask, one after the other. When it is closed nothing is repaired any more.
    """

    def __init__(self, limit_s: float) -> None:
        """Give each geometry so many seconds."""
        self._limit_s = limit_s
        self._failures = 0
        self._smallest_failed = 0
        self._turn = Lock()
        self._closed = False
        self._worker: _Worker | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """End the worker, when it has done what it does."""
        self._closed = True
        with self._turn:
            self._stop()

    def repair(self, geometry: BaseGeometry) -> BaseGeometry | None:
        """Return the parts of the geometry's own dimension that can be kept, valid and with 6 decimals.

        None when it takes longer than the limit, nothing can be kept, or it is given up.
        """
        with self._turn:
            vertices = int(shapely.get_num_coordinates(geometry))
            if self._closed or (self._failures >= _FAILURES_MOST and vertices > self._smallest_failed // 2):
                return None
            self._worker = self._worker or _Worker(self._limit_s)
            answer = self._worker.ask(shapely.to_wkb(geometry), timeout_s=self._limit_s)
            if answer is None:
                self._smallest_failed = min(self._smallest_failed, vertices) if self._failures else vertices
                self._failures += 1
                self._stop()
            return shapely.from_wkb(answer) if answer else None

    def _stop(self) -> None:
        if self._worker is not None:
            self._worker.kill()
            self._worker = None


class _Worker:
    """This module run as a program, with a pipe to it."""

    def __init__(self, limit_s: float) -> None:
        self._pipe, theirs = Pipe()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own module, nothing from outside in its arguments
                [sys.executable, "-m", __name__, str(theirs.fileno()), str(limit_s)],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
            )
        # Its first word is that it runs: starting is not part of anyone's time.
        self._hear(_START_S)

    def ask(self, wkb: bytes, *, timeout_s: float) -> bytes | None:
        """Return the mended geometry, `_NOTHING` when nothing is left, None when the worker was late or died."""
        try:
            self._pipe.send_bytes(wkb)
        except OSError:
            return None
        return self._hear(timeout_s)

    def kill(self) -> None:
        """End it at once, whatever it does."""
        self._process.kill()
        self._process.wait()
        self._pipe.close()

    def _hear(self, timeout_s: float) -> bytes | None:
        try:
            return self._pipe.recv_bytes() if self._pipe.poll(timeout_s) else None
        except (EOFError, OSError):
            return None


def mend(geometry: BaseGeometry) -> BaseGeometry | None:
    """Return the parts of the geometry's own dimension, valid and with 6 decimals; None when nothing is left."""
    try:
        valid = shapely.make_valid(geometry, method="structure", keep_collapsed=False)
        # Rounding can cross lines anew, snapping to the grid does not.
        snapped = shapely.set_precision(valid, GRID_DEG)
    except (ShapelyError, MemoryError):
        return None
    same = shapely.get_dimensions(snapped) == shapely.get_dimensions(geometry)
    return snapped if same and not snapped.is_empty and snapped.geom_type != "GeometryCollection" else None


def _serve(pipe: Connection, limit_s: float) -> None:
    """Mend what comes until nobody asks any more."""
    pipe.send_bytes(_NOTHING)
    with contextlib.suppress(EOFError, OSError):
        while True:
            geometry = shapely.from_wkb(pipe.recv_bytes())
            # Should whoever asks be gone, nobody kills this process; the alarm does, even within GEOS.
            signal.setitimer(signal.ITIMER_REAL, limit_s + _GRACE_S)
            mended = mend(geometry)
            signal.setitimer(signal.ITIMER_REAL, 0)
            pipe.send_bytes(_NOTHING if mended is None else shapely.to_wkb(mended))


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_BYTES, _MEMORY_BYTES))
    _serve(Connection(int(sys.argv[1])), float(sys.argv[2]))
