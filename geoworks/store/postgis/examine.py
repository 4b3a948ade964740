"""Whether a configured database can keep the town, found out without changing anything in it."""

from __future__ import annotations

from geoworks.config.settings import StoreTable
from geoworks.errors import StoreUnusable
from geoworks.store.postgis.faults import translated
from geoworks.store.postgis.migrate import known_migrations, lacks_nothing
from geoworks.store.postgis.place import Place
from geoworks.store.postgis.queries import SQL
from geoworks.store.postgis.server import check_clock, check_rights, find_postgis


async def examine(settings: StoreTable, *, clock_alarm_s: float) -> str:
    """Return what the database is, in a few words; its clock may be off this machine's by less than `clock_alarm_s`.

    Raises:
        StoreError: it cannot be reached, or cannot keep the town; the message tells the mend.

    """
    place = Place(settings)
    connection = await place.connect(await find_postgis(place))
    try:
        with translated(place.name):
            found = await connection.fetchrow(SQL["described"])
            if not found["syncs"]:
                raise StoreUnusable(f"{place.name}: fsync or full_page_writes is off: a crash could lose what was told")
            check_clock(found["now"], place.name, alarm_s=clock_alarm_s)
            made = await lacks_nothing(connection, place.name, known_migrations())
            if made:
                await check_rights(connection, place.name)
            tables = f"schema {len(known_migrations())}" if made else "its tables are made or migrated at the start"
            return f"{place.name}: PostgreSQL {found['server']}, PostGIS {found['postgis']}, {tables}"
    finally:
        await connection.close()
