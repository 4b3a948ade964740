"""A terminal in a folder: runs commands as a person would, and sees what they would see."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from geoworks.cli import main

GEOWORKS = str(Path(sys.executable).with_name("geoworks"))
# A bound only: a shared machine may take long to start a process.
WAIT_S = 60


@dataclass(frozen=True)
class Said:
    """What a command printed."""

    out: str
    err: str


class Terminal:
    """Runs commands in the folder where the test stands."""

    def __init__(self, folder: Path) -> None:
        """Stand in a folder; the test must have changed to it."""
        self.folder = folder

    def run(self, *arguments: str, code: int = 0, environment: Mapping[str, str | None] | None = None) -> Said:
        """Run a command; assert its exit code, and that whatever it says is said in words."""
        result = CliRunner().invoke(main, list(arguments), prog_name="geoworks", env=environment)
        said = Said(result.stdout, result.stderr)
        assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
        assert result.exit_code == code, said
        assert "Traceback" not in said.out + said.err
        return said

    def fail(self, *arguments: str, code: int = 1, environment: Mapping[str, str | None] | None = None) -> str:
        """Run a command that cannot do its work; assert that nothing is on standard output, and return what it says."""
        said = self.run(*arguments, code=code, environment=environment)
        assert said.out == ""
        return said.err

    def write(self, name: str, text: str) -> Path:
        """Write a file in the folder."""
        path = self.folder / name
        path.write_text(text)
        return path

    def configure(self, *lines: str, data_dir: str = "data") -> None:
        """Write the configuration, with these lines at its end."""
        tables = ("[server]", "port = 0", "[data]", f'dir = "{data_dir}"', "[maps]", "enabled = false")
        self.write("config.toml", "\n".join((*tables, *lines, "")))


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serve the town of a folder as a process of its own; give its address."""
    with subprocess.Popen([GEOWORKS, "serve"], cwd=folder, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            line = process.stdout.readline()
            assert "http://" in line, line
            yield line.split()[-1].rstrip("/")
            process.terminate()
            assert process.wait(WAIT_S) == 0
        finally:
            process.kill()


SOURCE = (
    "[sources.voirie]",
    'url = "travaux.geojson"',
    "interval_s = 0.0",
    "[sources.voirie.mapping]",
    'key = ["id"]',
    'fields = { title = "objet", "schedule.start" = "debut" }',
)


def travaux(titles: Mapping[str, str]) -> str:
    """Return what a GIS would export: a works for each id, with its title; one without a title cannot be taken."""
    line = {"type": "LineString", "coordinates": [[2.3051, 48.6342], [2.3079, 48.6351]]}
    return _collection(
        {"type": "Feature", "geometry": line, "properties": {"id": id_, "objet": title or None, "debut": "2020-01-01"}}
        for id_, title in titles.items()
    )


def quartiers(names: Sequence[str]) -> str:
    """Return zones side by side; one without a name is a line, which no zone can be."""
    return _collection(
        {
            "type": "Feature",
            "geometry": _square(number) if name else {"type": "LineString", "coordinates": [[2.3, 48.6], [2.4, 48.7]]},
            "properties": {"id": f"z{number}", "nom": name},
        }
        for number, name in enumerate(names)
    )


def _square(number: int) -> dict[str, Any]:
    west, east, south, north = 2.30 + number / 50, 2.32 + number / 50, 48.62, 48.64
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def _collection(features: Iterator[dict[str, Any]]) -> str:
    return json.dumps({"type": "FeatureCollection", "features": list(features)})
