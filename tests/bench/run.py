"""Run the benchmarks: `python -m tests.bench.run [NAME ...]`.

A benchmark is a module `tests/bench/bench_*.py` with a function `rows()` that yields `Row` and `Growth`.
Each runs in a process of its own, so that none inherits another's memory, caches or threads.
"""

from __future__ import annotations

import argparse
import importlib
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Column, Table

from tests.bench.row import Growth, Row

BENCH = Path(__file__).parent
ROOT = BENCH.parents[1]
REPORT = ROOT / "build" / "bench.json"
TIMEOUT_S = 1800
_WIDTH = 130
_PUBLISHED = ("name", "ours", "peer", "ratio", "target")


class Results(msgspec.Struct):
    """What one benchmark, or all of them, gave."""

    rows: list[Row] = msgspec.field(default_factory=list)
    growth: list[Growth] = msgspec.field(default_factory=list)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks chosen, print them, write the report; 1 when one of them could not run."""
    parser = argparse.ArgumentParser(description="Measure geoworks against its peers.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="part of a benchmark's name (default: all)")
    parser.add_argument("--into", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.into:
        (name,) = options.names
        options.into.write_bytes(msgspec.json.encode(run_here(name)))
        return 0
    return run_all(chosen(options.names, found(BENCH)))


def found(folder: Path) -> list[str]:
    """Return the names of the benchmarks in a folder: `join` for `bench_join.py`."""
    return sorted(path.stem.removeprefix("bench_") for path in folder.glob("bench_*.py"))


def chosen(parts: Sequence[str], names: Sequence[str]) -> list[str]:
    """Return the names that hold one of the parts; all of them when no part is given.

    Raises:
        SystemExit: a part is in no name.

    """
    if strangers := [part for part in parts if not any(part in name for name in names)]:
        sys.exit(f"No benchmark is called {', '.join(strangers)}. There are: {', '.join(names)}.")
    return [name for name in names if not parts or any(part in name for part in parts)]


def run_all(names: Sequence[str]) -> int:
    """Run each benchmark apart, show and write what came; 1 when one of them failed."""
    # Not the 80 columns of what is no terminal.
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    everything, failed = Results(), []
    for name in names:
        console.print(f"[bold]{name}[/bold] ...")
        results = run_apart(name)
        if results is None:
            failed.append(name)
            continue
        everything.rows += results.rows
        everything.growth += results.growth
    show(everything, console)
    write(everything.rows, REPORT)
    if failed:
        console.print(f"[bold red]Could not run: {', '.join(failed)}[/bold red]")
    return 1 if failed else 0


def run_here(name: str) -> Results:
    """Run one benchmark in this process."""
    module = importlib.import_module(f"tests.bench.bench_{name}")
    results = Results()
    for row in module.rows():
        (results.growth if isinstance(row, Growth) else results.rows).append(row)
    return results


def run_apart(name: str) -> Results | None:
    """Run one benchmark in a process of its own; None when it failed (its own words are on the terminal)."""
    with tempfile.TemporaryDirectory() as folder:
        into = Path(folder) / "rows.json"
        command = [sys.executable, "-m", "tests.bench.run", name, "--into", str(into)]
        try:
            subprocess.run(command, cwd=ROOT, check=True, timeout=TIMEOUT_S)
        except (subprocess.CalledProcessError, subprocess.TimeoutExpired) as error:
            print(error, file=sys.stderr)
            return None
        return msgspec.json.decode(into.read_bytes(), type=Results)


def write(rows: Iterable[Row], report: Path) -> None:
    """Write the rows beside their peers as a list of objects."""
    published = [{field: getattr(row, field) for field in _PUBLISHED} for row in rows]
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_bytes(msgspec.json.format(msgspec.json.encode(published), indent=2) + b"\n")


def show(results: Results, console: Console) -> None:
    """Print both tables."""
    if results.rows:
        console.print(_peers(results.rows))
    if results.growth:
        console.print(_growth(results.growth))


def _peers(rows: Iterable[Row]) -> Table:
    """Lay out ours beside the peer."""
    table = Table("what", "ours", "peer", "ratio", "target", "met", title="Beside the peer (ratio: bigger is better)")
    for row in rows:
        measured = (_figure(row.ours, row.unit), _figure(row.peer, row.unit), f"{row.ratio:.2f}", f"{row.target:.3g}")
        table.add_row(row.name, *measured, "[green]yes[/green]" if row.met else "[bold red]NO[/bold red]")
    return table


def _growth(rows: Iterable[Growth]) -> Table:
    """Lay out ours by size: a benchmark's sizes one below the other, for no two measure the same."""
    by_name: dict[str, list[Growth]] = {}
    for row in rows:
        by_name.setdefault(row.name, []).append(row)
    table = Table("what", Column("size", justify="right"), Column("ours", justify="right"), title="Growth")
    for name, measured in by_name.items():
        sizes = (f"{row.size:_}".replace("_", " ") for row in measured)
        table.add_row(name, "\n".join(sizes), "\n".join(_figure(row.ours, row.unit) for row in measured))
    return table


def _figure(value: float, unit: str) -> str:
    """Write a measure with three figures that count; seconds below one as milli- or microseconds."""
    if unit == "s":
        for factor, small in ((1, "s"), (1e3, "ms"), (1e6, "µs")):
            if value * factor >= 1:
                return f"{value * factor:.3g} {small}"
    return f"{value:.4g} {unit}"


if __name__ == "__main__":
    sys.exit(main())
