"""The page about scale: its tables are what the model prints, and the model says what it should of what is plain."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.bench.scale import SIZES, Bounds, Costs, Scenario, constants_markdown, main, measured, needs_markdown, reckon
from tests.shared import ROOT

_PAGE = (ROOT / "docs" / "scale.md").read_text(encoding="utf-8")


def test_constants() -> None:
    """The page's figures are those the model reckons with."""
    assert constants_markdown(Costs(), Bounds()) in _PAGE


@pytest.mark.parametrize(
    "asked",
    [{}, {"changes_per_s": 200, "share": 0.02, "positions_per_driver_s": 0.2, "writes_per_s": 200}],
    ids=["usual", "storm"],
)
def test_tables(asked: dict[str, float], capsys: pytest.CaptureFixture[str]) -> None:
    """The page's tables are what the command prints."""
    options = [f"--{name.replace('_', '-')}={value}" for name, value in asked.items()]
    assert main(["--documented", *options]) == 0
    table = needs_markdown([Scenario(drivers=drivers, **asked) for drivers in SIZES], Costs(), Bounds())
    assert table in capsys.readouterr().out
    assert table in _PAGE
    assert f"python -m tests.bench.scale --documented {' '.join(options)}".strip() in _PAGE


def test_measured(tmp_path: Path) -> None:
    """What a report of the benchmarks has takes the place of what is documented; the rest stays."""
    report = tmp_path / "bench.json"
    assert measured(report) == Costs()
    report.write_text(json.dumps([{"name": "outbox, fsync on: single writes", "ours": 4_000.0}]))
    assert measured(report) == Costs(writes_per_s=4_000)


def test_gateways() -> None:
    """Gateways are as many as connections or cores ask for, and with twice the deliveries the cores follow."""
    assert reckon(Scenario(drivers=40_001), Costs(), Bounds()).gateways == 3
    costs = Costs(deliveries_per_cpu_s=1_000, match_s=0, position_s=0)
    once, twice = (
        reckon(Scenario(drivers=10_000, share=share), costs, Bounds(heartbeat_s=1e9)) for share in (0.1, 0.2)
    )
    assert (once.gateways, twice.gateways) == (34, 67)
    assert twice.cores == pytest.approx(2 * once.cores)


def test_full() -> None:
    """What is filled too far is named, the fullest first."""
    assert reckon(Scenario(drivers=10_000, writes_per_s=3_000), Costs(), Bounds()).full == ["writes"]
    many = reckon(Scenario(drivers=10_000_000, writes_per_s=3_000), Costs(), Bounds())
    assert many.full == sorted(many.full, key=lambda name: many.loads[name], reverse=True)
    assert "writes" in many.full
    assert not reckon(Scenario(drivers=1_000), Costs(), Bounds()).full
