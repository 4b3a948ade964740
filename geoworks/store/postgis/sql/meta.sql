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
-- Find out who holds a lock.
SELECT coalesce(nullif(application_name, ''), 'process ' || activity.pid) AS holder
FROM pg_locks JOIN pg_stat_activity AS activity USING (pid)
WHERE locktype = 'advisory' AND classid = ($1::bigint >> 32)::oid AND objid = ($1::bigint & 4294967295)::oid
AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND granted;

-- name: take_lock
-- Take a lock, if nobody has it; it goes with the connection.
SELECT pg_try_advisory_lock($1);

-- name: share_lock
-- Take a lock together with all who share it, if nobody has it for himself; it goes with the connection.
SELECT pg_try_advisory_lock_shared($1);

-- name: drop_lock
-- Let go of a lock.
SELECT pg_advisory_unlock($1);

-- name: keep_memory
-- Have the server's process keep what memory a statement took for the next one, up to 16 MiB.
-- What glibc gives back to the system is twice the largest piece that was ever freed, so one large piece is taken here. A
-- tile of the most features takes some 10 MB; to get them anew, page by page, was a sixth to a quarter of its time.
SELECT length(repeat('x', 8388608));

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
        ('commits', 'SELECT, INSERT, UPDATE, DELETE'),
        ('collections', 'SELECT, INSERT, UPDATE'),
        ('records', 'SELECT, INSERT, UPDATE, DELETE'),
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
SELECT 'UPDATE of ' || name || ' on log'
FROM unnest('{offset,transaction}'::text[]) AS name
WHERE NOT has_column_privilege('geoworks.log', name, 'UPDATE')
UNION ALL
SELECT 'USAGE on revisions' WHERE NOT has_sequence_privilege('geoworks.revisions', 'USAGE');

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

-- name: hold_head
-- Tell where the log stands, and keep others from moving it until the end of the transaction.
SELECT epoch, last, pruned, home, arriving FROM geoworks.head FOR UPDATE;

-- name: begin_epoch
-- Name the log anew, in this database; what waits to be numbered may come from another one's transactions.
WITH waiting AS (UPDATE geoworks.log SET transaction = pg_current_xact_id() WHERE "offset" IS NULL)
UPDATE geoworks.head SET epoch = $1, home = $2;

-- name: become_writer
-- Let this process number, and no other that did before.
UPDATE geoworks.head SET writer = $1, leader = $2, seen = clock_timestamp();

-- name: beat
-- Let others see that this process, if it is the one that numbers, is alive.
UPDATE geoworks.head SET seen = clock_timestamp() WHERE writer = $1;

-- name: oust
-- End the connection of the one that numbers, if it was not heard of for so many seconds: its lock goes with it.
SELECT pg_terminate_backend(pid)
FROM pg_locks CROSS JOIN geoworks.head
WHERE locktype = 'advisory' AND classid = ($1::bigint >> 32)::oid AND objid = ($1::bigint & 4294967295)::oid
AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND granted
AND seen < clock_timestamp() - make_interval(secs => $2);

-- name: is_writer
-- Tell whether this process is still the one that numbers, and where the log stands.
SELECT writer = $1 AS ours, last FROM geoworks.head;

-- name: begin_commit
-- Note a commit, and take the revisions of what it writes.
WITH noted AS (INSERT INTO geoworks.commits (id) VALUES ($1))
SELECT array_agg(nextval('geoworks.revisions')) FROM generate_series(1, $2::integer);

-- name: prevent_commit
-- Keep a commit nobody heard of from going through, and tell whether that was in time, else its last change if noted.
-- Waits for the one under way.
INSERT INTO geoworks.commits (id, prevented) VALUES ($1, true)
ON CONFLICT (id) DO UPDATE SET at = commits.at
RETURNING prevented, revision;

-- name: outlook
-- Tell how the town stands: its log, what waits to be numbered, what holds it up, and the server's clock.
SELECT
    epoch, last, pruned, leader,
    (SELECT count(*) FROM geoworks.log WHERE "offset" IS NULL) AS waiting,
    coalesce((
        SELECT extract(EPOCH FROM clock_timestamp() - min(records.at))::double precision
        FROM geoworks.log JOIN geoworks.records USING (revision) WHERE "offset" IS NULL
    ), 0) AS waiting_s,
    coalesce((
        SELECT extract(EPOCH FROM clock_timestamp() - min(xact_start))::double precision
        FROM pg_stat_activity
        WHERE backend_xid IS NOT NULL AND pid <> pg_backend_pid()
    ), 0) AS transaction_s,
    clock_timestamp() AS now,
    (SELECT max(number) FROM geoworks.migrations) AS schema,
    (SELECT jsonb_object_agg(name, writings)::text FROM geoworks.collections) AS collections
FROM geoworks.head;

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
-- Tell how the server is named, whether it syncs, and what time it is there.
SELECT
    clock_timestamp() AS now,
    current_setting('server_version') AS server,
    (SELECT extversion FROM pg_extension WHERE extname = 'postgis') AS postgis,
    current_setting('fsync') = 'on' AND current_setting('full_page_writes') = 'on' AS syncs;

-- name: notify
-- Tell all who listen to a channel that there is news.
SELECT pg_notify($1, '');

-- name: zones_moved
-- Tell after which entry the zones have been as they are; 0 when that is not in the log any more.
SELECT coalesce(max("offset"), 0) FROM geoworks.log WHERE kind = 'zone' AND reason <> 'level';
