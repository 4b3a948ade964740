"""Whether a server can keep a town: its version, PostGIS, our schema and our rights."""

from __future__ import annotations

from datetime import datetime

import asyncpg

from geoworks.clock import SystemClock
from geoworks.errors import StoreReadOnly, StoreUnusable
from geoworks.store.postgis.faults import translated
from geoworks.store.postgis.place import Place
from geoworks.store.postgis.queries import SQL

# What has security fixes when this is written, less one.
OLDEST_SERVER = 14
OLDEST_POSTGIS = 3


async def check_server(
    connection: asyncpg.Connection, name: str, *, server: int = OLDEST_SERVER, postgis: int = OLDEST_POSTGIS
) -> str:
    """Return the schema that PostGIS is installed in; `server` and `postgis` are the oldest releases that will do.

    Raises:
        StoreUnusable: the server or PostGIS is too old, or PostGIS is missing.
        StoreReadOnly: the server only follows another one.

    """
    found = await connection.fetchrow(SQL["server"])
    version = found["version"] // 10_000
    if version < server:
        raise StoreUnusable(f"{name}: PostgreSQL {version} is too old: move it to {server} or later")
    if found["follows"]:
        raise StoreReadOnly(f"{name}: it follows another server: name the primary in store.dsn")
    if found["postgis"] is None:
        mend = "CREATE EXTENSION postgis; in this database, as a superuser"
        if not found["postgis_installed"]:
            mend = f"install PostGIS on the server (Debian: postgresql-{version}-postgis-3), then {mend}"
        raise StoreUnusable(f"{name} has no PostGIS: {mend}")
    if int(found["postgis"].partition(".")[0]) < postgis:
        raise StoreUnusable(f"{name}: PostGIS {found['postgis']} is too old: move it to {postgis}.0 or later")
    return str(found["postgis_schema"])


async def check_rights(connection: asyncpg.Connection, name: str) -> None:
    """See that this role may do what serving needs.

    Raises:
        StoreReadOnly: it may not; every right that is missing is named.

    """
    lacking = [row["lacking"] for row in await connection.fetch(SQL["rights"])]
    if lacking:
        raise StoreReadOnly(
            f"{name}: this role lacks {', '.join(lacking)}: "
            "grant it what `geoworks store setup-sql` lists for its writer"
        )


def check_clock(now: datetime, name: str, *, alarm_s: float) -> None:
    """See that the clocks of a server, where it is `now`, and of this machine go alike.

    Raises:
        StoreUnusable: they do not.

    """
    ahead_s = (SystemClock().now() - now).total_seconds()
    if abs(ahead_s) > alarm_s:
        raise StoreUnusable(
            f"{name}: this machine's clock is {ahead_s:+.1f} s off the server's, so works would begin at another "
            "moment at each node: let both follow NTP (timedatectl), or raise node.clock_alarm_s"
        )


async def find_postgis(place: Place) -> str:
    """Return the schema of PostGIS on a server that can keep a town.

    Raises:
        StoreError: it cannot be reached, or cannot keep one.

    """
    connection = await place.probe()
    try:
        with translated(place.name):
            return await check_server(connection, place.name)
    finally:
        await connection.close()
