-- name: changes_after
-- Read the entries after an offset, at most so many.
SELECT "offset", at, kind, id, op, reason, version, before, before_geometry
FROM geoworks.log
WHERE "offset" > $1
ORDER BY "offset"
LIMIT $2;

-- name: last_before
-- Tell up to which offset all entries are older than a moment.
SELECT coalesce(
    (SELECT "offset" - 1 FROM geoworks.log WHERE at >= $1 ORDER BY "offset" LIMIT 1),
    (SELECT last FROM geoworks.head)
);

-- name: drop_changes
-- Drop the entries up to an offset, and tell how many there were.
WITH dropped AS (DELETE FROM geoworks.log WHERE "offset" <= $1 RETURNING 1) SELECT count(*) FROM dropped;
