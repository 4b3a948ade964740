"""The repairer: its time limit, its worker's death, what it gives up."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from multiprocessing.connection import Pipe

import numpy as np
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry.base import BaseGeometry

from geoworks.errors import Problem
from geoworks.geo.repair import Repairer, mend
from geoworks.geo.validate import normalize_many
from tests.children import children
from tests.shared import ROOT

BOW_TIE = shapely.Polygon([(2.0, 48.0), (2.1, 48.1), (2.1, 48.0), (2.0, 48.1)])


def tangle(vertices: int) -> BaseGeometry:
    """Return a ring that crosses itself about as often as it can: some thousand vertices take minutes to mend."""
    return shapely.Polygon(np.random.default_rng(7).uniform((2, 48), (3, 49), (vertices, 2)).round(6))


def test_mending_gives_valid_geometry_with_6_decimals() -> None:
    """Crossings get vertices, rounded to the grid without crossing anew."""
    mended = mend(tangle(60))
    assert mended is not None
    assert mended.is_valid
    assert np.array_equal(shapely.get_coordinates(mended), shapely.get_coordinates(mended).round(6))


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20)), min_size=3, max_size=12))
def test_any_ring_is_mended_or_has_nothing_in_it(corners: list[tuple[int, int]]) -> None:
    """Whatever ring a source gives, it becomes valid polygons with 6 decimals, or there was no area in it."""
    ring = shapely.Polygon([(round(2 + x * 3e-6, 6), round(48 + y * 3e-6, 6)) for x, y in corners])
    mended = mend(ring)
    if mended is None:
        assert shapely.make_valid(ring, method="structure", keep_collapsed=False).area < 1e-10
    else:
        assert mended.is_valid
        assert mended.geom_type in {"Polygon", "MultiPolygon"}
        assert np.array_equal(shapely.get_coordinates(mended), shapely.get_coordinates(mended).round(6))


def test_one_worker_mends_many_and_leaves_no_process() -> None:
    """All geometries go to one worker, which is gone afterwards."""
    before = children()
    with Repairer(10.0) as repairer:
        mended = [repairer.repair(BOW_TIE) for _ in range(50)]
        assert len(children() - before) == 1
    assert all(found is not None and found.is_valid for found in mended)
    assert children() == before


def test_nothing_broken_starts_no_worker() -> None:
    """A clean import pays for no process."""
    before = children()
    with Repairer(10.0):
        assert children() == before


def test_what_takes_too_long_is_a_problem_and_the_rest_goes_on() -> None:
    """The worker is killed when late, and another mends what is left."""
    before = children()
    broken = np.array([tangle(4_000), BOW_TIE, tangle(5_000), BOW_TIE], dtype=np.object_)
    begin = time.monotonic()
    with Repairer(0.3) as repairer:
        late, tie, late_too, tie_too = normalize_many(broken, repairer, max_vertices=50_000)
    assert isinstance(late, Problem)
    assert isinstance(late_too, Problem)
    assert isinstance(tie, shapely.MultiPolygon)
    assert tie == tie_too
    # Far below what mending them takes; both limits and two starts are in it.
    assert time.monotonic() - begin < 60
    assert children() == before


def test_a_worker_that_dies_is_replaced() -> None:
    """When the worker is killed from outside, the geometry is given up and the next one is mended."""
    before = children()
    with Repairer(10.0) as repairer:
        assert repairer.repair(BOW_TIE) is not None
        (worker,) = children() - before
        os.kill(worker, signal.SIGKILL)
        assert repairer.repair(BOW_TIE) is None
        assert repairer.repair(BOW_TIE) is not None


def test_a_worker_left_alone_ends_by_itself() -> None:
    """When whoever asked is gone and cannot kill it, the worker does not go on for hours."""
    ours, theirs = Pipe()
    command = [sys.executable, "-m", "geoworks.geo.repair", str(theirs.fileno()), "0.1"]
    with ours, theirs, subprocess.Popen(command, cwd=ROOT, pass_fds=[theirs.fileno()]) as worker:
        ours.recv_bytes()
        ours.send_bytes(shapely.to_wkb(tangle(5_000)))
        assert worker.wait(60) == -signal.SIGALRM


def test_after_many_failures_only_what_is_small_is_tried() -> None:
    """A source full of tangles cannot keep an import busy for hours: after ten, no worker starts for more of them."""
    before = children()
    with Repairer(0.3) as repairer:
        assert [repairer.repair(tangle(4_000)) for _ in range(10)] == [None] * 10
        assert repairer.repair(tangle(4_000)) is None
        assert repairer.repair(tangle(2_001)) is None
        assert children() == before
        assert repairer.repair(BOW_TIE) is not None


def test_a_closed_repairer_starts_no_worker() -> None:
    """A thread that still maps when the reading is over leaves no process behind."""
    before = children()
    repairer = Repairer(10.0)
    assert repairer.repair(BOW_TIE) is not None
    repairer.close()
    assert repairer.repair(BOW_TIE) is None
    assert children() == before
