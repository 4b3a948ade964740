"""The container image's recipe, read with care where no engine can build it."""

from __future__ import annotations

import json
import re
from fnmatch import fnmatch
from typing import NamedTuple

from tests.shared import ROOT


class Instruction(NamedTuple):
    """One instruction of the Dockerfile, in one line, with the stage it stands in."""

    stage: int
    word: str
    rest: str


def _instructions() -> list[Instruction]:
    """Return the Dockerfile's instructions, comments dropped and continued lines joined."""
    text = re.sub(r"(?m)^#.*\n", "", (ROOT / "Dockerfile").read_text()).replace("\\\n", " ")
    found, stage = [], -1
    for line in filter(None, map(str.strip, text.splitlines())):
        word, rest = line.split(maxsplit=1)
        stage += word == "FROM"
        found.append(Instruction(stage, word, " ".join(rest.split())))
    return found


INSTRUCTIONS = _instructions()
LAST = INSTRUCTIONS[-1].stage


def _in_last(word: str) -> list[str]:
    """Return what follows a word in the image's final stage."""
    return [one.rest for one in INSTRUCTIONS if one.word == word and one.stage == LAST]


def _copied() -> set[str]:
    """Return the paths that are copied out of the project."""
    copies = [one.rest.split() for one in INSTRUCTIONS if one.word == "COPY" and not one.rest.startswith("--from=")]
    return {source for *sources, _ in copies for source in sources}


def test_sources_exist() -> None:
    """Whatever the recipe copies is in the project."""
    assert [source for source in _copied() if not (ROOT / source).exists()] == []


def test_sources_reach_the_engine() -> None:
    """Whatever the recipe copies is let through by .dockerignore, and nothing else is."""
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in lines
    assert {line.removeprefix("!") for line in lines if line.startswith("!")} == _copied()
    assert any(fnmatch("maps/static/vendor", line) for line in lines), "the image's own assets, not this machine's"


def test_stages() -> None:
    """The image has stages for assets and build, and every stage copied from is an earlier one."""
    stages = {match[1]: one.stage for one in INSTRUCTIONS if (match := re.search(r" AS (\w+)$", one.rest))}
    assert stages == {"assets": 0, "build": 1}
    assert len(stages) == LAST
    for one in INSTRUCTIONS:
        if match := re.match(r"--from=(\w+)", one.rest):
            assert stages[match[1]] < one.stage


def test_locked() -> None:
    """Everything installed in the image is locked by version and hash."""
    runs = [one.rest for one in INSTRUCTIONS if one.word == "RUN"]
    installs = [run for run in runs if re.search(r"\b(pip install|npm)\b", run)]
    assert len(installs) == 3
    for run in installs:
        assert run.startswith(
            ("npm ci ", "pip install --require-hashes ", "pip install --no-deps --no-build-isolation ")
        )


def test_user() -> None:
    """The service runs as a user of its own that owns the data, not as root."""
    assert _in_last("USER") == ["geoworks"]
    assert any("useradd" in run and "--owner geoworks" in run and run.endswith("/data") for run in _in_last("RUN"))
    assert _in_last("VOLUME") == ["/data"]


def test_health() -> None:
    """The health check asks the live door, with the image's own Python, and gives up in time."""
    (check,) = _in_last("HEALTHCHECK")
    command = json.loads(check[check.index("[") :])
    assert command[:2] == ["python", "-c"]
    assert "/health/live" in command[2]
    assert "timeout=4" in command[2]
    compile(command[2], "HEALTHCHECK", "exec")


def test_command() -> None:
    """The image serves with the packed settings, on all addresses of the container, data in its volume."""
    (command,) = _in_last("CMD")
    assert json.loads(command) == ["geoworks", "serve", "--config", "/etc/geoworks/config.toml"]
    (environment,) = _in_last("ENV")
    assert {"GEOWORKS_SERVER_HOST=0.0.0.0", "GEOWORKS_DATA_DIR=/data"} <= set(environment.split())
    assert "config.toml /etc/geoworks/config.toml" in _in_last("COPY")
