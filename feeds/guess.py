"""Which column is what, guessed from names and values of French and English exports."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from feeds.cells import as_text
from feeds.guess_values import guess_dates, guess_parking, guess_vehicle_impact, plain
from feeds.reading import NUMBER_COLUMN
from geoworks.config.sources import Mapping as MappingTable
from geoworks.model.impact import ParkingState, VehicleImpact

Columns = Mapping[str, Sequence[Any]]

# Names as exports use them, the likeliest first, in the form of `plain` without blanks.
_NAMES: Mapping[str, str] = {
    "schedule.start": "datedebut datedeb debutchantier debuttravaux startat emprisedebut datededebut debut startdate "
    "datedebuttravaux dtdebut start begin",
    "schedule.end": "datefin finchantier fintravaux endat emprisefin datedefin fin enddate datefintravaux dtfin end",
    "title": "titre title intitule objet naturetravaux nature motif typetravaux libelle nommodele description",
    "description": "description commentaire commentaires observation observations detail impactcirculationdetail",
    "road_names": "voie voies nomvoie libellevoie localisations localisation adresse address route street rue nom",
    "promoter": "maitreouvrage maitredouvrage moa petitionnaire demandeur promoter",
    "road_authority": "gestionnaire collectivitelibelle collectivite roadauthority",
    "reference": "arretesrcid numarrete numeroarrete arrete reference ref",
}
_IMPACT_NAMES = "impactcirculation typeperturbation circulation mesures mesure modeexp traffic impact libelle type"
_KEY_NAMES = "identifiant id idemprise idchantier numchantier numero uuid globalid gid code ref reference objectid fid"
# Row numbers in disguise: they are dealt anew when the file is written again.
_UNSTABLE = {"objectid", "fid", "gid"}
_NEEDED_TITLE = "Travaux"

_CODE = re.compile(r"[A-Z0-9]+(_[A-Z0-9]+)+")
_SEPARATOR = re.compile(r"\s*([;|])\s*")
_CUT = 10
_MOST_VALUES = 60


def guess_mapping(columns: Columns, *, time_zone: str) -> tuple[MappingTable, Sequence[str]]:
    """Return a mapping that fits the columns as well as can be told, and what a person should look at."""
    notes: list[str] = []
    fields = {field: found for field, names in _NAMES.items() if (found := find_column(columns, names.split()))}
    constants: dict[str, str | int | float | bool] = {}
    if "title" not in fields:
        constants["title"] = _NEEDED_TITLE
        notes.append("No column reads like a title: every works is called Travaux.")
    if "schedule.start" not in fields:
        notes.append("No column reads like a start: set schedule.start.")
    values = _title_values(columns, fields)
    split = {name: mark for name in ("road_names",) if name in fields and (mark := _separator(columns[fields[name]]))}
    _add_impact(columns, fields, values, split)
    if "impact.vehicle_impact" not in fields:
        notes.append("No column reads like an impact: it is unknown for every works.")
    dates = guess_dates(_cells(columns, fields, "schedule.start"), _cells(columns, fields, "schedule.end"), time_zone)
    table = MappingTable(
        key=_guess_key(columns, notes), fields=fields, constants=constants, values=values, split=split, **dates
    )
    return table, notes


def find_column(columns: Iterable[str], names: Sequence[str], *, fits: Callable[[str], bool] | None = None) -> str:
    """Return the first column with one of these names, written in any way or cut as a Shapefile cuts it; else empty.

    `fits` has the last word on a column.
    """
    there = [(column, plain(column).replace(" ", "")) for column in columns]
    for name in names:
        for column, written in there:
            cut = len(column) == _CUT and len(written) < len(name) and name.startswith(written)
            if (written == name or cut) and (fits is None or fits(column)):
                return column
    return ""


def _guess_key(columns: Columns, notes: list[str]) -> tuple[str, ...]:
    count = len(next(iter(columns.values()), ()))

    def is_unique(column: str) -> bool:
        texts = {as_text(value) for value in columns[column]}
        return len(texts) == count and "" not in texts

    key = find_column(columns, _KEY_NAMES.split(), fits=is_unique) or NUMBER_COLUMN
    if plain(key) in _UNSTABLE:
        notes.append(f"The id is {key}: should it be a row number, name columns in `key` that stay when rows move.")
    return (key,)


def _add_impact(
    columns: Columns, fields: dict[str, str], values: dict[str, dict[str, str]], split: dict[str, str]
) -> None:
    column = find_column(columns, _IMPACT_NAMES.split(), fits=lambda name: bool(_impacts(columns[name])))
    if not column:
        return
    mark = _separator(columns[column])
    parts = _parts(columns[column])
    tables = {
        "impact.vehicle_impact": _impacts(columns[column]),
        "impact.parking": {part: "suspended" for part in parts if guess_parking(part) is ParkingState.SUSPENDED},
    }
    for field, table in tables.items():
        if table:
            fields[field] = column
            values[field] = {**table, "*": "unknown"}
            if mark:
                split[field] = mark


def _impacts(column: Sequence[Any]) -> dict[str, str]:
    """Return the values of a column that say something of the lanes, the worst first."""
    order = list(VehicleImpact)
    known = [(guess_vehicle_impact(part), part) for part in _parts(column)]
    found = sorted((order.index(impact), part) for impact, part in known if impact is not VehicleImpact.UNKNOWN)
    return {part: order[rank].value for rank, part in found[:_MOST_VALUES]}


def _title_values(columns: Columns, fields: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Make words of a title's codes: CREATION_RESEAUX becomes Creation reseaux."""
    texts = _texts(columns[fields["title"]]) if "title" in fields else []
    if not texts or len(texts) > _MOST_VALUES or not all(map(_CODE.fullmatch, texts)):
        return {}
    return {"title": {text: text.replace("_", " ").capitalize() for text in texts}}


def _texts(column: Sequence[Any]) -> Sequence[str]:
    return sorted({as_text(value) for value in column} - {""})


def _parts(column: Sequence[Any]) -> Sequence[str]:
    mark = _separator(column)
    texts = _texts(column)
    return sorted({part.strip() for text in texts for part in text.split(mark)} - {""}) if mark else texts


def _separator(column: Sequence[Any]) -> str:
    found = next((match for value in column if (match := _SEPARATOR.search(as_text(value)))), None)
    return found[1] if found else ""


def _cells(columns: Columns, fields: Mapping[str, str], field: str) -> Sequence[Any]:
    return columns[fields[field]] if field in fields else []
