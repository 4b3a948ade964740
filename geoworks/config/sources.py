"""The tables of a source: where it is, and how its records become works."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from geoworks.config.table import Seconds, Share, Table


class DateKind(StrEnum):
    """How a source writes its days and hours."""

    MOMENT = "moment"
    WHOLE_DAY = "whole-day"


class Mapping(Table, frozen=True):
    """How a source's columns become the fields of a works."""

    version: Annotated[str, Meta(description="Change it to have unchanged records mapped again.")] = "1"
    key: Annotated[tuple[str, ...], Meta(description="Columns that compose the id.")] = ()
    fields: Annotated[
        dict[str, str], Meta(description="Field of a works (dotted, such as impact.vehicle_impact) = column.")
    ] = {}
    constants: Annotated[dict[str, str | int | float | bool], Meta(description="Field = value for every record.")] = {}
    values: Annotated[
        dict[str, dict[str, str]], Meta(description="Field = table from the column's value to ours; * for any other.")
    ] = {}
    split: Annotated[dict[str, str], Meta(description="Field = separator at which a text becomes a list.")] = {}
    date_format: Annotated[str, Meta(description="strptime format of the dates; empty: ISO 8601 and French forms.")] = (
        ""
    )
    dates: Annotated[DateKind, Meta(description="moment, or whole-day for dates without hours.")] = DateKind.MOMENT
    time_zone: Annotated[str, Meta(description="Time zone of dates without offset; empty: the town's.")] = ""
    end_inclusive: Annotated[bool, Meta(description="Whether a whole-day end is the last day of the works.")] = True
    midnight_shift: Annotated[
        bool, Meta(description="Mend local midnights that were written as UTC: they become midnight again.")
    ] = False
    offset_shift_h: Annotated[
        float, Meta(ge=-24, le=24, description="Hours to add to every date, to undo an exporter's fault.")
    ] = 0.0
    where: Annotated[
        dict[str, tuple[str, ...]], Meta(description="Column = values; other records are left out (not rejected).")
    ] = {}


class SourceTable(Table, frozen=True):
    """One source of works: a file or URL that GDAL reads."""

    url: Annotated[str, Meta(description="File or http(s) URL.")]
    layer: Annotated[str, Meta(description="Layer; empty for the only one.")] = ""
    crs: Annotated[str, Meta(description="CRS that overrides the file's, such as EPSG:2154; empty: the file's.")] = ""
    lon: Annotated[str, Meta(description="Column of the longitude or x, for tables without geometry.")] = ""
    lat: Annotated[str, Meta(description="Column of the latitude or y, for tables without geometry.")] = ""
    wkt: Annotated[str, Meta(description="Column of the geometry as WKT, for tables without geometry.")] = ""
    encoding: Annotated[str, Meta(description="Encoding of the texts; empty: the file's.")] = ""
    interval_s: Annotated[float, Meta(ge=0, description="Time between two synchronisations; 0: only when asked.")] = (
        900.0
    )
    timeout_s: Annotated[Seconds, Meta(description="Time one reading may take.")] = 60.0
    removal_guard: Annotated[Share, Meta(description="Share of live records whose removal waits for a person.")] = 0.3
    headers: Annotated[
        dict[str, str], Meta(description="HTTP headers to send; $NAME is taken from the environment.")
    ] = {}
    mapping: Mapping = Mapping()
