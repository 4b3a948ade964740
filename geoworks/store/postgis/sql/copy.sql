-- name: next_versions
-- Read the versions that come after a number, at most so many.
SELECT number, kind, id, version, at, reason, actor, geometry, given, overlay
FROM geoworks.versions
WHERE number > $1
ORDER BY number
LIMIT $2;

-- name: next_log
-- Read the entries after an offset, at most so many.
SELECT "offset", at, kind, id, op, reason, version, before, before_geometry
FROM geoworks.log
WHERE "offset" > $1
ORDER BY "offset"
LIMIT $2;

-- name: next_replies
-- Read the answers after one, at most so many; by bytes, as every engine can.
SELECT owner, key, body_hash, status, body, expires
FROM geoworks.replies
WHERE (owner COLLATE "C", key COLLATE "C") > ($1, $2)
ORDER BY owner COLLATE "C", key COLLATE "C"
LIMIT $3;

-- name: next_documents
-- Read the documents after one, at most so many; by bytes, as every engine can.
SELECT collection, name, value
FROM geoworks.documents
WHERE (collection COLLATE "C", name COLLATE "C") > ($1, $2)
ORDER BY collection COLLATE "C", name COLLATE "C"
LIMIT $3;

-- name: reached_features
-- Tell the last number of the features.
SELECT max(number) FROM geoworks.features HAVING max(number) IS NOT NULL;

-- name: reached_versions
-- Tell the last number of the versions.
SELECT max(number) FROM geoworks.versions HAVING max(number) IS NOT NULL;

-- name: reached_log
-- Tell the last offset of the log.
SELECT max("offset") FROM geoworks.log HAVING max("offset") IS NOT NULL;

-- name: reached_replies
-- Tell the last of the answers.
SELECT owner, key FROM geoworks.replies ORDER BY owner COLLATE "C" DESC, key COLLATE "C" DESC LIMIT 1;

-- name: reached_documents
-- Tell the last of the documents.
SELECT collection, name FROM geoworks.documents
ORDER BY collection COLLATE "C" DESC, name COLLATE "C" DESC LIMIT 1;

-- name: empty_features
-- Drop all features.
DELETE FROM geoworks.features;

-- name: empty_versions
-- Drop all versions.
DELETE FROM geoworks.versions;

-- name: empty_log
-- Drop the whole log.
DELETE FROM geoworks.log;

-- name: empty_replies
-- Drop all answers.
DELETE FROM geoworks.replies;

-- name: empty_documents
-- Drop all documents.
DELETE FROM geoworks.documents;

-- name: counts
-- Count the rows of every table, to compare a copy with its original.
SELECT
    (SELECT count(*) FROM geoworks.features) AS features,
    (SELECT count(*) FROM geoworks.versions) AS versions,
    (SELECT count("offset") FROM geoworks.log) AS log,
    (SELECT count(*) FROM geoworks.replies) AS replies,
    (SELECT count(*) FROM geoworks.documents) AS documents;

-- name: note_arriving
-- Note what is being copied into this database.
UPDATE geoworks.head SET arriving = $1, last = 0, pruned = 0;

-- name: arrived
-- Take over where the log of what was copied stands.
UPDATE geoworks.head SET epoch = $1, last = $2, pruned = $3, home = $4, arriving = '';

-- name: go_on_numbering
-- Have new features and versions numbered after those that were copied.
SELECT
    setval(pg_get_serial_sequence('geoworks.features', 'number'), greatest(max(features.number), 1)),
    setval(
        pg_get_serial_sequence('geoworks.versions', 'number'), greatest((SELECT max(number) FROM geoworks.versions), 1)
    )
FROM geoworks.features;

-- name: number_all
-- Give all entries that wait their offsets, while no node is there to do so.
WITH due AS (
    SELECT revision, row_number() OVER (ORDER BY transaction, revision) AS place
    FROM geoworks.log
    WHERE "offset" IS NULL
),
moved AS (
    UPDATE geoworks.head SET last = last + (SELECT count(*) FROM due) RETURNING last - (SELECT count(*) FROM due) AS base
)
UPDATE geoworks.log SET "offset" = moved.base + due.place
FROM due CROSS JOIN moved
WHERE log.revision = due.revision;
