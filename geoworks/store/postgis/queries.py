"""The SQL of the store on PostgreSQL by name."""

from __future__ import annotations

from importlib.resources import files
from typing import Final

from geoworks.store.queries import read_folder

SQL_DIR = files(__package__).joinpath("sql")
SQL: Final = read_folder(SQL_DIR)
