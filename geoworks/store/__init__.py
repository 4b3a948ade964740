"""Where everything is kept: embedded in one file, or on a PostgreSQL server."""
