"""The service in a process of its own, as `geoworks serve` starts it, with what a benchmark sets."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

from tests.shared import ROOT

START_S = 300
Value: TypeAlias = str | int | datetime
Tables: TypeAlias = Mapping[str, Mapping[str, Value]]


@contextmanager
def served(folder: Path, tables: Tables) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Serve the data directory at `folder` until the block ends; yield the process and the service's address."""
    config = folder / "config.toml"
    server = {"port": 0} | dict(tables.get("server", {}))
    config.write_text(_toml({**tables, "data": {"dir": str(folder)}, "server": server}), encoding="utf-8")
    command = [sys.executable, "-m", "geoworks", "serve", "--config", str(config)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield process, process.stdout.readline().rpartition(" ")[2].strip()
        finally:
            process.terminate()
            process.wait(START_S)


def _toml(tables: Tables) -> str:
    lines = []
    for name, table in tables.items():
        lines.append(f"[{name}]")
        lines += [f"{key} = {_value(value)}" for key, value in table.items()]
    return "\n".join(lines)


def _value(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat()
    return json.dumps(value)
