"""`geoworks inspect`, `geoworks sync` and `geoworks zones`: what comes in from the GIS."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
from msgspec import structs
from rich.markup import escape
from rich.table import Table

from feeds.inspect import Findings, inspect_address
from feeds.sources.gdal import Asked
from geoworks.cli.frame import PARTLY, command, config_option, err, out, settings_of
from geoworks.cli.local import open_local

_SHOWN_REJECTED = 20
_COUNTS = ("read", "added", "changed", "unchanged", "removed", "held", "rejected", "ignored")


@click.command()
@click.argument("source", metavar="FILE_OR_URL")
@click.option("--layer", default="", help="Layer, where there are several.")
@click.option("--name", default="", help="Name of the source in the printed configuration.")
@config_option
@command
async def inspect(*, source: str, layer: str, name: str, config: Path | None) -> None:
    r"""Show the fields of a file with samples, and print the configuration that reads it.

    The mapping is guessed from names and values: look it over, then put it into config.toml. It goes to standard
    output alone, so it can be appended.

    \b
    Examples:
      geoworks inspect travaux.gpkg
      geoworks inspect https://sig.example.org/travaux.geojson >> config.toml
    """
    settings = settings_of(config)
    asked = Asked(address=source, layer=layer, limits=settings.limits)
    with err.status(f"reading {source}"):
        found = await inspect_address(asked, time_zone=settings.town.time_zone)
    _show_findings(found)
    click.echo((structs.replace(found, name=name) if name else found).toml)


@click.command()
@click.argument("source")
@click.option("--dry-run", is_flag=True, help="Tell what would change and write nothing.")
@click.option("--file", "file", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Read this instead.")
@click.option("--release", is_flag=True, help="Carry out the removals that wait for a person.")
@config_option
@command
async def sync(*, source: str, dry_run: bool, file: Path | None, release: bool, config: Path | None) -> None:
    r"""Synchronise a source of the configuration now, by difference.

    Exit code 3 when records were rejected or removals wait for a person.

    \b
    Examples:
      geoworks sync voirie --dry-run
      geoworks sync voirie
      geoworks sync voirie --file export-du-jour.zip
      geoworks sync voirie --release
    """
    door = f"/v1/sync/{quote(source, safe='')}"
    async with open_local(settings_of(config)) as town:
        with err.status(f"synchronising {source}"):
            report = await _synchronise(town, door, dry_run=dry_run, file=file, release=release)
    _show_report(report)
    if report["counts"]["rejected"] or report["counts"]["held"]:
        sys.exit(PARTLY)


@click.group()
def zones() -> None:
    """Manage the traffic zones."""


@zones.command("import")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@config_option
@command
async def import_zones(*, file: Path, config: Path | None) -> None:
    r"""Replace all zones by the polygons of a file in any format that GDAL reads; all works are joined anew.

    \b
    Examples:
      geoworks zones import quartiers.gpkg
    """
    async with open_local(settings_of(config)) as town:
        with err.status(f"importing {file}"):
            counts = await town.upload("/v1/zones", file)
    out.print(", ".join(f"{number} {what}" for what, number in counts.items()), markup=False)


async def _synchronise(town: Any, door: str, *, dry_run: bool, file: Path | None, release: bool) -> Any:  # noqa: ANN401 - any JSON
    if release:
        return await town.post(f"{door}/release")
    door = f"{door}?dry_run=true" if dry_run else door
    return await (town.upload(door, file) if file else town.post(door))


def _show_findings(found: Findings) -> None:
    kinds = ", ".join(f"{number} {kind}" for kind, number in found.geometry_kinds.items())
    err.print(
        f"{found.address}: layer {found.layer}, {found.records} records, {found.crs or 'no CRS'}, {kinds}", markup=False
    )
    table = Table()
    for heading in ("column", "type", "filled", "samples"):
        table.add_column(heading)
    for column in found.columns:
        samples = " | ".join(column.samples)
        table.add_row(*map(escape, (column.name, column.type, str(column.filled), samples)))
    err.print(table)
    for note in found.notes:
        err.print(f"note: {note}", markup=False)


def _show_report(report: dict[str, Any]) -> None:
    counts = ", ".join(f"{report['counts'][name]} {name}" for name in _COUNTS if report["counts"][name])
    out.print(f"{'would be' if report.get('dry_run') else 'done'}: {counts or 'nothing was read'}", markup=False)
    for rejected in report["rejected"][:_SHOWN_REJECTED]:
        for problem in rejected["problems"]:
            where = f"record {rejected['position']} ({rejected['source_id'] or 'no id'}) {problem['where']}"
            out.print(f"  rejected {where}: {problem['what']} ({problem['mend']})", markup=False)
    if (more := report["counts"]["rejected"] - _SHOWN_REJECTED) > 0:
        out.print(f"  ... and {more} more", markup=False)
    if report["counts"]["held"]:
        out.print("removals wait for a person: look at them, then use --release", markup=False)
