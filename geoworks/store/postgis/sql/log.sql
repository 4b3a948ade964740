-- name: changes_after
-- Read the entries after an offset, at most so many.
SELECT "offset", at, kind, id, op, reason, version, before, before_geometry
FROM geoworks.log
WHERE "offset" > $1
ORDER BY "offset"
LIMIT $2;

-- name: followed
-- Tell where the log stands, and read the entries after an offset, at most so many, with the records after them.
SELECT
    head.epoch, head.last,
    entry."offset", entry.at, entry.kind, entry.id, entry.op, entry.reason, entry.version, entry.before,
    entry.before_geometry, entry.revision, kept.record, kept.zones_at, kept.at AS written
FROM geoworks.head
LEFT JOIN LATERAL (
    SELECT * FROM geoworks.log WHERE "offset" > $1 ORDER BY "offset" LIMIT $2
) AS entry ON true
-- OFFSET keeps the planner, which takes a page for a tenth of the log, from reading all records to find those of one.
LEFT JOIN LATERAL (SELECT * FROM geoworks.records WHERE revision = entry.revision OFFSET 0) AS kept ON true
ORDER BY entry."offset";

-- name: number
-- Give the oldest entries that wait their offsets, at most so many, if this node is the one that numbers.
-- $1 names it, $2 is where it knows the log to stand, $3 the offset of the zones that hold, $4 the most entries. What
-- was joined with older zones waits, and so does all behind it, and what is behind zones that move. There is one row at
-- least, which tells whether it is the one, where the log stood, and whether anything has to wait.
WITH waiting AS MATERIALIZED (
    SELECT
        log.revision,
        row_number() OVER (ORDER BY transaction, log.revision) AS place,
        kind = 'zone' AND reason <> 'level' AS moves,
        kind <> 'zone' AS is_joined,
        -- What somebody took back meanwhile cannot be joined again, and need not.
        record IS NOT NULL AND zones_at < $3 AS is_stale
    FROM geoworks.log
    LEFT JOIN geoworks.records ON records.revision = log.revision
    WHERE "offset" IS NULL AND transaction < pg_snapshot_xmin(pg_current_snapshot())
    ORDER BY transaction, log.revision
    LIMIT $4
),
marked AS (
    SELECT place, is_joined AND (is_stale OR bool_or(moves) OVER (ORDER BY place)) AS stops
    FROM waiting
),
due AS MATERIALIZED (
    SELECT revision, place FROM waiting
    WHERE place < coalesce((SELECT min(place) FROM marked WHERE stops), $4 + 1)
),
moved AS (
    UPDATE geoworks.head SET last = last + (SELECT count(*) FROM due)
    WHERE writer = $1 AND last = $2 AND EXISTS (SELECT FROM due)
    RETURNING last - (SELECT count(*) FROM due) AS base
),
numbered AS (
    UPDATE geoworks.log SET "offset" = moved.base + due.place
    FROM due CROSS JOIN moved
    WHERE log.revision = due.revision
    RETURNING log.*
)
SELECT
    writer = $1 AS ours, last, EXISTS (SELECT FROM marked WHERE stops) AS stopped,
    "offset", numbered.at, kind, id, op, reason, version, before, before_geometry, numbered.revision, record, zones_at,
    records.at AS written
FROM geoworks.head
LEFT JOIN numbered ON true
LEFT JOIN geoworks.records ON records.revision = numbered.revision
ORDER BY "offset";

-- name: check_order
-- See, at the end of a transaction, that its changes will be numbered after those they were made after.
SELECT geoworks.check_order();

-- name: waiting
-- Read the oldest entries that can be numbered, at most so many.
SELECT log.revision, kind, id, record, coalesce(zones_at, 0) AS zones_at
FROM geoworks.log
LEFT JOIN geoworks.records ON records.revision = log.revision
WHERE "offset" IS NULL AND transaction < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY transaction, log.revision
LIMIT $1;

-- name: rejoined_records
-- Put records that were joined again in the place of those they were made from.
UPDATE geoworks.records SET record = fresh.record, zones_at = fresh.zones_at
FROM unnest($1::bigint[], $2::bytea[], $3::bigint[]) AS fresh (revision, record, zones_at)
WHERE records.revision = fresh.revision;

-- name: rejoined_features
-- Write what was joined again to the features that are still as they were then; in the order in which others keep them.
WITH held AS MATERIALIZED (
    SELECT features.number, fresh.derived
    FROM geoworks.features
    JOIN unnest($1::bigint[], $2::jsonb[]) AS fresh (revision, derived) USING (revision)
    ORDER BY features.kind COLLATE "C", features.id COLLATE "C"
    FOR UPDATE OF features
)
UPDATE geoworks.features SET derived = held.derived
FROM held
WHERE features.number = held.number;

-- name: last_before
-- Tell up to which offset all entries are older than a moment.
SELECT coalesce(
    (SELECT "offset" - 1 FROM geoworks.log WHERE at >= $1 AND "offset" IS NOT NULL ORDER BY "offset" LIMIT 1),
    (SELECT last FROM geoworks.head)
);

-- name: drop_changes
-- Drop the entries up to an offset, and tell how many there were.
WITH dropped AS (DELETE FROM geoworks.log WHERE "offset" <= $1 RETURNING 1) SELECT count(*) FROM dropped;

-- name: drop_records
-- Drop some of the records of entries that every node has followed long ago, and tell how many.
WITH old AS (
    SELECT records.revision
    FROM geoworks.records
    LEFT JOIN geoworks.log ON log.revision = records.revision
    WHERE records.at < clock_timestamp() - make_interval(secs => $1)
    AND (log.revision IS NULL OR log."offset" IS NOT NULL)
    LIMIT $2
),
dropped AS (DELETE FROM geoworks.records USING old WHERE records.revision = old.revision RETURNING 1)
SELECT count(*) FROM dropped;

-- name: forget_records
-- Drop what was written of a feature before a revision: somebody took it back.
UPDATE geoworks.records SET record = NULL
FROM geoworks.log
WHERE records.revision = log.revision AND log.kind = $1 AND log.id = $2 AND log.revision < $3;
