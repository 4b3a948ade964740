"""`geoworks inspect`, `geoworks sync` and `geoworks zones`: what comes in from the GIS."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
import msgspec
from msgspec import structs
from rich.table import Table

from feeds.inspect import Findings, inspect_address
from feeds.sources.gdal import Asked
from geoworks.cli.frame import PARTLY, command, config_option, err, harmless, remark, say, settings_of
from geoworks.cli.help import Command, Group
from geoworks.cli.local import LocalClient, open_local
from geoworks.ids import check_source_name

_SHOWN_REJECTED = 20
_COUNTS = ("read", "added", "changed", "unchanged", "removed", "held", "rejected", "ignored")


@click.command(
    cls=Command,
    examples=(
        "geoworks inspect travaux.gpkg",
        "geoworks inspect https://sig.example.org/travaux.geojson >> config.toml",
    ),
)
@click.argument("source", metavar="FILE_OR_URL")
@click.option("--layer", default="", help="Layer, where there are several.")
@click.option("--name", default="", help="Name of the source in the printed configuration.")
@config_option
@command
async def inspect(*, source: str, layer: str, name: str, config: Path | None) -> None:
    """Show a file's fields and print the configuration that reads it.

    The mapping is guessed from names and values: look it over, then put it into config.toml. It goes to standard
    output alone, so it can be appended.
    """
    if name:
        check_source_name(name)
    settings = settings_of(config)
    asked = Asked(address=source, layer=layer, limits=settings.limits)
    with err.status(f"reading {harmless(source)}"):
        found = await inspect_address(asked, time_zone=settings.town.time_zone)
    _show_findings(found)
    click.echo((structs.replace(found, name=name) if name else found).toml)


@click.command(
    cls=Command,
    examples=(
        "geoworks sync voirie --dry-run",
        "geoworks sync voirie",
        "geoworks sync voirie --file export-du-jour.zip",
        "geoworks sync voirie --release",
    ),
)
@click.argument("source")
@click.option("--dry-run", is_flag=True, help="Tell what would change and write nothing.")
@click.option("--file", "file", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Read this instead.")
@click.option("--release", is_flag=True, help="Carry out the removals that wait for a person.")
@config_option
@command
async def sync(*, source: str, dry_run: bool, file: Path | None, release: bool, config: Path | None) -> None:
    """Synchronise a source of the configuration now, by difference.

    Exit code 3 when records were rejected or removals wait for a person.
    """
    if release and (dry_run or file):
        raise click.UsageError("--release stands alone: it carries out what the last synchronisation left")
    door = f"/v1/sync/{quote(source, safe='')}"
    async with open_local(settings_of(config)) as town:
        if release:
            await _release(town, door)
            return
        with err.status(f"synchronising {harmless(source)}"):
            report = await _synchronise(town, door, dry_run=dry_run, file=file)
    _show_report(report)
    if report["counts"]["rejected"] or report["counts"]["held"]:
        sys.exit(PARTLY)


@click.group(cls=Group)
def zones() -> None:
    """Manage the traffic zones."""


@zones.command("import", examples=("geoworks zones import quartiers.gpkg",))
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@config_option
@command
async def import_zones(*, file: Path, config: Path | None) -> None:
    """Replace all zones by the polygons of a file in any format that GDAL reads; all works are joined anew."""
    async with open_local(settings_of(config)) as town:
        with err.status(f"importing {harmless(str(file))}"):
            counts = await town.upload("/v1/zones", file)
    told = ", ".join(f"{number} {what}" for what, number in counts.items() if number)
    say(f"zones: {told or 'none'}")


async def _synchronise(town: LocalClient, door: str, *, dry_run: bool, file: Path | None) -> Any:  # noqa: ANN401 - any JSON
    door = f"{door}?dry_run=true" if dry_run else door
    return await (town.upload(door, file) if file else town.post(door))


async def _release(town: LocalClient, door: str) -> None:
    held = msgspec.json.decode(await town.read(door))["counts"]["held"]
    await town.post(f"{door}/release")
    say(f"{held} removed" if held else "no removal waited")


def _show_findings(found: Findings) -> None:
    kinds = ", ".join(f"{number} {kind}" for kind, number in found.geometry_kinds.items())
    crs = found.crs or "no CRS"
    remark(f"{found.address}: layer {found.layer}, {found.records} records, {crs}, {kinds or 'no geometry'}")
    table = Table(expand=True)
    for heading in ("column", "type", "filled"):
        table.add_column(heading, overflow="fold")
    table.add_column("samples", ratio=1, no_wrap=True, overflow="ellipsis")
    for column in found.columns:
        samples = " | ".join(column.samples)
        table.add_row(*map(harmless, (column.name, column.type, str(column.filled), samples)))
    err.print(table)
    for note in found.notes:
        remark(f"note: {note}")


def _show_report(report: dict[str, Any]) -> None:
    counts = report["counts"]
    told = ", ".join(f"{counts[name]} {name}" for name in _COUNTS if counts[name])
    say(f"{'dry run, nothing was written' if report['dry_run'] else 'done'}: {told or 'nothing to read'}")
    for rejected in report["rejected"][:_SHOWN_REJECTED]:
        for problem in rejected["problems"]:
            where = f"record {rejected['position']} ({rejected['source_id'] or 'no id'}) {problem['where']}"
            mend = f" ({problem['mend']})" if problem["mend"] else ""
            say(f"  rejected {where}: {problem['what']}{mend}")
    if (more := counts["rejected"] - _SHOWN_REJECTED) > 0:
        say(f"  ... and {more} more; GET /v1/sync/{report['source']} tells them all")
    if counts["held"]:
        say(f"{counts['held']} removals wait for a person; when they are right: --release")
