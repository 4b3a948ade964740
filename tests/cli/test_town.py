"""Commands that act on a town: the same beside a running service, through its socket, and without one."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from geoworks.store.lock import DirectoryLock
from tests.cli.terminal import GEOWORKS, SOURCE, WAIT_S, Terminal, quartiers, serving, travaux

TEN = {str(number): f"Rue {number}" for number in range(10)}


@pytest.fixture(params=["alone", "beside"])
def town(request: pytest.FixtureRequest, terminal: Terminal) -> Iterator[Terminal]:
    """Give a town without a service, then one whose service runs."""
    terminal.configure(*SOURCE)
    terminal.write("travaux.geojson", travaux(TEN))
    with ExitStack() as stack:
        if request.param == "beside":
            stack.enter_context(serving(terminal.folder))
        yield terminal


def test_sync(town: Terminal) -> None:
    """A dry run tells and writes nothing; a run writes; the same again writes nothing."""
    assert town.run("sync", "voirie", "--dry-run").out == "dry run, nothing was written: 10 read, 10 added\n"
    assert town.run("sync", "voirie").out == "done: 10 read, 10 added\n"
    assert town.run("sync", "voirie").out == "done: 10 read, 10 unchanged\n"


def test_sync_partly(town: Terminal) -> None:
    """Records that cannot be taken end in code 3, each told with its place and mend; the others are taken."""
    town.write("travaux.geojson", travaux(TEN | {"bad": ""}))
    said = town.run("sync", "voirie", code=3).out
    assert said.startswith("done: 11 read, 10 added, 1 rejected\n  rejected record 11 (bad) title (column objet): ")
    assert town.run("sync", "voirie", code=3).out.startswith("done: 11 read, 10 unchanged, 1 rejected\n")


def test_sync_tells_a_few(town: Terminal) -> None:
    """Of very many rejected records the first are told, and where the rest can be read."""
    town.write("travaux.geojson", travaux(dict.fromkeys(map(str, range(50)), "")))
    said = town.run("sync", "voirie", code=3).out.splitlines()
    assert said[0] == "done: 50 read, 50 rejected"
    assert said[-1] == "  ... and 30 more; GET /v1/sync/voirie tells them all"
    assert len(said) == 22


def test_sync_held(town: Terminal) -> None:
    """Removals beyond the guard wait, in code 3, until a person releases them."""
    town.run("sync", "voirie")
    town.write("travaux.geojson", travaux({"0": "Rue 0"}))
    said = town.run("sync", "voirie", code=3).out
    assert "9 held" in said
    assert said.endswith("9 removals wait for a person; when they are right: --release\n")
    assert town.run("sync", "voirie", "--release").out == "9 removed\n"
    assert town.run("sync", "voirie", "--release").out == "no removal waited\n"
    assert town.run("sync", "voirie").out == "done: 1 read, 1 unchanged\n"


def test_sync_upload(town: Terminal) -> None:
    """A file is read in the place of the source's."""
    town.write("export-du-jour.geojson", travaux(TEN | {"10": "Rue 10"}))
    said = town.run("sync", "voirie", "--file", "export-du-jour.geojson", "--dry-run").out
    assert said == "dry run, nothing was written: 11 read, 11 added\n"
    assert town.run("sync", "voirie", "--file", "export-du-jour.geojson").out == "done: 11 read, 11 added\n"


def test_zones_import(town: Terminal) -> None:
    """Zones are replaced whole; a polygon that is none is told, and the zones stay as they were."""
    good = town.write("quartiers.geojson", quartiers(["Gare", "Centre"]))
    first = town.run("zones", "import", str(good)).out
    assert first == "zones: 2 added\n"
    town.write("bad.geojson", quartiers(["Gare", "", "Centre"]))
    told = town.fail("zones", "import", "bad.geojson")
    assert "error " in told
    assert "LineString" in told or "polygon" in told.lower()
    town.run("map", "build", "--out", "maps")
    assert len(list((town.folder / "maps").glob("zone-*.html"))) == 2


def test_map_build(town: Terminal) -> None:
    """The maps are a folder that opens without a server; drafts and hidden texts are not in it."""
    town.run("sync", "voirie")
    said = town.run("map", "build", "--out", "maps").out
    assert said.endswith("open maps/overview.html\n")
    assert "Rue 7" in (town.folder / "maps" / "overview.html").read_text()
    town.write("file", "")
    assert "cannot be written" in town.fail("map", "build", "--out", "file/maps")
    assert "is a file" in town.fail("map", "build", "--out", "file", code=2)


def test_keys(town: Terminal) -> None:
    """A key is printed alone on standard output; what to do with it goes beside."""
    said = town.run("key", "create", "Service voirie", "--role", "moderator")
    assert re.fullmatch(r"gw_[\w-]{40,}\n", said.out)
    assert said.err == "key of Service voirie, role moderator; keep it now, it is not shown again\n"
    assert "'king' is not one of" in town.fail("key", "create", "x", "--role", "king", code=2)
    assert town.fail("key", "create", "").startswith("error ")


def test_report_release(town: Terminal) -> None:
    """A report that is none is told."""
    assert town.fail("report", "release", "7f3k2m9x01ab").startswith("error ")
    assert town.fail("report", "release", "../works/a").startswith("error ")


def test_backup(town: Terminal) -> None:
    """A copy is made and checked, and no file that is there is lost by it."""
    town.run("sync", "voirie")
    assert re.fullmatch(r"wrote copy.db \([\d,]+ bytes\), checked\n", town.run("backup", "copy.db").out)
    precious = town.write("precious.txt", "precious")
    assert "is there already" in town.fail("backup", "precious.txt")
    assert precious.read_text() == "precious"
    town.run("backup", "copy.db", "--force")
    assert "is the database itself" in town.fail("backup", "data/geoworks.db", "--force")


def test_long_data_directory(terminal: Terminal) -> None:
    """A data directory whose path is longer than the system takes for a socket works like any other."""
    long = "/".join(["a-folder-with-a-long-name"] * 8)
    terminal.configure(data_dir=long)
    assert len(str(terminal.folder / long)) > 200
    terminal.run("key", "create", "alone")
    with serving(terminal.folder):
        assert "the service runs" in terminal.run("check").out
        terminal.run("key", "create", "beside")


def test_report_is_released(terminal: Terminal) -> None:
    """The text of a report is public from its release to its hiding, beside the service that took the report."""
    terminal.configure()
    body = {"geometry": {"type": "Point", "coordinates": [2.3, 48.63]}, "text": "Un trou"}
    with serving(terminal.folder) as address:
        id_ = ask(f"{address}/v1/reports", body)["id"]
        assert not ask(f"{address}/v1/reports/{id_}")["properties"].get("text")
        assert terminal.run("report", "release", id_).out == f"{id_} is released\n"
        assert ask(f"{address}/v1/reports/{id_}")["properties"]["text"] == "Un trou"
        assert terminal.run("report", "release", id_, "--hide").out == f"{id_} is hidden\n"
        assert not ask(f"{address}/v1/reports/{id_}")["properties"].get("text")


def ask(address: str, body: object = None) -> Any:  # noqa: ANN401 - whatever JSON was answered
    """Get an address, or post to it, and return what is answered."""
    data = None if body is None else json.dumps(body).encode()
    request = Request(address, data, {"Content-Type": "application/json"})  # noqa: S310 - our own address
    with urlopen(request, timeout=WAIT_S) as answer:  # noqa: S310 - the same
        return json.loads(answer.read())


def test_restore(terminal: Terminal) -> None:
    """A backup is put back while nothing runs: what was there is kept aside, and clients begin a new epoch."""
    terminal.configure(*SOURCE)
    terminal.write("travaux.geojson", travaux({"0": "Rue 0"}))
    terminal.run("sync", "voirie")
    terminal.run("backup", "copy.db")
    terminal.write("travaux.geojson", travaux(TEN))
    terminal.run("sync", "voirie")
    with serving(terminal.folder):
        told = terminal.fail("restore", "copy.db")
        assert re.fullmatch(r"error process \d+ holds .*: stop it.*\n", told)
    said = terminal.run("restore", "copy.db").out.splitlines()
    assert said[0] == "restored copy.db into data"
    aside = Path(said[1].removeprefix("what was there is in "))
    assert aside.is_file()
    assert terminal.run("sync", "voirie", "--dry-run").out.endswith("10 read, 9 added, 1 unchanged\n")
    terminal.run("restore", str(aside))
    assert terminal.run("sync", "voirie", "--dry-run").out.endswith("10 read, 10 unchanged\n")


@pytest.mark.parametrize("content", ["", "no database", "SQLite format 3\0"])
def test_restore_of_a_wrong_file(terminal: Terminal, content: str) -> None:
    """A file that is no copy is told, and what is there stays."""
    terminal.configure()
    terminal.run("key", "create", "x")
    before = (terminal.folder / "data" / "geoworks.db").read_bytes()
    terminal.write("wrong.db", content)
    assert terminal.fail("restore", "wrong.db").startswith("error wrong.db ")
    assert "is no file" in terminal.fail("restore", "absent.db")
    assert (terminal.folder / "data" / "geoworks.db").read_bytes() == before


def test_backup_of_nothing(terminal: Terminal) -> None:
    """Where nothing was ever written there is nothing to copy, and no folder is made."""
    terminal.configure()
    assert "error data/geoworks.db: does not exist" in terminal.fail("backup", "copy.db")
    assert not (terminal.folder / "data").exists()


def test_commands_at_once(terminal: Terminal) -> None:
    """Commands that run at the same time without a service wait for one another, and all of them do their work."""
    terminal.configure()
    command, pipe = [GEOWORKS, "key", "create"], subprocess.PIPE
    running = [
        subprocess.Popen([*command, str(number)], cwd=terminal.folder, stdout=pipe, stderr=pipe) for number in range(3)
    ]
    for process in running:
        out, err = process.communicate(timeout=WAIT_S)
        assert (process.returncode, out[:3]) == (0, b"gw_"), err


def test_data_directory_that_somebody_holds(terminal: Terminal) -> None:
    """A process that holds the data directory and does not answer is named after a while, with a way out."""
    terminal.configure()
    lock = DirectoryLock.take(terminal.folder / "data")
    try:
        told = terminal.fail("key", "create", "x")
    finally:
        lock.release()
    assert told == f"error process {os.getpid()} holds data/geoworks.lock: stop it, or send it the command instead\n"
