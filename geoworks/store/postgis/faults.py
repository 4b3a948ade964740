"""What goes wrong on the way to PostgreSQL and in it, told as the store's errors, each with its mend."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import asyncpg

from geoworks.errors import Overtaken, StoreBusy, StoreError, StoreFull, StoreReadOnly, StoreUnreachable, StoreUnusable

# SQLSTATE (appendix A of PostgreSQL's manual) and how it is told; classes of two characters stand for all in them.
_TOLD: Mapping[str, tuple[type[StoreError], str]] = {
    "08": (StoreUnreachable, "see that the server runs and that the network lets us through"),
    "22": (StoreUnusable, "a value does not fit; report it with this message"),
    # Features are written by whoever read them last: what another node made meanwhile, or waits for us with, is theirs.
    "23505": (Overtaken, "another node wrote it at the same moment: send it again"),
    "40001": (Overtaken, "another node wrote it at the same moment: send it again"),
    "40P01": (Overtaken, "another node wrote it at the same moment: send it again"),
    "25006": (StoreReadOnly, "it follows another server: name the primary, or target_session_attrs=read-write"),
    "28000": (StoreUnusable, "the server does not let this role in: look at its pg_hba.conf and at store.dsn"),
    "28P01": (StoreUnusable, "mend the password: PGPASSWORD, ~/.pgpass or GEOWORKS_STORE_DSN"),
    "3D000": (StoreUnusable, "create the database, or name another in store.dsn"),
    "3F000": (StoreUnusable, "run: geoworks store migrate"),
    "42501": (StoreReadOnly, "grant this role what `geoworks store setup-sql` lists for its writer"),
    "42703": (StoreUnusable, "another program changed the schema geoworks; restore a backup"),
    "42P01": (StoreUnusable, "the tables are gone: run geoworks store migrate, or restore a backup"),
    "53100": (StoreFull, "no room on the server's disk: free some; nothing was lost"),
    "53200": (StoreError, "the server is out of memory: give it more, or lower store.pool_size"),
    "53300": (StoreBusy, "the server has no connection left: raise its max_connections, or lower store.pool_size"),
    "55P03": (StoreBusy, "another program holds a lock on our tables: end it there"),
    "57014": (StoreBusy, "it took too long: look for what slows the server down, or raise store.command_timeout_s"),
    "57P": (StoreUnreachable, "the server is starting or stopping; we go on when it is back"),
    "58": (StoreError, "the server's disk failed: look at its log"),
    "XX001": (StoreUnusable, "the server's files are damaged: restore a backup"),
    "XX002": (StoreUnusable, "an index of the server is damaged: REINDEX it, or restore a backup"),
}
_OTHERWISE = (StoreError, "look at the server's log, and report it when the server is well")


# What the driver raises on a connection, broken or not, but for a misuse of it.
DRIVER = (asyncpg.PostgresError, asyncpg.InternalClientError, OSError)


class Cut(Exception):
    """The connection broke, or was given up, before anything was committed on it."""


class CutDuringCommit(Exception):
    """The connection broke, or was given up, when the commit had been asked for and not been answered."""


def is_cut(error: BaseException) -> bool:
    """Tell whether an error means that the connection is gone, or that nobody knows what the server still does."""
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "").startswith(("08", "57P"))
    return is_unasked(error) or isinstance(error, (OSError, asyncpg.InternalClientError))


def is_unasked(error: BaseException) -> bool:
    """Tell whether an error means that the connection was gone before anything was sent on it."""
    if isinstance(error, asyncpg.InternalClientError):
        # The driver's own state is broken where the server said farewell and its end has not come yet.
        return "cannot switch to state" in str(error)
    return isinstance(error, asyncpg.InterfaceError) and "closed" in str(error)


@contextmanager
def translated(where: str) -> Iterator[None]:
    """Turn errors of the driver, the network and the server into the store's errors; `where` names the database."""
    try:
        yield
    except (*DRIVER, asyncpg.DataError, asyncpg.ClientConfigurationError, Cut) as error:
        raise fault(error, where) from error
    except asyncpg.InterfaceError as error:
        if not is_cut(error):
            raise  # a misuse of the driver is our bug, not a fault of the server
        raise fault(error, where) from error


def fault(error: BaseException, where: str) -> StoreError:
    """Return an error of the driver, the network or the server as the store's."""
    if isinstance(error, Cut) and error.__cause__ is not None:
        return fault(error.__cause__, where)
    if isinstance(error, asyncpg.PostgresError):
        kind, mend = told_as(error.sqlstate or "")
        return kind(f"{where}: {error.args[0] if error.args else type(error).__name__} ({mend})")
    if isinstance(error, asyncpg.ClientConfigurationError):
        return StoreUnusable(f"store.dsn is no address: {error} (the form is postgresql://role@host:5432/database)")
    if isinstance(error, asyncpg.DataError):
        return StoreUnusable(f"{where}: {error} (a value does not fit; report it with this message)")
    if isinstance(error, TimeoutError):
        return StoreUnreachable(f"{where} does not answer in time: see that the server runs and is not overloaded")
    detail = str(error) or type(error).__name__
    return StoreUnreachable(
        f"{where} cannot be reached ({detail}): see that the server runs and that store.dsn is right"
    )


def told_as(sqlstate: str) -> tuple[type[StoreError], str]:
    """Return the error and the mend of a SQLSTATE: of itself, of its beginning, else the general one."""
    for length in (5, 3, 2):
        if found := _TOLD.get(sqlstate[:length]):
            return found
    return _OTHERWISE
