"""The systemd unit: sound to systemd itself, closed, and fitting what the service needs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from geoworks.config.settings import Server, Stream
from tests.deploy.unit import read_unit
from tests.left_out import needed_program
from tests.shared import ROOT

_UNIT = ROOT / "deploy" / "geoworks.service"
_PROGRAM = "/opt/geoworks/bin/geoworks"
# What requests in the middle are given after the drain, and what starting to stop may take.
_AFTER_DRAIN_S = 5 + 10
_FILES_PER_CONNECTION, _OTHER_FILES = 2, 256


def test_sound(tmp_path: Path) -> None:
    """Systemd knows every setting and finds nothing wrong, once the program is where the unit says."""
    analyze = needed_program("systemd-analyze", package="systemd")
    unit = tmp_path / _UNIT.name
    unit.write_text(_UNIT.read_text().replace(_PROGRAM, str(Path(sys.executable).with_name("geoworks"))))
    verified = subprocess.run([analyze, "verify", str(unit)], capture_output=True, text=True, check=False, timeout=60)
    assert (verified.returncode, verified.stderr) == (0, "")
    unit.write_text(unit.read_text().replace("ProtectSystem", "ProtectSytem"))
    verified = subprocess.run([analyze, "verify", str(unit)], capture_output=True, text=True, check=False, timeout=60)
    assert "ProtectSytem" in verified.stderr


def test_closed() -> None:
    """By the measure of systemd the service is exposed to less than 2 of 10."""
    analyze = needed_program("systemd-analyze", package="systemd")
    command = [analyze, "security", "--offline=true", "--no-pager", "--threshold=20", str(_UNIT)]
    judged = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert judged.returncode == 0, judged.stdout


def test_runs_as_itself_and_writes_in_one_place() -> None:
    """The service is no root, and its data directory is the only place where it may write."""
    unit = read_unit(_UNIT)
    assert unit["Service.User"] == unit["Service.Group"] == ["geoworks"]
    assert unit["Service.ProtectSystem"] == ["strict"]
    assert unit["Service.CapabilityBoundingSet"] == [""]
    assert unit["Service.StateDirectory"] == ["geoworks"]
    assert "Service.ReadWritePaths" not in unit
    (environment,) = unit["Service.Environment"]
    assert "GEOWORKS_DATA_DIR=/var/lib/geoworks" in environment.split()


def test_stop_fits_the_drain() -> None:
    """Only the service is asked to stop, and it has the time to take leave of its clients before it is killed."""
    unit = read_unit(_UNIT)
    assert (unit["Service.KillMode"], unit["Service.KillSignal"]) == (["mixed"], ["SIGTERM"])
    (timeout_s,) = map(float, unit["Service.TimeoutStopSec"])
    assert timeout_s >= Server().drain_s + _AFTER_DRAIN_S


def test_comes_back() -> None:
    """A service that fell, or could not start, is started again however often that happens."""
    unit = read_unit(_UNIT)
    assert unit["Service.Restart"] == ["on-failure"]
    assert unit["Unit.StartLimitIntervalSec"] == ["0"]


def test_files_for_every_connection() -> None:
    """The limit of open files is enough for as many streams as the settings allow."""
    (limit,) = map(int, read_unit(_UNIT)["Service.LimitNOFILE"])
    assert limit >= _FILES_PER_CONNECTION * Stream().connections + _OTHER_FILES


def test_installed_as_the_guide_says() -> None:
    """The guide puts program, configuration, secrets and user where the unit looks for them."""
    unit = read_unit(_UNIT)
    guide = (ROOT / "docs" / "operations.md").read_text()
    (command,) = unit["Service.ExecStart"]
    assert command == f"{_PROGRAM} serve --config /etc/geoworks/config.toml"
    assert "python3 -m venv /opt/geoworks" in guide
    assert "geoworks init /etc/geoworks/config.toml" in guide
    assert re.search(r"useradd .*--home-dir /var/lib/geoworks .*geoworks", guide)
    assert unit["Service.EnvironmentFile"] == ["-/etc/geoworks/environment"]
    assert "/etc/geoworks/environment" in guide
    assert "deploy/geoworks.service" in guide
