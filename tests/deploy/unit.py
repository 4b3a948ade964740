"""A systemd unit as its settings: section, name, values in their order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path


def read_unit(path: Path) -> Mapping[str, list[str]]:
    """Return the values of every setting, named `Section.Name`."""
    values: dict[str, list[str]] = defaultdict(list)
    section = ""
    for line in map(str.strip, path.read_text().splitlines()):
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith(("#", ";")):
            name, _, value = line.partition("=")
            values[f"{section}.{name}"].append(value)
    return values
