"""Bad files and bad records: each told with a mend, none stopping the good ones."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from feeds.reading import GdalReading
from geoworks.config.sources import Mapping, SourceTable
from geoworks.errors import ConfigError, SourceError
from geoworks.model.works import Works
from geoworks.ports import Rejected
from tests.children import children
from tests.feeds.conftest import MakeSource
from tests.feeds.files import SIMPLE, feature, geojson, write_csv, write_geojson
from tests.feeds.paris import write


def table(path: Path, **settings: Any) -> SourceTable:  # noqa: ANN401 - any setting
    """Return a source of simple works in a file."""
    return SourceTable(url=str(path), **{"mapping": SIMPLE, **settings})


def taken(reading: GdalReading) -> list[Works | Rejected]:
    """Map everything."""
    with closing(reading):
        return list(reading.map(reading.candidates))


BAD_FILES = {
    "empty": (b"", "it is empty"),
    "blank": (b"\n  \n", "it is empty"),
    "truncated": (geojson(feature(), feature(2)).encode()[:-90], "check that the file is whole"),
    "web page": (b"<!DOCTYPE html><html><body>Maintenance</body></html>", "it is a web page"),
    "noise": (bytes(range(128, 256)) * 40, "set `"),
    "pointer": (b"<OGRVRTDataSource><OGRVRTLayer name='x'/></OGRVRTDataSource>", "only points to other data"),
    "no features": (b'{"type": "FeatureCollection", "features": []}', "no column"),
    "json that is no map": (b'{"error": "quota"}', "GDAL cannot read it"),
}


@pytest.mark.parametrize(("content", "message"), BAD_FILES.values(), ids=BAD_FILES)
async def test_bad_files_are_refused_with_a_mend(
    tmp_path: Path, make_source: MakeSource, content: bytes, message: str
) -> None:
    """A file that holds no data is refused as a whole, by a message that names the source and the mend."""
    path = tmp_path / "travaux.geojson"
    path.write_bytes(content)
    with pytest.raises(SourceError, match=message) as caught:
        await make_source(table(path)).read()
    assert str(caught.value).startswith("source voirie: ")


@pytest.mark.parametrize(
    "address", ["absent.gpkg", "/vsicurl/http://127.0.0.1:9/a.gpkg", "PG:dbname=town", "WFS:http://x"]
)
async def test_only_files_that_exist_are_opened(tmp_path: Path, make_source: MakeSource, address: str) -> None:
    """What is absent is told; GDAL's virtual paths and connection strings are never tried."""
    path = address if address.startswith("/vsi") else str(tmp_path / address)
    with pytest.raises(SourceError, match=r"cannot be read: No such file|/vsi are not opened"):
        await make_source(SourceTable(url=path, mapping=SIMPLE)).read()


async def test_a_pipe_is_no_file(tmp_path: Path, make_source: MakeSource) -> None:
    """What would never end to be read is not begun."""
    os.mkfifo(tmp_path / "pipe.geojson")
    with pytest.raises(SourceError, match="is no file"):
        await make_source(table(tmp_path / "pipe.geojson")).read()


@pytest.mark.parametrize(
    ("limits", "message"),
    [
        ({"upload_bytes": 100}, "limits.upload_bytes = 100"),
        ({"records": 1}, "more than 1 records; raise limits.records"),
    ],
)
async def test_huge_files_are_refused(
    tmp_path: Path, make_source: MakeSource, limits: dict[str, int], message: str
) -> None:
    """A file beyond the bound of bytes or records is refused, naming the bound."""
    path = write_geojson(tmp_path / "huge.geojson", feature(), feature(2))
    with pytest.raises(SourceError, match=message):
        await make_source(table(path), **limits).read()


async def test_a_slow_reading_is_ended(tmp_path: Path, make_source: MakeSource) -> None:
    """A reading that takes longer than it may is ended and told; nothing of it keeps running."""
    path = write_geojson(tmp_path / "slow.geojson", feature())
    with pytest.raises(SourceError, match=r"within 0\.01 s; raise .*timeout_s"):
        await make_source(table(path, timeout_s=0.01)).read()


async def test_a_layer_that_is_absent_is_told_with_those_there_are(tmp_path: Path, make_source: MakeSource) -> None:
    """A wrong layer, or none where there are several, names the layers."""
    path = tmp_path / "town.gpkg"
    line = np.array([shapely.LineString([(2.3, 48.6), (2.4, 48.6)])], dtype=np.object_)
    columns = {name: np.array([text], dtype=np.object_) for name, text in feature()["properties"].items()}
    columns["id"] = np.array(["1"], dtype=np.object_)
    for layer in ("travaux", "feux"):
        write(path, columns, line, crs="EPSG:4326", layer=layer)
    with pytest.raises(SourceError, match="no layer 'chantiers'; set `layer` to one it has: 'travaux', 'feux'"):
        await make_source(table(path, layer="chantiers")).read()
    with pytest.raises(SourceError, match="several layers; set `layer` to one of them: 'travaux', 'feux'"):
        await make_source(table(path)).read()
    reading = await make_source(table(path, layer="travaux")).read()
    assert [one.source_id for one in reading.candidates] == ["1"]


async def test_a_source_without_crs_is_refused_until_one_is_set(tmp_path: Path, make_source: MakeSource) -> None:
    """Coordinates without a CRS are not guessed; with `crs` they are taken, with a wrong name they are refused."""
    path = write_csv(
        tmp_path / "t.csv",
        [["id", "objet", "debut", "fin", "x", "y"], [1, "Eau", "2026-11-24", "2026-12-04", "652381,5", "6837542.25"]],
    )
    place = {"lon": "x", "lat": "y"}
    with pytest.raises(SourceError, match=r"in which CRS .*EPSG:2154"):
        await make_source(table(path, **place)).read()
    with pytest.raises(SourceError, match="'EPSG:99999' is no known coordinate system"):
        await make_source(table(path, **place, crs="EPSG:99999")).read()
    (works,) = taken(await make_source(table(path, **place, crs="EPSG:2154")).read())
    assert isinstance(works, Works)
    assert works.geometry.distance(shapely.Point(2.350545, 48.634)) < 0.01


async def test_metres_taken_for_degrees_are_refused_with_the_likely_crs(
    tmp_path: Path, make_source: MakeSource
) -> None:
    """Lambert-93 metres in a file that says degrees are refused one by one, naming the CRS that was probably meant."""
    metres = {"type": "Point", "coordinates": [652381.5, 6837542.25]}
    path = write_geojson(tmp_path / "t.geojson", feature(geometry=metres))
    (refused,) = taken(await make_source(table(path)).read())
    assert isinstance(refused, Rejected)
    assert "Lambert-93 (EPSG:2154)" in str(refused.problems[0])
    assert refused.place is None
    (works,) = taken(await make_source(table(path, crs="EPSG:2154")).read())
    assert isinstance(works, Works)


BOWTIE = {"type": "Polygon", "coordinates": [[[2.3, 48.6], [2.31, 48.61], [2.31, 48.6], [2.3, 48.61], [2.3, 48.6]]]}
TINY = {"type": "Polygon", "coordinates": [[[2.3, 48.6], [2.3, 48.6], [2.3, 48.6], [2.3, 48.6]]]}
LONG = {"type": "LineString", "coordinates": [[2.3 + n * 1e-6, 48.6] for n in range(100_000)]}
BAD_RECORDS: dict[str, tuple[dict[str, Any], str]] = {
    "null geometry": (feature("bad", geometry=None), "geometry"),
    "empty geometry": (feature("bad", geometry={"type": "Point", "coordinates": []}), "geometry"),
    "out of bounds": (feature("bad", geometry={"type": "Point", "coordinates": [200, 48]}), "geometry"),
    "no area": (feature("bad", geometry=TINY), "geometry"),
    "100 000 vertices": (feature("bad", geometry=LONG), "geometry"),
    "end before start": (feature("bad", debut="2026-12-04", fin="2026-11-24"), "schedule.end (column fin)"),
    "no start": (feature("bad", debut=None), "schedule.start (column debut)"),
    "no date": (feature("bad", debut="bientôt"), "schedule.start (column debut)"),
    "no such day": (feature("bad", debut="31/02/2026"), "schedule.start (column debut)"),
    "no title": (feature("bad", objet=" "), "title (column objet)"),
}


async def test_one_bad_record_never_stops_the_rest(tmp_path: Path, make_source: MakeSource) -> None:
    """Good records around bad ones are taken; each bad one is told with its position, id, place in it, mend, sample."""
    bad = [{**one, "properties": {**one["properties"], "id": name}} for name, (one, _) in BAD_RECORDS.items()]
    path = write_geojson(tmp_path / "t.geojson", feature("before"), *bad, feature("after"))
    before, *refused, after = taken(await make_source(table(path)).read())
    assert isinstance(before, Works)
    assert isinstance(after, Works)
    for position, (one, (name, (_, where))) in enumerate(zip(refused, BAD_RECORDS.items(), strict=True), 2):
        assert isinstance(one, Rejected), name
        assert (one.position, one.source_id, one.problems[0].where, one.sample["id"]) == (position, name, where, name)
        assert one.problems[0].mend, name


async def test_what_can_be_repaired_is_taken(tmp_path: Path, make_source: MakeSource) -> None:
    """A polygon that crosses itself is repaired, as imports may; its parts cover what was drawn."""
    path = write_geojson(tmp_path / "t.geojson", feature(geometry=BOWTIE))
    (works,) = taken(await make_source(table(path)).read())
    assert isinstance(works, Works)
    assert works.geometry.is_valid
    assert works.geometry.geom_type == "MultiPolygon"


async def test_one_process_repairs_all_that_a_reading_maps(tmp_path: Path, make_source: MakeSource) -> None:
    """However many chunks are mapped, the process that repairs starts once, and is gone when the reading is closed."""
    path = write_geojson(tmp_path / "t.geojson", *(feature(number, geometry=BOWTIE) for number in range(3)))
    reading = await make_source(table(path)).read()
    before, workers = children(), set[int]()
    with closing(reading):
        for candidate in reading.candidates:
            assert isinstance(reading.map([candidate])[0], Works)
            workers |= children() - before
    assert len(workers) == 1
    assert children() == before


async def test_not_a_number_is_no_place(tmp_path: Path, make_source: MakeSource) -> None:
    """NaN and words in the columns of a place refuse that record alone."""
    rows = [["id", "objet", "debut", "fin", "lon", "lat"]]
    rows += [
        [str(n), "Eau", "2026-11-24", "2026-12-04", lon, "48.6"] for n, lon in enumerate(["NaN", "ici", "2.3", "inf"])
    ]
    path = write_csv(tmp_path / "t.csv", rows)
    results = taken(await make_source(table(path, lon="lon", lat="lat", crs="EPSG:4326")).read())
    assert [isinstance(result, Works) for result in results] == [False, False, True, False]


async def test_ids_are_read_as_people_write_them(tmp_path: Path, make_source: MakeSource) -> None:
    """Floats lose their decimals, slashes and blanks are mended; empty, long and repeated ones are refused."""
    path = write_geojson(
        tmp_path / "t.geojson",
        *(feature(number) for number in (7905.0, "7905.0", "24/0194", None, " 12 ", "x" * 201)),
    )
    reading = await make_source(table(path)).read()
    assert [one.source_id for one in reading.candidates] == ["7905", "24-0194", "12"]
    repeated, empty, long = reading.rejected
    assert (repeated.position, str(repeated.problems[0])) == (
        2,
        "id: '7905' came before, at record 1 (give each record an id of its own)",
    )
    assert (empty.position, empty.problems[0].what) == (4, "id is empty")
    assert (long.position, long.place) == (6, (2.3, 48.63))


async def test_composed_ids_outlive_new_row_numbers(tmp_path: Path, make_source: MakeSource) -> None:
    """With `key` over columns that stay, rows in another order and columns in another order are the same records."""
    mapping = Mapping(key=("arrete", "no"), fields=SIMPLE.fields)
    features = [feature(n, arrete="2026-118", no=float(n)) for n in range(3)]
    first = write_geojson(tmp_path / "a.geojson", *features)
    for one in features:
        one["properties"] = dict(reversed(one["properties"].items()))
    second = write_geojson(tmp_path / "b.geojson", *reversed(features))
    readings = [await make_source(table(path, mapping=mapping)).read() for path in (first, second)]
    hashes = [{one.source_id: one.raw_hash for one in reading.candidates} for reading in readings]
    assert hashes[0] == hashes[1]
    assert list(hashes[0]) == ["2026-118-0", "2026-118-1", "2026-118-2"]


async def test_the_hash_follows_data_and_mapping(tmp_path: Path, make_source: MakeSource) -> None:
    """Any attribute, the geometry, or the mapping's version changes the hash; nothing else does."""

    async def hash_of(one: dict[str, Any], **settings: Any) -> bytes:  # noqa: ANN401 - any setting
        path = write_geojson(tmp_path / "t.geojson", one)
        (candidate,) = (await make_source(table(path, **settings)).read()).candidates
        return candidate.raw_hash

    same = await hash_of(feature(note="a"))
    assert await hash_of(feature(note="a")) == same
    others = [
        await hash_of(feature(note="b")),
        await hash_of(feature(note="a", geometry=BOWTIE)),
        await hash_of(feature(note="a"), mapping=Mapping(key=("id",), fields=SIMPLE.fields, version="2")),
    ]
    assert len({same, *others}) == 4


async def test_records_left_out_on_purpose_are_counted(tmp_path: Path, make_source: MakeSource) -> None:
    """`where` keeps the records with these values; the others are neither taken nor rejected."""
    path = write_geojson(tmp_path / "t.geojson", *(feature(n, statut=n % 3) for n in range(6)))
    mapping = Mapping(key=("id",), fields=SIMPLE.fields, where={"statut": ("1", "2")})
    reading = await make_source(table(path, mapping=mapping)).read()
    assert ([one.source_id for one in reading.candidates], reading.ignored) == (["1", "2", "4", "5"], 2)


async def test_a_column_that_is_absent_is_told_with_the_likely_one(tmp_path: Path, make_source: MakeSource) -> None:
    """A mapping for another export is refused as a whole, naming the nearest column."""
    path = write_geojson(tmp_path / "t.geojson", feature())
    mapping = Mapping(key=("id",), fields={"title": "object", "schedule.start": "debut"})
    with pytest.raises(SourceError, match="no column 'object'; did you mean 'objet'"):
        await make_source(table(path, mapping=mapping)).read()


async def test_texts_in_another_encoding(tmp_path: Path, make_source: MakeSource) -> None:
    """A table in Windows-1252 is refused with the mend; with its encoding set it is read right."""
    rows: list[list[object]] = [
        ["id", "objet", "debut", "fin", "wkt"],
        [1, "Réseau à gaz", "2026-11-24", "2026-12-04", "POINT(2.3 48.6)"],
    ]
    path = write_csv(tmp_path / "t.csv", rows, encoding="windows-1252")
    place = {"wkt": "wkt", "crs": "EPSG:4326"}
    with pytest.raises(SourceError, match="set `encoding`, such as windows-1252"):
        await make_source(table(path, **place)).read()
    with pytest.raises(SourceError, match="klingon"):
        await make_source(table(path, **place, encoding="klingon")).read()
    (works,) = taken(await make_source(table(path, **place, encoding="windows-1252")).read())
    assert isinstance(works, Works)
    assert works.title == "Réseau à gaz"


async def test_a_damaged_database_is_refused(tmp_path: Path, make_source: MakeSource) -> None:
    """A GeoPackage cut in half is refused and the process that read it is gone."""
    whole = tmp_path / "whole.gpkg"
    points = np.array([shapely.Point(2.3, 48.6)] * 500, dtype=np.object_)
    write(whole, {"id": np.arange(500)}, points, crs="EPSG:4326")
    half = tmp_path / "half.gpkg"
    half.write_bytes(whole.read_bytes()[:20_000])
    with pytest.raises(SourceError, match="check that the file is whole"):
        await make_source(table(half)).read()
    empty = tmp_path / "empty.gpkg"
    sqlite3.connect(empty).execute("CREATE TABLE t (a)").connection.close()
    with pytest.raises(SourceError, match=r"GDAL cannot read it|no layer"):
        await make_source(table(empty)).read()


async def test_two_sources_read_beside_the_loop(tmp_path: Path, make_source: MakeSource) -> None:
    """Readings run in processes of their own, several at once."""
    path = write_geojson(tmp_path / "t.geojson", *(feature(n) for n in range(10)))
    readings = await asyncio.gather(*(make_source(table(path), name=name).read() for name in ("a", "b")))
    assert [len(reading.candidates) for reading in readings] == [10, 10]


@pytest.mark.parametrize(
    ("mapping", "message"),
    [
        (Mapping(fields={"titel": "a", "schedule.start": "b"}), "is no field of a works"),
        (Mapping(fields={"title": "a"}), "schedule.start is missing"),
        (Mapping(fields=SIMPLE.fields, values={"impact.parking": {"a": "open"}}), 'add fields."impact.parking"'),
        (Mapping(fields=SIMPLE.fields, constants={"impact.parking": "full"}), "no impact.parking"),
        (Mapping(fields={**SIMPLE.fields, "geometry": "g"}), "is no field of a works"),
    ],
)
def test_a_mapping_is_judged_before_anything_is_read(make_source: MakeSource, mapping: Mapping, message: str) -> None:
    """A field that is none, or missing, or a constant that fits not is an error of the configuration."""
    with pytest.raises(ConfigError, match=message):
        make_source(SourceTable(url="t.geojson", mapping=mapping))


async def test_lists_and_json_of_a_record_are_read(tmp_path: Path, make_source: MakeSource) -> None:
    """Lists stay lists, objects in a cell fill fields that need them, numbers are found in their texts."""
    mapping = Mapping(
        key=("id",),
        fields={
            **SIMPLE.fields,
            "road_names": "rues",
            "impact.speed_limit_kmh": "vitesse",
            "impact.restrictions": "gabarit",
            "impact.detours": "deviation",
            "schedule.end_verified": "sur",
            "schedule.windows": "nuits",
        },
        constants={"road_authority": "Ville", "impact.parking": "suspended"},
    )
    nights = json.dumps({"days": ["mon"], "from": "21:00", "to": "06:00"})
    path = write_geojson(
        tmp_path / "t.geojson",
        feature(
            rues=["Rue A", "Rue B"],
            vitesse="30 km/h",
            gabarit='{"type": "reduced-width", "value": 2.5, "unit": "m"}',
            deviation="par la rue C",
            sur="oui",
            nuits=nights,
        ),
    )
    (works,) = taken(await make_source(table(path, mapping=mapping)).read())
    assert isinstance(works, Works)
    assert (works.road_names, works.road_authority) == (("Rue A", "Rue B"), "Ville")
    assert (works.impact.speed_limit_kmh, works.impact.parking.value) == (30, "suspended")
    assert (works.impact.restrictions[0].value, works.impact.detours[0].text) == (2.5, "par la rue C")
    assert works.schedule.end_verified
    assert works.schedule.windows[0].start == "21:00"


async def test_hostile_texts_are_harmless_texts(tmp_path: Path, make_source: MakeSource) -> None:
    """Control characters and marks that turn the writing go; markup stays text; overlong texts are cut, not refused."""
    path = write_geojson(tmp_path / "t.geojson", feature(objet="<b>Eau</b>\u202e\x07 " + "x" * 500))
    (works,) = taken(await make_source(table(path)).read())
    assert isinstance(works, Works)
    assert works.title.startswith("<b>Eau</b> xxx")
    assert (len(works.title), works.title[-1]) == (200, "…")
