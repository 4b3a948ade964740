"""The command line: every command with its help, its examples and its exit code."""

from __future__ import annotations

import click

from geoworks import __version__
from geoworks.cli.backup import backup, restore
from geoworks.cli.configuration import check, init
from geoworks.cli.demo import demo
from geoworks.cli.documents import docs, schema
from geoworks.cli.frame import print_anything
from geoworks.cli.help import Group
from geoworks.cli.maps import map_
from geoworks.cli.people import key, report
from geoworks.cli.serve import serve
from geoworks.cli.sources import inspect, sync, zones
from geoworks.cli.store import store
from geoworks.cli.watch import watch

_EXIT_CODES = (
    "Exit codes: 0 it is done; 1 it could not be done, and the message says why and what to do; 2 the command was used "
    "wrongly; 3 it is done in part: records were rejected, or removals wait for a person; 130 it was interrupted."
)


@click.group(
    cls=Group,
    epilog=_EXIT_CODES,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    examples=(
        "geoworks demo                    look at a sample town",
        "geoworks init                    write a commented config.toml",
        "geoworks inspect travaux.gpkg    see a file's fields and get its mapping",
        "geoworks check                   find faults in the configuration",
        "geoworks serve                   start the service",
    ),
)
@click.version_option(__version__, package_name="geoworks")
def main() -> None:
    """Roadworks plannings and citizen reports, joined with traffic zones, streamed live."""
    print_anything()


for command in (
    init,
    check,
    serve,
    inspect,
    sync,
    zones,
    map_,
    key,
    report,
    watch,
    backup,
    restore,
    store,
    schema,
    docs,
    demo,
):
    main.add_command(command)
