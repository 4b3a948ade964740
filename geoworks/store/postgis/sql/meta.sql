-- name: server
-- Tell what the server is: its version, whether it only follows another one, whether it syncs, and where PostGIS is.
SELECT
    current_setting('server_version_num')::integer AS version,
    pg_is_in_recovery() AS follows,
    (SELECT extversion FROM pg_extension WHERE extname = 'postgis') AS postgis,
    (
        SELECT nspname FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace
        WHERE extname = 'postgis'
    ) AS postgis_schema,
    EXISTS (SELECT FROM pg_available_extensions WHERE name = 'postgis') AS postgis_installed;

-- name: holder
-- Find out who holds the lock of the one that writes.
SELECT coalesce(nullif(application_name, ''), 'process ' || activity.pid) AS holder
FROM pg_locks JOIN pg_stat_activity AS activity USING (pid)
WHERE locktype = 'advisory' AND classid = ($1::bigint >> 32)::oid AND objid = ($1::bigint & 4294967295)::oid
AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND granted;

-- name: take_lock
-- Take the lock of the one that writes, if nobody has it; it goes with the connection.
SELECT pg_try_advisory_lock($1);

-- name: schema
-- Tell whether our schema is there, whether it holds tables, whether they are ours, and what we may do.
SELECT
    to_regnamespace('geoworks') IS NOT NULL AS there,
    EXISTS (SELECT FROM pg_class WHERE relnamespace = to_regnamespace('geoworks') AND relkind = 'r') AS filled,
    EXISTS (SELECT FROM pg_class WHERE relnamespace = to_regnamespace('geoworks') AND relname = 'migrations') AS ours,
    CASE
        WHEN to_regnamespace('geoworks') IS NULL
        THEN has_database_privilege(current_database(), 'CREATE')
        ELSE has_schema_privilege('geoworks', 'CREATE')
    END AS may_create;

-- name: schema_number
-- Tell the number of the last migration.
SELECT coalesce(max(number), 0) FROM geoworks.migrations;

-- name: lock_migrations
-- Let one process migrate at a time.
SELECT pg_advisory_xact_lock($1);

-- name: begin_migrations
-- Make the place of the migrations.
CREATE SCHEMA IF NOT EXISTS geoworks;

-- name: make_migrations_table
-- Make the list of the migrations that were run.
CREATE TABLE IF NOT EXISTS geoworks.migrations (
    number integer PRIMARY KEY,
    name text NOT NULL,
    at timestamptz NOT NULL DEFAULT now()
);

-- name: note_migration
-- Note that a migration was run.
INSERT INTO geoworks.migrations (number, name) VALUES ($1, $2);

-- name: rights
-- Tell which of the rights that serving needs this role lacks.
SELECT name || ' on ' || relation AS lacking
FROM (
    VALUES
        ('head', 'SELECT, UPDATE'),
        ('commits', 'SELECT, INSERT, DELETE'),
        ('features', 'SELECT, INSERT, UPDATE, DELETE'),
        ('versions', 'SELECT, INSERT, DELETE'),
        ('log', 'SELECT, INSERT, DELETE'),
        ('replies', 'SELECT, INSERT, UPDATE, DELETE'),
        ('documents', 'SELECT, INSERT, UPDATE, DELETE'),
        ('migrations', 'SELECT')
) AS needed (relation, names)
CROSS JOIN LATERAL unnest(string_to_array(names, ', ')) AS name
WHERE NOT has_table_privilege('geoworks.' || relation, name)
UNION ALL
SELECT 'TEMPORARY on this database' WHERE NOT has_database_privilege(current_database(), 'TEMPORARY');

-- name: home
-- Tell what names this database among all that hold a copy of it: the cluster, its timeline, the database, the table.
SELECT concat_ws(
    '/',
    (SELECT system_identifier FROM pg_control_system()),
    substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8),
    (SELECT oid FROM pg_database WHERE datname = current_database()),
    'geoworks.log'::regclass::oid
);

-- name: head
-- Tell where the log stands.
SELECT epoch, last, pruned, home, arriving FROM geoworks.head;

-- name: begin_epoch
-- Name the log anew, in this database.
UPDATE geoworks.head SET epoch = $1, home = $2;

-- name: become_writer
-- Let this process write, and no other that did before.
UPDATE geoworks.head SET writer = $1;

-- name: hold_head
-- Wait for whoever is committing, and keep others out until the end of the transaction.
SELECT writer, last, pruned FROM geoworks.head FOR UPDATE;

-- name: advance
-- Take the next offsets for a commit, if this process may still write and the log is where it left it.
WITH moved AS (
    UPDATE geoworks.head SET last = last + $1 WHERE writer = $2 AND last = $3 RETURNING last
)
INSERT INTO geoworks.commits (id) SELECT $4 FROM moved RETURNING id;

-- name: find_commit
-- Tell whether a commit went through.
SELECT EXISTS (SELECT FROM geoworks.commits WHERE id = $1);

-- name: drop_old_commits
-- Forget the commits nobody can be in doubt about any more.
DELETE FROM geoworks.commits WHERE at < now() - interval '1 day';

-- name: note_pruned
-- Note up to which offset the log was dropped.
UPDATE geoworks.head SET pruned = $1;

-- name: schema_owned
-- Tell whether this role may give rights on our schema.
SELECT pg_has_role(nspowner, 'USAGE') FROM pg_namespace WHERE nspname = 'geoworks';

-- name: aside_name
-- Say, until the end of the transaction, under which name our schema is to be kept aside.
SELECT set_config('geoworks.aside', $1, true);

-- name: keep_aside
-- Give our schema, with all that is in it, the name that was said.
DO $$ BEGIN EXECUTE format('ALTER SCHEMA geoworks RENAME TO %I', current_setting('geoworks.aside')); END $$;

-- name: described
-- Tell how the server is named and whether it syncs.
SELECT
    current_setting('server_version') AS server,
    (SELECT extversion FROM pg_extension WHERE extname = 'postgis') AS postgis,
    current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on' AS syncs;
