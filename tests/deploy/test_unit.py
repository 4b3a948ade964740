"""The systemd units, of a town in one file and of a node: sound to systemd, closed, and fitting what is needed."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from geoworks.config.loader import load_settings
from geoworks.config.nodes import NodeRole
from geoworks.config.settings import Server, Stream
from tests.deploy.unit import read_unit
from tests.left_out import needed_program
from tests.shared import ROOT

_ALONE, _NODE = (ROOT / "deploy" / name for name in ("geoworks.service", "geoworks@.service"))
_PROGRAM = "/opt/geoworks/bin/geoworks"
# What requests in the middle are given after the drain, and what starting to stop may take.
_AFTER_DRAIN_S = 5 + 10
_FILES_PER_CONNECTION, _OTHER_FILES = 2, 256
_each = pytest.mark.parametrize("path", [_ALONE, _NODE], ids=lambda path: path.name)


@_each
def test_sound(tmp_path: Path, path: Path) -> None:
    """Systemd knows every setting and finds nothing wrong, once the program is where the unit says."""
    analyze = needed_program("systemd-analyze", package="systemd")
    unit = tmp_path / path.name
    unit.write_text(path.read_text().replace(_PROGRAM, str(Path(sys.executable).with_name("geoworks"))))
    verified = subprocess.run([analyze, "verify", str(unit)], capture_output=True, text=True, check=False, timeout=60)
    assert (verified.returncode, verified.stderr) == (0, "")
    unit.write_text(unit.read_text().replace("ProtectSystem", "ProtectSytem"))
    verified = subprocess.run([analyze, "verify", str(unit)], capture_output=True, text=True, check=False, timeout=60)
    assert "ProtectSytem" in verified.stderr


@_each
def test_closed(path: Path) -> None:
    """By the measure of systemd the service is exposed to less than 2 of 10."""
    analyze = needed_program("systemd-analyze", package="systemd")
    command = [analyze, "security", "--offline=true", "--no-pager", "--threshold=20", str(path)]
    judged = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert judged.returncode == 0, judged.stdout


@pytest.mark.parametrize(
    ("path", "directory", "written"),
    [(_ALONE, "/var/lib/geoworks", "geoworks"), (_NODE, "/var/lib/geoworks/%i", "geoworks geoworks/%i geoworks/maps")],
)
def test_runs_as_itself_and_writes_in_one_place(path: Path, directory: str, written: str) -> None:
    """The service is no root, and its data directory, and that of the maps, are the only places where it may write."""
    unit = read_unit(path)
    assert unit["Service.User"] == unit["Service.Group"] == ["geoworks"]
    assert unit["Service.ProtectSystem"] == ["strict"]
    assert unit["Service.CapabilityBoundingSet"] == [""]
    assert unit["Service.StateDirectory"] == [written]
    assert unit["Service.WorkingDirectory"] == [directory]
    assert "Service.ReadWritePaths" not in unit
    assert f"GEOWORKS_DATA_DIR={directory}" in " ".join(unit["Service.Environment"]).split()


@_each
def test_stop_fits_the_drain(path: Path) -> None:
    """Only the service is asked to stop, and it has the time to take leave of its clients before it is killed."""
    unit = read_unit(path)
    assert (unit["Service.KillMode"], unit["Service.KillSignal"]) == (["mixed"], ["SIGTERM"])
    (timeout_s,) = map(float, unit["Service.TimeoutStopSec"])
    assert timeout_s >= Server().drain_s + _AFTER_DRAIN_S


@_each
def test_comes_back(path: Path) -> None:
    """A service that fell, or could not start, is started again however often that happens."""
    unit = read_unit(path)
    assert unit["Service.Restart"] == ["on-failure"]
    assert unit["Unit.StartLimitIntervalSec"] == ["0"]


@_each
def test_files_for_every_connection(path: Path) -> None:
    """The limit of open files is enough for as many streams as the settings allow."""
    (limit,) = map(int, read_unit(path)["Service.LimitNOFILE"])
    assert limit >= _FILES_PER_CONNECTION * Stream().connections + _OTHER_FILES


def test_installed_as_the_guide_says() -> None:
    """The guide puts program, configuration, secrets and user where the unit looks for them."""
    unit = read_unit(_ALONE)
    guide = (ROOT / "docs" / "operations.md").read_text()
    (command,) = unit["Service.ExecStart"]
    assert command == f"{_PROGRAM} serve --config /etc/geoworks/config.toml"
    assert "python3 -m venv /opt/geoworks" in guide
    assert "geoworks init /etc/geoworks/config.toml" in guide
    assert re.search(r"useradd .*--home-dir /var/lib/geoworks .*geoworks", guide)
    assert unit["Service.EnvironmentFile"] == ["-/etc/geoworks/environment"]
    assert "/etc/geoworks/environment" in guide
    assert "deploy/geoworks.service" in guide


def test_node_is_a_node() -> None:
    """Each instance has its own name, folder and file of settings, and the settings are ones that the service knows."""
    unit = read_unit(_NODE)
    words = " ".join(unit["Service.Environment"]).replace("%i", "gateway-1").split()
    environment = dict(word.split("=", 1) for word in words)
    del environment["PYTHONUNBUFFERED"]
    guide = (ROOT / "docs" / "nodes.md").read_text()
    of_file = dict(re.findall(r"^(GEOWORKS_\w+)=(\S+)$", guide, re.MULTILINE))
    assert {"GEOWORKS_NODE_ROLE", "GEOWORKS_SERVER_PORT"} <= of_file.keys()
    database = {"GEOWORKS_STORE_ENGINE": "postgresql", "GEOWORKS_STORE_DSN": "postgresql://town"}
    settings = load_settings(None, environment | of_file | database)
    assert (settings.node.name, settings.node.role) == ("gateway-1", NodeRole.GATEWAY)
    assert (settings.data.dir, settings.maps.dir) == ("/var/lib/geoworks/gateway-1", "/var/lib/geoworks/maps")
    assert unit["Service.EnvironmentFile"] == ["/etc/geoworks/nodes/%i", "-/etc/geoworks/environment"]
    for said in ("/etc/geoworks/nodes/", "deploy/geoworks@.service", "systemctl enable --now geoworks@worker"):
        assert said in guide
