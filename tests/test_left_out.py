"""What a run says about the tests it left out."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.left_out import left_out, needed_program
from tests.shared import ROOT, shared_data

_SOME_LEFT_OUT = """
from tests.left_out import left_out, needed_program

def test_first():
    left_out("no sea here")

def test_second():
    left_out("no sea here")

def test_third():
    needed_program("no-such-boat", package="boats")

def test_here():
    pass
"""
_MODULE_LEFT_OUT = """
from tests.left_out import left_out

left_out("no wind here")
"""


@pytest.mark.parametrize("workers", ["0", "2"])
def test_loud(tmp_path: Path, workers: str) -> None:
    """A run with tests left out ends with each reason, how many tests it kept from running, and the sum."""
    shutil.copy(ROOT / "tests" / "conftest.py", tmp_path)
    (tmp_path / "test_some.py").write_text(_SOME_LEFT_OUT)
    (tmp_path / "test_module.py").write_text(_MODULE_LEFT_OUT)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "--rootdir",
        str(tmp_path),
        "-c",
        "/dev/null",
        "-n",
        workers,
        str(tmp_path),
    ]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    section = run.stdout.partition("LEFT OUT")[2]
    for line in (
        "    2 x no sea here",
        "    1 x no wind here",
        "    1 x no-such-boat is not installed (on Debian: apt-get install boats)",
        "    4 in all",
    ):
        assert line in section.splitlines()


def test_silent() -> None:
    """A program that is there is given by its path, the first name that is found."""
    assert Path(needed_program("no-such-boat", "sh", package="dash")).name == "sh"


def test_left_out() -> None:
    """Leaving out skips the test with the reason as given."""
    with pytest.raises(pytest.skip.Exception, match=r"^no sea here$"):
        left_out("no sea here")


def test_misspelt_name() -> None:
    """A file of the shared data that is not there is an error when the folder is, so a misspelt name cannot hide."""
    districts = shared_data("paris_quartiers.geojson")
    assert districts.is_file()
    with pytest.raises(FileNotFoundError, match=r"has no paris_quartier\.geojson"):
        shared_data("paris_quartier.geojson")


def test_absent_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without the folder beside the project, the test is left out with what it lacks."""
    monkeypatch.setattr("tests.shared.SHARED", tmp_path / "shared")
    with pytest.raises(pytest.skip.Exception, match=r"\.\./shared/data is not beside the project"):
        shared_data("paris_quartiers.geojson")
