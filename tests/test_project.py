"""The project's own files: locks, container, package, commands."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
import zipfile

import pytest

from tests.shared import ROOT

LOCKS = sorted(path.name for path in ROOT.glob("requirements*.lock"))
PACKAGES = ("geoworks", "feeds", "maps")
# What is installed from the package lock.
VENDOR = "maps/static/vendor/"


@pytest.mark.parametrize("name", [*LOCKS, "package-lock.json", ".npmrc", "pyproject.toml"])
def test_no_address(name: str) -> None:
    """No lock names a registry: each machine uses the one it is set to."""
    text = (ROOT / name).read_text()
    assert not re.search(r"(https?|file|git)(\+\w+)?:/|--(extra-)?index-url|--find-links|--trusted-host", text)


@pytest.mark.parametrize("name", LOCKS)
def test_hashes(name: str) -> None:
    """Every locked Python package has one version and hashes."""
    entries = re.split(r"\n(?=[A-Za-z])", re.sub(r"(?m)^ *#.*\n", "", (ROOT / name).read_text()).strip())
    assert entries
    for entry in entries:
        assert re.match(r"[\w.-]+==\S+ \\\n( +--hash=sha256:[0-9a-f]{64}( \\\n)?)+$", entry), entry[:80]


def test_integrity() -> None:
    """Every locked front-end package has one version and a hash, and is asked for by exact version."""
    packages = json.loads((ROOT / "package-lock.json").read_bytes())["packages"]
    asked = json.loads((ROOT / "package.json").read_bytes())
    for path, package in packages.items():
        assert path == "" or package["integrity"].startswith("sha512-"), path
    for name, version in (asked["dependencies"] | asked["devDependencies"]).items():
        assert packages[f"node_modules/{name}"]["version"] == version


def test_dependencies_are_locked() -> None:
    """Every dependency named in pyproject.toml stands in its lock."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    assert _canonical(project["dependencies"]) <= _locked("requirements.lock")
    assert _canonical([*project["dependencies"], *extras["dev"], *extras["bench"]]) <= _locked("requirements-dev.lock")


def test_locks_agree() -> None:
    """What is tested is what runs: the development lock holds the very versions of the run-time lock."""
    run_time, development = (_pins(name) for name in ("requirements.lock", "requirements-dev.lock"))
    assert run_time.items() <= development.items()


def test_ci() -> None:
    """The CI's command is `make test` from the root of the project, and nothing else."""
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    assert lines == [
        "#!/usr/bin/env bash",
        "set -euo pipefail",
        'cd "$(dirname "${BASH_SOURCE[0]}")/.."',
        "make test",
    ]
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


def test_scripts_parse() -> None:
    """The set-up scripts are sound shell, in the shell they name."""
    for script in (ROOT / ".ci").iterdir():
        shell = "bash" if "bash" in script.read_text().splitlines()[0] else "sh"
        subprocess.run([shell, "-n", str(script)], check=True)


@pytest.fixture(scope="module")
def wheel_names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """Return the names of the files in the wheel, built from a copy of the sources."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in [*_sources(), "pyproject.toml", "README.md", "LICENSE"]:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes((ROOT / name).read_bytes())
    vendored = source / VENDOR / "leaflet" / "images" / "layers.png"
    vendored.parent.mkdir(parents=True)
    vendored.touch()
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(target), str(source)]
    subprocess.run(command, check=True, capture_output=True, timeout=100)
    (wheel,) = target.glob("*.whl")
    return set(zipfile.ZipFile(wheel).namelist())


def test_wheel_is_whole(wheel_names: set[str]) -> None:
    """Every file of the packages, code or data, is in the wheel, with the front-end libraries and the licence."""
    assert set(_sources()) <= wheel_names
    assert f"{VENDOR}leaflet/images/layers.png" in wheel_names
    assert any(name.endswith("licenses/LICENSE") for name in wheel_names)


def test_wheel_holds_nothing_else(wheel_names: set[str]) -> None:
    """The wheel brings the three packages and no test."""
    assert {name.split("/")[0] for name in wheel_names if ".dist-info/" not in name} == set(PACKAGES)


def _sources() -> list[str]:
    """Return the files of the packages, but for what is built."""
    paths = (path for package in PACKAGES for path in (ROOT / package).rglob("*") if path.is_file())
    names = (path.relative_to(ROOT).as_posix() for path in paths)
    return [name for name in names if "__pycache__" not in name and not name.startswith(VENDOR)]


def _pins(lock: str) -> dict[str, str]:
    """Return the version of every package in a lock, by canonical name."""
    return dict(re.findall(r"(?m)^([a-z0-9-]+)==(\S+)", (ROOT / lock).read_text()))


def _locked(lock: str) -> set[str]:
    """Return the canonical names of the packages in a lock."""
    return set(_pins(lock))


def _canonical(names: list[str]) -> set[str]:
    """Return the names as a lock writes them."""
    return {re.sub(r"[-_.]+", "-", name).lower() for name in names}
