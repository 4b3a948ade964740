"""The embedded store: one SQLite file, one process, one thread that writes."""

from geoworks.store.sqlite.store import SqliteStore

__all__ = ["SqliteStore"]
