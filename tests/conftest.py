"""What every test shares: Hypothesis settings, and a loud word at the end about what was left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import settings

from tests.postgres import Databases, running

# A shared machine stalls now and then; pytest-timeout is the bound on a test.
settings.register_profile("geoworks", deadline=None)
settings.load_profile("geoworks")


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    """Run PostgreSQL with PostGIS and make databases on it; left out where it is not installed."""
    with running() as server:
        yield Databases(server)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List every test left out with its reason: a green run that skipped half of itself must not look whole."""
    skipped = terminalreporter.stats.get("skipped", [])
    if not skipped:
        return
    terminalreporter.section("LEFT OUT: these tests did not run here", sep="!", red=True, bold=True)
    for reason, count in Counter(map(_reason, skipped)).most_common():
        terminalreporter.line(f"{count:5} x {reason}")
    terminalreporter.line(f"{len(skipped):5} in all", red=True, bold=True)


def _reason(report: pytest.TestReport | pytest.CollectReport) -> str:
    """Return why a skipped test, or a skipped module, did not run."""
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2]).removeprefix("Skipped: ")
    return f"no reason told by {report.nodeid}"
