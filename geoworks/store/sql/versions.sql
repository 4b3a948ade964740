-- name: add_version
-- Add a version to the history of its feature.
INSERT INTO versions (kind, id, version, at, reason, actor, geometry, given, overlay)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: versions_of
-- Read the history of a feature, the oldest version first.
SELECT version, at, reason, actor, geometry, given, overlay
FROM versions
WHERE kind = ? AND id = ?
ORDER BY number;
