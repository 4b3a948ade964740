"""The scripts' logic, run by node: dates in words, the stream's resume, the list's order, announcements."""

from __future__ import annotations

import subprocess

import pytest

from tests.left_out import needed_program
from tests.shared import ROOT

SCRIPTS = sorted((ROOT / "tests" / "pages" / "scripts").glob("*.test.js"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.stem)
def test_scripts_keep_their_promises(script: object) -> None:
    """Every test of a script passes under node."""
    node = needed_program("node", package="nodejs")
    run = subprocess.run([node, "--test", str(script)], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stdout


def test_there_are_scripts_to_test() -> None:
    """A moved folder does not pass for a green run."""
    assert len(SCRIPTS) >= 3
