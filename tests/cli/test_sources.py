"""`geoworks inspect`, `sync` and `zones import`: what comes in, and everything that may be wrong with it."""

from __future__ import annotations

import os
import pty
import random
import subprocess
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pytest

from geoworks.config.loader import load_settings
from tests.cli.terminal import GEOWORKS, SOURCE, WAIT_S, Terminal, quartiers, travaux
from tests.left_out import needed_program
from tests.shared import shared_data

TEN = {str(number): f"Rue {number}" for number in range(10)}


def test_inspect_then_sync(terminal: Terminal) -> None:
    """What `inspect` prints on standard output goes into the configuration as it is, and the source works."""
    paris = shared_data("paris_chantiers_perturbants_2018.geojson")
    terminal.configure()
    said = terminal.run("inspect", str(paris), "--name", "paris")
    assert "568 records, EPSG:4326, 568 Polygon" in said.err
    assert "impact_circulation" in said.err
    assert "RESTREINTE | SENS_UNIQUE" in said.err
    assert tomllib.loads(said.out)["sources"]["paris"]["mapping"]["key"] == ["identifiant"]
    path = terminal.folder / "config.toml"
    path.write_text(path.read_text() + said.out)
    assert set(load_settings(path).sources) == {"paris"}
    assert "1 source," in terminal.run("check").out
    said = terminal.run("sync", "paris", "--dry-run", code=3)
    assert said.out.startswith("dry run, nothing was written: 568 read, ")
    assert " rejected record " in said.out


def test_inspect_keeps_the_lines_short(terminal: Terminal) -> None:
    """However long the samples are, a column takes one line of the table."""
    terminal.write("long.geojson", travaux({"1": "x" * 500, "2": "y" * 500}))
    said = terminal.run("inspect", "long.geojson").err
    assert len([line for line in said.splitlines() if "objet" in line or "xxx" in line]) == 1


def test_inspect_shows_text_as_text(terminal: Terminal) -> None:
    """Brackets and control characters of a file are shown, never obeyed."""
    terminal.write("marked.geojson", travaux({"1": "[red]no[/] [/link] \x1b[2J"}))
    said = terminal.run("inspect", "marked.geojson")
    assert "[red]no[/]" in said.err
    assert "\x1b" not in said.err


@pytest.fixture
def wrong_files(terminal: Terminal) -> Path:
    """Write every kind of wrong file."""
    folder = terminal.folder
    (folder / "page.html").write_text("<!doctype html><html><body>404</body></html>")
    (folder / "page.geojson").write_text("<!doctype html><html><body>404</body></html>")
    (folder / "binary").write_bytes(random.Random(1).randbytes(3000))
    (folder / "damaged.gpkg").write_bytes(b"SQLite format 3\0" + bytes(2000))
    (folder / "empty.geojson").write_text("")
    (folder / "truncated.geojson").write_text(travaux(TEN)[:400])
    (folder / "none.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    (folder / "half.zip").write_bytes(b"PK\x03\x04" + bytes(100))
    return folder


WRONG = ["page.html", "page.geojson", "binary", "damaged.gpkg", "empty.geojson", "truncated.geojson", "half.zip"]


@pytest.mark.usefixtures("wrong_files")
@pytest.mark.parametrize("name", WRONG)
def test_wrong_file(terminal: Terminal, name: str) -> None:
    """A web page, binary, empty, truncated or false file is told in words by every command that reads files."""
    terminal.configure(*SOURCE)
    assert terminal.fail("inspect", name).startswith("error ")
    for command in (("zones", "import", name), ("sync", "voirie", "--file", name)):
        told = terminal.fail(*command)
        assert told.startswith(f"error {name}: "), told


@pytest.mark.usefixtures("wrong_files")
def test_file_without_records(terminal: Terminal) -> None:
    """A file that holds nothing gives no zone and no fields, and is told, not taken for an order to empty the map."""
    terminal.configure(*SOURCE)
    terminal.fail("zones", "import", "none.geojson")
    terminal.run("inspect", "none.geojson")


@pytest.mark.parametrize("command", [("zones", "import"), ("sync", "voirie", "--file")])
def test_file_that_is_none(terminal: Terminal, command: tuple[str, ...]) -> None:
    """A file that is absent, or a folder, is a wrong use."""
    terminal.configure(*SOURCE)
    assert "does not exist" in terminal.fail(*command, "absent.gpkg", code=2)
    assert "is a directory" in terminal.fail(*command, str(terminal.folder), code=2)


def test_inspect_what_is_none(terminal: Terminal) -> None:
    """An absent file, a folder, a host that does not answer and a bad name are told with a way out."""
    assert "No such file" in terminal.fail("inspect", "absent.gpkg")
    assert terminal.fail("inspect", str(terminal.folder)).startswith("error ")
    assert terminal.fail("inspect", "http://127.0.0.1:9/travaux.geojson").startswith("error ")
    terminal.write("travaux.geojson", travaux(TEN))
    assert terminal.fail("inspect", "travaux.geojson", "--name", "a b").startswith("error ")
    assert terminal.fail("inspect", "travaux.geojson", "--layer", "absent").startswith("error ")


def test_file_with_a_name_that_is_no_text(terminal: Terminal) -> None:
    """A file whose name is not UTF-8 is read, or refused in words."""
    name = b"plan-\xe9t\xe9.geojson"
    (terminal.folder / os.fsdecode(name)).write_text(quartiers(["Gare"]))
    terminal.configure()
    taken = run_real(terminal.folder, "zones", "import", os.fsdecode(name))
    assert (taken.returncode, taken.stderr) == (0, "")
    looked = run_real(terminal.folder, "inspect", os.fsdecode(name))
    assert (looked.returncode, looked.stderr) == (1, "error its name or folder is no UTF-8 text; rename it\n")


def test_file_without_the_right_to_read(terminal: Terminal) -> None:
    """A file that this user may not read is told as such."""
    path = terminal.write("secret.geojson", travaux(TEN))
    path.chmod(0)
    setpriv = needed_program("setpriv", package="util-linux")
    # Root reads everything, unless it lays down that right.
    mortal = [setpriv, "--bounding-set", "-dac_override,-dac_read_search"] if not os.geteuid() else []
    for command in (("inspect", path.name), ("zones", "import", path.name), ("check", "--config", path.name)):
        done = run_real(terminal.folder, *command, under=mortal)
        assert done.returncode in {1, 2}, done
        assert "secret.geojson" in done.stderr
        assert "Traceback" not in done.stderr


def test_sync_unknown_source(terminal: Terminal) -> None:
    """A source that is none is told with those there are."""
    terminal.configure(*SOURCE)
    terminal.write("travaux.geojson", travaux(TEN))
    assert terminal.fail("sync", "voiries") == "error no source is called 'voiries'; config.toml names voirie\n"
    assert terminal.fail("sync", "../zones").startswith("error no source is called '../zones'")


def test_sync_source_that_fails(terminal: Terminal) -> None:
    """A source whose file is gone is told, and what was there stays."""
    terminal.configure(*SOURCE)
    terminal.write("travaux.geojson", travaux(TEN)).rename(terminal.folder / "elsewhere.geojson")
    told = terminal.fail("sync", "voirie")
    assert told.startswith("error source voirie: ")


def test_sync_wrong_use(terminal: Terminal) -> None:
    """Release stands alone."""
    terminal.configure(*SOURCE)
    assert "stands alone" in terminal.fail("sync", "voirie", "--release", "--dry-run", code=2)


def test_progress_only_for_people(terminal: Terminal) -> None:
    """A terminal is shown what is going on; a log file is not."""
    terminal.configure(*SOURCE)
    terminal.write("travaux.geojson", travaux(TEN))
    main_end, other_end = pty.openpty()
    environment = {**os.environ, "TERM": "xterm"}
    with subprocess.Popen(
        [GEOWORKS, "sync", "voirie", "--dry-run"], cwd=terminal.folder, stderr=other_end, env=environment
    ) as shown:
        os.close(other_end)
        assert "synchronising voirie" in _read(main_end)
        assert shown.wait(WAIT_S) == 0
    assert terminal.run("sync", "voirie", "--dry-run").err == ""


def run_real(folder: Path, *arguments: str, under: Sequence[str] = ()) -> subprocess.CompletedProcess[str]:
    """Run the real program in a folder."""
    command = [*under, GEOWORKS, *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=WAIT_S, check=False)


def _read(handle: int) -> str:
    """Return all that is written to a terminal until it is closed."""
    parts: list[bytes] = []
    with open(handle, "rb", buffering=0) as file:
        while True:
            try:
                parts.append(file.read(4096) or b"")
            except OSError:  # the system's way to say that nobody writes any more
                return b"".join(parts).decode()
