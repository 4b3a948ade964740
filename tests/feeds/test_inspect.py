"""What `inspect` finds and guesses, and that the tables it prints work as they are."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.guess import find_column, guess_mapping
from feeds.guess_values import guess_dates, guess_parking, guess_vehicle_impact
from feeds.inspect import Findings, inspect_address
from feeds.sources.gdal import Asked, GdalSource
from geoworks.config.loader import load_settings
from geoworks.config.settings import Limits
from geoworks.config.sources import DateKind
from geoworks.model.impact import ParkingState, VehicleImpact
from geoworks.model.works import Works
from geoworks.ports import Rejected
from tests.feeds.conftest import MakeSource
from tests.feeds.files import feature, write_csv, write_geojson
from tests.feeds.paris import (
    COUNT,
    FILE,
    REFUSED,
    Records,
    calendar_days,
    source_table,
    to_geopackage,
    to_shapefile,
    to_xlsx,
)
from tests.shared import shared_data

ROAD_NAMES = ("voie", "nom", "localisation", "localisations", "address", "adresse", "ROUTE", "street")
IMPACT_NAMES = (
    *("impact_circulation", "typeperturbation", "circulation", "type", "mesures", "mesure", "libelle", "mode_exp"),
    "traffic",
)
cells = st.text() | st.none() | st.floats()


async def inspect(path: Path) -> Findings:
    """Look into a file of a town in France."""
    return await inspect_address(Asked(address=str(path), limits=Limits()), time_zone="Europe/Paris")


async def works_by_toml(findings: Findings, tmp_path: Path) -> tuple[dict[str, Works], list[Rejected]]:
    """Load the printed tables through the settings and read the source they describe."""
    config = tmp_path / "config.toml"
    config.write_text(findings.toml)
    settings = load_settings(config, {})
    ((name, table),) = settings.sources.items()
    source = GdalSource(
        name,
        table,
        town_time_zone=settings.town.time_zone,
        limits=settings.limits,
        keep_dir=tmp_path / "kept",
    )
    reading = await source.read()
    with closing(reading):
        results = reading.map(reading.candidates)
    works = {
        candidate.source_id: result
        for candidate, result in zip(reading.candidates, results, strict=True)
        if isinstance(result, Works)
    }
    return works, [*reading.rejected, *(result for result in results if isinstance(result, Rejected))]


async def test_the_works_of_paris_are_understood(tmp_path: Path, make_source: MakeSource) -> None:
    """Fields, kinds and CRS are shown; the printed tables take the works, with the same days as a mapping by hand."""
    findings = await inspect(shared_data(FILE))
    assert (findings.records, findings.crs, findings.geometry_kinds) == (COUNT, "EPSG:4326", {"Polygon": COUNT})
    column = next(column for column in findings.columns if column.name == "impact_circulation")
    assert (column.type, column.filled, column.distinct) == ("String", 567, 5)
    assert column.samples[:2] == ("RESTREINTE", "SENS_UNIQUE")
    mapping = findings.source.mapping
    assert (mapping.key, mapping.dates, mapping.midnight_shift) == (("identifiant",), DateKind.WHOLE_DAY, True)
    found, refused = await works_by_toml(findings, tmp_path)
    assert [one.source_id for one in refused] == [REFUSED]
    reading = await make_source(source_table(shared_data(FILE))).read()
    with closing(reading):
        expectations = reading.map(reading.candidates)
    for candidate, expected in zip(reading.candidates, expectations, strict=True):
        if isinstance(expected, Works):
            works = found.pop(candidate.source_id)
            assert calendar_days(works) == calendar_days(expected)
            assert works.impact == expected.impact or expected.impact.vehicle_impact is VehicleImpact.UNKNOWN
    assert not found


async def test_litteralis_is_understood(tmp_path: Path) -> None:
    """Lists are split, shifted midnights mended, closures and parking recognised; the printed tables work."""
    findings = await inspect(shared_data("litteralis_mel_emprises.geojson"))
    assert findings.geometry_kinds == {"Polygon": 2, "MultiLineString": 1}
    works, refused = await works_by_toml(findings, tmp_path)
    assert (len(works), refused) == (3, [])
    first, _, third = works.values()
    assert [str(day) for day in calendar_days(first)] == ["2024-03-18", "2024-03-18"]
    assert first.impact.vehicle_impact is VehicleImpact.ALL_LANES_CLOSED
    assert (third.impact.vehicle_impact, third.impact.parking) == (
        VehicleImpact.ALTERNATING_ONE_WAY,
        ParkingState.SUSPENDED,
    )
    assert len(third.road_names) == 4
    # Who signed the order is personal data.
    assert "emetteurlibelle" not in findings.source.mapping.fields.values()


@pytest.mark.parametrize(("export", "name"), [(to_geopackage, "p.gpkg"), (to_shapefile, "p.zip"), (to_xlsx, "p.xlsx")])
async def test_other_formats_are_understood(paris: Records, tmp_path: Path, export: Any, name: str) -> None:  # noqa: ANN401 - a function
    """Cut names, dates without hours, and geometry as WKT are recognised; the printed tables take the works."""
    findings = await inspect(export(paris, tmp_path / name))
    works, refused = await works_by_toml(findings, tmp_path)
    assert len(works) == COUNT - 1
    assert [one.source_id for one in refused] == [REFUSED]
    impacts = {one.impact.vehicle_impact for one in works.values()}
    assert {VehicleImpact.ALL_LANES_CLOSED, VehicleImpact.SOME_LANES_CLOSED} <= impacts


async def test_a_table_without_crs_is_told_by_its_coordinates(tmp_path: Path) -> None:
    """Columns of coordinates are found; metres in Lambert-93 are named; what cannot be told is noted."""
    rows: list[list[object]] = [["objectid", "X", "Y", "date_deb"], [1, "652381,5", "6837542,25", "20261124"]]
    findings = await inspect(write_csv(tmp_path / "releve 2026.csv", rows))
    source = findings.source
    assert (findings.name, source.lon, source.lat, source.crs) == ("releve-2026", "X", "Y", "EPSG:2154")
    notes = " ".join(findings.notes)
    assert "look like EPSG:2154" in notes
    assert "every works is called Travaux" in notes
    assert "should it be a row number" in notes
    works, refused = await works_by_toml(findings, tmp_path)
    assert (list(works), refused) == (["1"], [])


async def test_a_table_in_a_western_encoding(tmp_path: Path) -> None:
    """A table that is no UTF-8 is read as a spreadsheet wrote it, and the printed tables say so."""
    rows = [["id", "objet", "date_debut", "lon", "lat"], ["1", "Réseau à gaz", "24/11/2026", "2,3", "48,6"]]
    findings = await inspect(write_csv(tmp_path / "t.csv", rows, encoding="windows-1252"))
    assert findings.source.encoding == "windows-1252"
    works, refused = await works_by_toml(findings, tmp_path)
    assert (works["1"].title, refused) == ("Réseau à gaz", [])


async def test_odd_names_survive_the_tables(tmp_path: Path) -> None:
    """Names and values with quotes, dots, backslashes and accents are written so that they load as they were."""
    path = write_geojson(
        tmp_path / 'Étrange "2026".geojson',
        feature(**{"Impact": 'Rue "barrée"\\ ; déviée', "a.b": 1}),
        feature(2, **{"Impact": "alternat\u007f", "a.b": 2}),
    )
    findings = await inspect(path)
    works, refused = await works_by_toml(findings, tmp_path)
    assert (sorted(works), refused) == (["1", "2"], [])
    assert works["1"].impact.vehicle_impact is VehicleImpact.ALL_LANES_CLOSED
    assert works["2"].impact.vehicle_impact is VehicleImpact.ALTERNATING_ONE_WAY


@pytest.mark.parametrize(
    ("text", "impact"),
    [
        ("RESTREINTE", VehicleImpact.SOME_LANES_CLOSED),
        ("SENS_UNIQUE", VehicleImpact.SOME_LANES_CLOSED),
        ("BARRAGE_TOTAL", VehicleImpact.ALL_LANES_CLOSED),
        ("IMPASSE", VehicleImpact.ALL_LANES_CLOSED),
        ("route barrée", VehicleImpact.ALL_LANES_CLOSED),
        ("Rue barrée sauf riverains", VehicleImpact.ALL_LANES_CLOSED),
        ("interdiction de circuler", VehicleImpact.ALL_LANES_CLOSED),
        ("alternat", VehicleImpact.ALTERNATING_ONE_WAY),
        ("2021 - Circulation alternée", VehicleImpact.ALTERNATING_ONE_WAY),
        ("Alternat par feux", VehicleImpact.TEMPORARY_TRAFFIC_SIGNAL),
        ("alternat manuel K10", VehicleImpact.FLAGGING),
        ("demi-chaussée", VehicleImpact.SOME_LANES_CLOSED),
        ("Neutralisation d'une voie", VehicleImpact.SOME_LANES_CLOSED),
        ("sans impact", VehicleImpact.ALL_LANES_OPEN),
        ("2021 - Interdiction de stationnement", VehicleImpact.UNKNOWN),
        ("Divers", VehicleImpact.UNKNOWN),
    ],
)
def test_impacts_are_recognised_in_french(text: str, impact: VehicleImpact) -> None:
    """What exports and orders write of traffic is understood; what says nothing of it stays unknown."""
    assert guess_vehicle_impact(text) is impact


def test_parking_is_recognised() -> None:
    """A ban on parking suspends it; parking that is only mentioned stays unknown."""
    assert guess_parking("Interdiction de stationnement") is ParkingState.SUSPENDED
    assert guess_parking("Stationnement payant") is ParkingState.UNKNOWN


@pytest.mark.parametrize(
    "names",
    [
        *[(start, "date_fin") for start in ("date_debut", "datedebut", "date_deb", "debutchantier", "debut_chan")],
        *[("startat", "endat"), ("emprisedebut", "emprisefin"), ("DATEDEBUT", "DATEFIN"), ("date_de_debut", "datefin")],
        *[("debut_travaux", "finchantier"), ("debut_chan", "fin_chanti")],
    ],
)
def test_names_of_dates_seen_in_french_exports(names: tuple[str, str]) -> None:
    """Every name that French exports give to start and end is found."""
    mapping, _ = guess_mapping({name: ["2026-11-24"] for name in names}, time_zone="Europe/Paris")
    assert (mapping.fields["schedule.start"], mapping.fields["schedule.end"]) == names


@pytest.mark.parametrize(
    "name", ["voie", "nom", "localisation", "localisations", "address", "adresse", "ROUTE", "street"]
)
def test_names_of_roads_seen_in_french_exports(name: str) -> None:
    """Every name that French exports give to the road is found."""
    mapping, _ = guess_mapping({name: ["Rue A"]}, time_zone="Europe/Paris")
    assert mapping.fields["road_names"] == name


@pytest.mark.parametrize(
    "name",
    [
        "impact_circulation",
        "typeperturbation",
        "circulation",
        "type",
        "mesures",
        "mesure",
        "libelle",
        "mode_exp",
        "traffic",
    ],
)
def test_names_of_impacts_seen_in_french_exports(name: str) -> None:
    """Every name that French exports give to the impact is found, where its values say something of the lanes."""
    mapping, _ = guess_mapping({name: ["route barrée", "autre"]}, time_zone="Europe/Paris")
    assert mapping.fields["impact.vehicle_impact"] == name
    assert mapping.values["impact.vehicle_impact"] == {"route barrée": "all-lanes-closed", "*": "unknown"}
    other, _ = guess_mapping({name: ["vert", "bleu"]}, time_zone="Europe/Paris")
    assert "impact.vehicle_impact" not in other.fields


def test_a_key_must_be_filled_and_unique() -> None:
    """A column with gaps or doubles is no key; the next likely one is."""
    columns: dict[str, list[object]] = {"id": ["a", "a"], "code": [None, "1"], "numero": [1.0, 2.0]}
    assert guess_mapping(columns, time_zone="Europe/Paris")[0].key == ("numero",)
    mapping, notes = guess_mapping({"id": ["a", "a"], "fid": [1, 2]}, time_zone="Europe/Paris")
    assert mapping.key == ("fid",)
    assert any("row number" in note for note in notes)


@pytest.mark.parametrize(
    ("starts", "ends", "settings"),
    [
        (["2026-11-24"], ["2026-12-04"], {"dates": "whole-day"}),
        (["2026-11-24T21:00:00"], ["2026-12-04T06:00:00"], {}),
        # Midnights that are moments: nothing ends on the day it begins.
        (["2026-11-23T23:00:00Z"], ["2026-11-24T23:00:00Z"], {}),
        # Midnights that are days: this one would last no time.
        (["2026-11-23T23:00:00Z"], ["2026-11-23T23:00:00Z"], {"dates": "whole-day"}),
        (["2026-11-24T01:00:00Z"], ["2026-07-04T02:00:00Z"], {"midnight_shift": True}),
        (["2026-11-24T01:00:00Z", "2026-11-24T05:00:00Z"], [], {"midnight_shift": True, "dates": "whole-day"}),
        ([None, "?"], [], {"dates": "whole-day"}),
    ],
)
def test_habits_of_dates(starts: list[Any], ends: list[Any], settings: dict[str, Any]) -> None:
    """Whole days, moments and shifted midnights are told from the values."""
    assert guess_dates(starts, ends, "Europe/Paris") == settings


@given(
    st.dictionaries(
        st.text(min_size=1, max_size=12), st.lists(st.text() | st.none() | st.floats(), min_size=2, max_size=2)
    )
)
def test_any_table_is_guessed_at(columns: dict[str, list[Any]]) -> None:
    """No names or values make the guess fall over, and it names only columns that are there."""
    mapping, _ = guess_mapping({**columns, "fid": [1, 2]}, time_zone="Europe/Paris")
    assert {*mapping.fields.values(), *mapping.key} <= {*columns, "fid"}


def test_cut_names_are_found() -> None:
    """A Shapefile's ten characters are enough, another short name is not."""
    assert find_column(["maitre_ouv"], ["maitreouvrage"]) == "maitre_ouv"
    assert find_column(["maitre"], ["maitreouvrage"]) == ""
