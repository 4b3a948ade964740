"""Zips that would hurt are refused before anything reads them."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from feeds.sources.archive import check_zip, find_data, unpack
from feeds.sources.local import prepare
from geoworks.config.settings import Limits
from geoworks.config.sources import SourceTable
from geoworks.errors import SourceError
from tests.feeds.conftest import MakeSource
from tests.feeds.files import SIMPLE, feature, geojson


def pack(path: Path, **contents: str) -> Path:
    """Write a zip of texts by name."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in contents.items():
            archive.writestr(name, text)
    return path


def names_in(folder: Path) -> list[str]:
    """Return the names of all that lies in a folder."""
    return sorted(path.name for path in folder.iterdir())


def _named(name: str) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        pack(path, **{name: "x"})

    return make


def _link(path: Path) -> None:
    entry = zipfile.ZipInfo("travaux.geojson")
    entry.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(entry, "/etc/passwd")


def _many(path: Path) -> None:
    pack(path, **{f"{number}.csv": "x" for number in range(101)})


def _dense(path: Path) -> None:
    pack(path, **{"travaux.csv": "0" * 3_000_000})


def _large(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("travaux.csv", "0" * 20_000)


def _locked(path: Path) -> None:
    pack(path, **{"travaux.csv": "x"})
    content = bytearray(path.read_bytes())
    # The flag that says "encrypted", in the local header and in the directory.
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(content)


def _cut(path: Path) -> None:
    pack(path, **{"travaux.csv": "abc" * 1000})
    content = path.read_bytes()
    path.write_bytes(content[:40] + b"\xff" * 8 + content[48:])


HOSTILE = {
    "leads out": (_named("../../etc/cron.d/x"), "leads out of it"),
    "leads out inside": (_named("a/../../x"), "leads out of it"),
    "absolute": (_named("/etc/passwd"), "leads out of it"),
    "of Windows": (_named("C:\\x"), "leads out of it"),
    "link": (_link, "has a link"),
    "many files": (_many, "holds 101 files; at most limits.zip_entries = 100"),
    "dense": (_dense, "is it a zip bomb"),
    "large": (_large, "at most limits.unzipped_bytes = 10000"),
    "locked": (_locked, "needs a password"),
    "damaged": (_cut, "is damaged"),
    "without data": (_named("lisezmoi.txt"), "holds no file that GDAL reads"),
}


@pytest.mark.parametrize(("make", "message"), HOSTILE.values(), ids=HOSTILE)
async def test_hostile_zips_are_refused(
    tmp_path: Path, make_source: MakeSource, make: Callable[[Path], None], message: str
) -> None:
    """A zip with names that lead out, links, too much or nothing in it is refused, and nothing is left outside."""
    path = tmp_path / "travaux.zip"
    make(path)
    limits = {"unzipped_bytes": 10_000} if make is _large else {}
    source = make_source(SourceTable(url=str(path), mapping=SIMPLE), **limits)
    with pytest.raises(SourceError, match=message):
        await source.read()
    assert names_in(tmp_path) == ["kept", "travaux.zip"]
    assert names_in(tmp_path / "kept") == []


def test_a_directory_that_lies_does_not_fill_the_disk(tmp_path: Path) -> None:
    """What unpacks to more than its directory says is stopped there."""
    path = pack(tmp_path / "t.zip", **{"travaux.csv": "0" * 50_000})
    content = path.read_bytes()
    path.write_bytes(content.replace((50_000).to_bytes(4, "little"), (1_000).to_bytes(4, "little")))
    check_zip(path, Limits())
    with pytest.raises(SourceError, match=r"damaged|larger than its directory says"):
        unpack(path, tmp_path / "out", Limits())
    assert (tmp_path / "out" / "travaux.csv").stat().st_size <= 1_000


def test_a_spreadsheet_is_a_zip_too(tmp_path: Path) -> None:
    """XLSX files are judged as the zips they are, before GDAL unpacks them."""
    path = pack(tmp_path / "t.xlsx", **{"xl/workbook.xml": "0" * 3_000_000})
    with pytest.raises(SourceError, match="zip bomb"):
        prepare(path, tmp_path, limits=Limits())


def test_the_data_in_a_zip_is_found(tmp_path: Path) -> None:
    """Parts of one Shapefile are one, hidden files are passed over; among several the layer chooses."""
    for name in ("a/rues.shp", "a/rues.dbf", "a/rues.shx", "__MACOSX/a/._rues.shp", ".hidden.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert find_data(tmp_path) == tmp_path / "a/rues.shp"
    (tmp_path / "lieux.csv").touch()
    with pytest.raises(SourceError, match=r"several files of data \(a/rues\.shp, lieux\.csv\)"):
        find_data(tmp_path)
    assert find_data(tmp_path, layer="lieux") == tmp_path / "lieux.csv"


async def test_a_zip_is_read_like_what_is_in_it(tmp_path: Path, make_source: MakeSource) -> None:
    """A zipped GeoJSON gives its records, and nothing unpacked stays behind."""
    path = pack(tmp_path / "t.zip", **{"export/travaux.geojson": geojson(feature()), "export/lisezmoi.txt": "x"})
    # What a reading left that was killed in the middle.
    (tmp_path / "kept" / "voirie.x1").mkdir(parents=True)
    reading = await make_source(SourceTable(url=str(path), mapping=SIMPLE)).read()
    assert [one.source_id for one in reading.candidates] == ["1"]
    assert names_in(tmp_path / "kept") == []
