"""The store on a PostgreSQL server with PostGIS: for towns that outgrow one file, and for a GIS that looks in."""

from geoworks.store.postgis.store import PostgisStore

__all__ = ["PostgisStore"]
