-- name: add_change
-- Add an entry to the log.
INSERT INTO log (offset, at, kind, id, op, reason, version, before, before_geometry)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: changes_after
-- Read the entries after an offset, at most so many.
SELECT offset, at, kind, id, op, reason, version, before, before_geometry
FROM log
WHERE offset > ?
ORDER BY offset
LIMIT ?;

-- name: last_offset
-- Tell the offset of the last change ever logged here, also when its entry was pruned; 0 when there was none.
SELECT max(coalesce((SELECT max(offset) FROM log), 0), coalesce((SELECT value FROM meta WHERE name = 'pruned'), 0));

-- name: first_since
-- Find the first entry that is not older than a moment.
SELECT offset FROM log WHERE at >= ? ORDER BY offset LIMIT 1;

-- name: drop_changes
-- Drop the entries up to an offset.
DELETE FROM log WHERE offset <= ?;
