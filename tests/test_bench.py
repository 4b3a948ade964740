"""The runner of the benchmarks: what it finds, chooses, times and writes."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from tests.bench.contender import Fanout, Run
from tests.bench.fanout_servers import broadcast, ours
from tests.bench.row import Growth, Row, compare, timed_row
from tests.bench.run import Results, chosen, found, run_apart, show, write

ROW = Row("batch join", ours=0.5, peer=2.0, ratio=4.0, target=4.0)


def test_found(tmp_path: Path) -> None:
    """Every file bench_*.py is a benchmark, and nothing else is."""
    for name in ("bench_join.py", "bench_fan_out.py", "row.py"):
        (tmp_path / name).touch()
    assert found(tmp_path) == ["fan_out", "join"]


def test_chosen() -> None:
    """A part of a name chooses, no part chooses all, and a part of none is an error that lists the names."""
    assert chosen([], ["fan_out", "join"]) == ["fan_out", "join"]
    assert chosen(["jo"], ["fan_out", "join"]) == ["join"]
    with pytest.raises(SystemExit, match=r"called zones\. There are: fan_out, join"):
        chosen(["zones"], ["fan_out", "join"])


def test_compare() -> None:
    """Both are called as often, in turn, and the medians are of the clock given."""
    ticks, order = iter([0, 5, 5, 6, 6, 8, 8, 12, 12, 15, 15, 24]), []
    times = compare(lambda: order.append("ours"), lambda: order.append("peer"), rounds=3, clock=lambda: next(ticks))
    assert order == ["ours", "peer", "peer", "ours", "ours", "peer"]
    assert times == (4, 2)


def test_timed_row() -> None:
    """Half the time of the peer is the ratio 2, which meets the target 2 and misses 3."""
    row = timed_row("join", (1.0, 2.0), target=2)
    assert (row.ratio, row.met) == (2, True)
    assert not timed_row("join", (1.0, 2.0), target=3).met


def test_report(tmp_path: Path) -> None:
    """The report is a list of objects with exactly the five published fields."""
    write([ROW], tmp_path / "build" / "bench.json")
    published = json.loads((tmp_path / "build" / "bench.json").read_bytes())
    assert published == [{"name": "batch join", "ours": 0.5, "peer": 2.0, "ratio": 4.0, "target": 4.0}]


def test_tables() -> None:
    """The tables say what was measured, whether the target is met, and how it grows."""
    screen = io.StringIO()
    missed = ROW._replace(name="memory", ratio=0.5, unit="MB")
    growth = [Growth("join", size, size * 2e-6) for size in (1_000, 100_000)]
    show(Results(rows=[ROW, missed], growth=growth), Console(width=120, file=screen))
    lines = [line.split() for line in screen.getvalue().splitlines()]
    assert ["│", "batch", "join", "│", "500", "ms", "│", "2", "s", "│", "4.00", "│", "4", "│", "yes", "│"] in lines
    assert any({"memory", "MB", "NO"} <= set(line) for line in lines)
    assert ["│", "join", "│", "1", "000", "│", "2", "ms", "│"] in lines
    assert ["│", "│", "100", "000", "│", "200", "ms", "│"] in lines


def test_failure() -> None:
    """A benchmark that cannot run is told apart from one that gave nothing."""
    assert run_apart("that_does_not_exist") is None


def test_the_python_servers_of_the_fan_out() -> None:
    """Both serve, and their clients get all that is sent."""
    for server in (ours, broadcast):
        with server() as contender, Fanout(contender, 2) as fanout:
            assert fanout.deliveries_per_s(Run(changes=4, together=2, pause_s=0.01)) > 0
