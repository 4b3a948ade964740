"""The sample town as a running service: filled by the doors a real town uses, then moved by the script."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path

from rich.console import Console

from geoworks.app import keep_current, open_doors, open_town
from geoworks.clock import Clock, SystemClock
from geoworks.config.settings import Data, MapsTable, Server, Settings, ZonesTable
from geoworks.config.settings import Town as TownTable
from geoworks.config.sources import DateKind, Mapping, SourceTable
from geoworks.demo import town as sample
from geoworks.demo.script import play
from geoworks.errors import ConfigError, Problem
from geoworks.model.change import Reason
from geoworks.model.report import Report
from geoworks.pipeline import works as works_edits
from geoworks.pipeline.draft import Draft, report_key
from geoworks.pipeline.intake import works_from_feature
from geoworks.pipeline.keys import Role
from geoworks.supervisor import supervised
from geoworks.town import Town

SOURCE = "voirie"
_DRAIN_S = 2.0
_MARK = "sample-town.txt"

_MAPPING = Mapping(
    key=("numero",),
    fields={
        "title": "objet",
        "description": "description",
        "road_names": "rue",
        "promoter": "maitre_ouvrage",
        "schedule.start": "date_debut",
        "schedule.end": "date_fin",
        "impact.vehicle_impact": "circulation",
        "impact.parking": "stationnement",
        "impact.footway": "trottoir",
    },
    constants={"road_authority": "Ville de Saint-Michel-sur-Orge"},
    values={
        "impact.vehicle_impact": {
            "ALTERNAT": "alternating-one-way",
            "BARREE": "all-lanes-closed",
            "DEMI_CHAUSSEE": "some-lanes-closed",
            "CHAUSSEE_RETRECIE": "all-lanes-open-shift-left",
            "SANS": "all-lanes-open",
            "*": "unknown",
        },
        "impact.parking": {"INTERDIT": "suspended", "REDUIT": "reduced", "*": "unknown"},
        "impact.footway": {"DEVIE": "diverted", "RETRECI": "narrowed", "BARRE": "closed", "*": "unknown"},
    },
    dates=DateKind.WHOLE_DAY,
)


async def run_demo(
    *, port: int, data_dir: Path, until: Callable[[], Awaitable[object]], clock: Clock | None = None
) -> None:
    """Serve the sample town on `port` until `until` returns; print its addresses and a staff key.

    Raises:
        ConfigError: the folder holds something else, or the port is taken.
        Invalid: the folder cannot be written.
        StoreError: the same, or another process uses it.

    """
    time = clock or SystemClock()
    settings = prepare(port=port, data_dir=data_dir, today=_day(time))
    async with open_town(settings, clock=time) as town, open_doors(town) as address, keep_current(town):
        await fill(town)
        _introduce(address, await staff_key(town))
        async with supervised({"demo script": lambda: play(town.desk)}):
            await until()
        await town.hub.drain(_DRAIN_S)


def prepare(*, port: int, data_dir: Path, today: date | None = None) -> Settings:
    """Write what the town's GIS would give out today, and return the settings that read it.

    Raises:
        ConfigError: the folder holds something else.

    """
    claim(data_dir)
    gis = data_dir / "gis"
    gis.mkdir(exist_ok=True)
    (gis / "zones.geojson").write_bytes(sample.zones_geojson())
    (gis / "travaux.geojson").write_bytes(sample.gis_export(today or _day(SystemClock())))
    return Settings(
        town=TownTable(name="Saint-Michel-sur-Orge"),
        server=Server(port=port),
        data=Data(dir=str(data_dir)),
        zones=ZonesTable(file=str(gis / "zones.geojson"), id="id", name="nom"),
        maps=MapsTable(debounce_s=3.0),
        sources={SOURCE: SourceTable(url=str(gis / "travaux.geojson"), mapping=_MAPPING, interval_s=60.0)},
    )


def claim(data_dir: Path) -> None:
    """Make a folder the sample town's own, or see that it is.

    Raises:
        ConfigError: it holds something else, which must not be mixed with made-up works.

    """
    mark = data_dir / _MARK
    data_dir.mkdir(parents=True, exist_ok=True)
    if mark.exists():
        return
    if any(data_dir.iterdir()):
        fault = "holds something that is not the sample town's, and is left as it is"
        raise ConfigError(Problem(str(data_dir), fault, "name a new or empty folder with --data-dir"))
    mark.write_text("The sample town of `geoworks demo`; delete this folder to begin anew.\n", encoding="utf-8")


async def fill(town: Town) -> None:
    """Write the works of staff and the reports; what is there already stays as it is."""
    await town.syncs.sync(SOURCE, actor="demo")
    await town.desk.submit(_write_works(town.settings))
    await town.desk.submit(_write_reports)


async def staff_key(town: Town) -> str:
    """Make the demo's staff key anew, for only the hash of the last one is kept."""
    for key in town.keys.all():
        if key.name == "demo" and not key.revoked:
            await town.keys.revoke(key.id)
    _, secret = await town.keys.create("demo", Role.ADMIN)
    return secret


def _day(clock: Clock) -> date:
    return clock.now().astimezone(sample.TIME_ZONE).date()


def _write_works(settings: Settings) -> Callable[[Draft], None]:
    def write(draft: Draft) -> None:
        for id_, body in sample.staff_works(draft.now.astimezone(sample.TIME_ZONE).date()):
            works = works_from_feature(body, limits=settings.limits, zone=settings.town.time_zone)
            works_edits.replace(id_, works, actor="demo")(draft)

    return write


def _write_reports(draft: Draft) -> None:
    for report, place in sample.reports():
        key = report_key(report.id)
        if draft.get(key) is None:
            given = Report(
                category=report.category,
                geometry=place,
                text=report.text,
                place=report.place,
                released=report.released,
            )
            draft.put(key, given, reason=Reason.CREATED, actor="demo", source="demo")


def _introduce(address: str, secret: str) -> None:
    say = Console(highlight=False, soft_wrap=True).print
    say("\n[bold]geoworks[/] serves the sample town, after Saint-Michel-sur-Orge\n")
    for name, path in (
        ("live map", ""),
        ("report a problem", "report"),
        ("staff console", "staff"),
        ("generated maps", "maps/"),
        ("freshness", "status"),
    ):
        say(f"  {name:18} {address}{path}")
    say(f"\n  staff key          [bold]{secret}[/]\n")
    say(f"  try   curl {address}v1/works", style="dim")
    say(f"        geoworks watch {address}", style="dim")
    say("  stop  Ctrl-C\n", style="dim")
