-- Roles for a town on PostgreSQL, each with no more than it needs. Run it in the town's database as a superuser:
--
--     createdb town
--     geoworks store setup-sql | psql -d town -v ON_ERROR_STOP=1
--
-- then give the two that log in a password (in psql: \password geoworks_owner, \password geoworks_writer), let the
-- owner make the tables (GEOWORKS_STORE_DSN=postgresql://geoworks_owner@host/town geoworks store migrate), and have
-- the service log in as geoworks_writer. It may be run again.
--
--   geoworks_owner    owns the tables; logs in for `geoworks store migrate`, `copy` and `geoworks restore`
--   geoworks_writer   the service: reads and writes rows, changes no table
--   geoworks_reader   people's roles are members of it: it reads the views for a GIS, nothing else

DO $$
BEGIN
    IF to_regrole('geoworks_owner') IS NULL THEN CREATE ROLE geoworks_owner LOGIN; END IF;
    IF to_regrole('geoworks_writer') IS NULL THEN CREATE ROLE geoworks_writer LOGIN; END IF;
    IF to_regrole('geoworks_reader') IS NULL THEN CREATE ROLE geoworks_reader NOLOGIN; END IF;
END
$$;

CREATE EXTENSION IF NOT EXISTS postgis;
CREATE SCHEMA IF NOT EXISTS geoworks AUTHORIZATION geoworks_owner;

DO $$
DECLARE
    postgis name := (
        SELECT nspname FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace WHERE extname = 'postgis'
    );
BEGIN
    EXECUTE format('GRANT CONNECT, CREATE ON DATABASE %I TO geoworks_owner', current_database());
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO geoworks_writer, geoworks_reader', current_database());
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO geoworks_owner, geoworks_writer, geoworks_reader', postgis);
END
$$;
