"""The one door to the real data and published schemas that live beside the project, read in place."""

from __future__ import annotations

from pathlib import Path

from tests.left_out import left_out

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared"


def shared_data(name: str) -> Path:
    """Return the path of a file of real data, such as `paris_quartiers.geojson`."""
    return _shared("data", name)


def shared_standard(name: str) -> Path:
    """Return the path of a file or folder of a published standard, such as `cifs/cifsv2.xsd`."""
    return _shared("standards", name)


def _shared(folder: str, name: str) -> Path:
    """Leave the test out when the whole folder is absent; a missing file in it is an error, maybe a misspelt name."""
    if not (SHARED / folder).is_dir():
        left_out(f"the folder ../shared/{folder} is not beside the project (it holds {name})")
    path = SHARED / folder / name
    if not path.exists():
        message = f"../shared/{folder} has no {name}"
        raise FileNotFoundError(message)
    return path
