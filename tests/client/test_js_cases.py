"""The cases every client of the stream passes (tests/protocol), played by node against the JavaScript client."""

from __future__ import annotations

import json
import subprocess

import pytest

from tests.left_out import needed_program
from tests.shared import ROOT

_CASES = ROOT / "tests" / "protocol"
NAMES = [case["name"] for case in json.loads((_CASES / "cases.json").read_text())["cases"]]


@pytest.fixture(scope="module")
def faults() -> dict[str, str]:
    """What went wrong with each case; nothing is the empty text."""
    node = needed_program("node", package="nodejs")
    command = [node, str(_CASES / "run_cases.mjs")]
    run = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stderr
    told: dict[str, str] = json.loads(run.stdout)
    return told


@pytest.mark.parametrize("name", NAMES)
def test_case(name: str, faults: dict[str, str]) -> None:
    """What the case is about."""
    assert faults[name] == ""
