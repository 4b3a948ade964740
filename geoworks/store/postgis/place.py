"""Where the database is: how it is reached, and how it is named without its password."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from typing import Any, Final

import asyncpg

from geoworks.config.settings import StoreTable
from geoworks.errors import StoreUnusable
from geoworks.store.postgis.faults import translated
from geoworks.store.postgis.queries import SQL

# The schema of our tables; that of PostGIS comes after it wherever it is.
SCHEMA: Final = "geoworks"
# What is accepted is on disk, and what a lost client holds is let go in a minute. No query of ours runs so long that
# compiling it would pay.
_SESSION: Final = {
    "synchronous_commit": "on",
    "idle_in_transaction_session_timeout": "60s",
    "client_connection_check_interval": "10s",
    "jit": "off",
    "tcp_keepalives_idle": "20",
    "tcp_keepalives_interval": "10",
    "tcp_keepalives_count": "3",
    "TimeZone": "UTC",
    "client_min_messages": "warning",
}
# What reads is planned once, without a look at the values: a plan made for those of a tile from afar takes what lies in
# it for little and sorts all there is, which made the first five tiles on each connection seven times as slow.
_READING: Final = {**_SESSION, "plan_cache_mode": "force_generic_plan"}


class Place:
    """A database on a server, and how to connect to it."""

    def __init__(self, settings: StoreTable) -> None:
        """Name it; nothing is asked yet."""
        self.settings = settings
        self.name = _name(settings.dsn)

    async def probe(self) -> asyncpg.Connection:
        """Connect without knowing anything about the server.

        Raises:
            StoreError: it cannot be reached, or refuses us.

        """
        if not self.settings.dsn:
            raise StoreUnusable("store.dsn is empty: name the database, such as postgresql://role@host/database")
        with translated(self.name):
            try:
                return await asyncpg.connect(**self._options())
            except (ValueError, OverflowError) as error:
                # What could not be read may be a piece of the password, so it is not told.
                if isinstance(error, asyncpg.InterfaceError):
                    raise
                mend = "the form is postgresql://role@host:5432/database; in a password write @ as %40, / as %2F"
                raise StoreUnusable(f"store.dsn is no address: its host or port cannot be read ({mend})") from error

    async def connect(self, postgis_schema: str) -> asyncpg.Connection:
        """Connect for our queries.

        Raises:
            StoreError: it cannot be reached, or refuses us.

        """
        with translated(self.name):
            connection = await asyncpg.connect(**self._options(postgis_schema))
            await know_geometries(connection, postgis_schema)
            return connection

    def pool(self, postgis_schema: str) -> Any:  # noqa: ANN401 - asyncpg has no types
        """Return a pool of connections that read, to be opened."""
        return asyncpg.create_pool(
            **self._options(postgis_schema, session=_READING),
            # Connections come with readers: one kept for nobody would be logged as lost when the server restarts.
            min_size=0,
            max_size=self.settings.pool_size,
            init=lambda connection: _begin(connection, postgis_schema),
            reset=_keep,
        )

    def _options(self, postgis_schema: str | None = None, *, session: Mapping[str, str] = _SESSION) -> dict[str, Any]:
        session = {**session, "application_name": f"geoworks {socket.gethostname()[:30]} process {os.getpid()}"}
        if postgis_schema is not None:
            session["search_path"] = f"{SCHEMA}, {_quoted(postgis_schema)}"
        return {
            "dsn": self.settings.dsn,
            "timeout": self.settings.connect_timeout_s,
            "command_timeout": self.settings.command_timeout_s,
            "server_settings": session,
        }


async def know_geometries(connection: asyncpg.Connection, postgis_schema: str) -> None:
    """Have geometries pass as extended WKB, both ways."""
    await connection.set_type_codec("geometry", schema=postgis_schema, encoder=bytes, decoder=bytes, format="binary")


async def _begin(connection: asyncpg.Connection, postgis_schema: str) -> None:
    """Make a connection ready to read, tiles among it."""
    await know_geometries(connection, postgis_schema)
    await connection.execute(SQL["keep_memory"])


async def _keep(connection: asyncpg.Connection) -> None:
    """Leave a connection as it is: readers change nothing about it, and cleaning up would be a way to the server."""


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _name(dsn: str) -> str:
    """Return the database and its host for messages."""
    # What is before the last @ may be a password, whatever stands in it.
    rest = dsn.rpartition("@")[2].rpartition("://")[2].partition("?")[0]
    host, _, database = rest.partition("/")
    return f"database {database or 'of store.dsn'} on {host or 'this machine'}"
