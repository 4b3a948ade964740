-- name: add_version
-- Add a version to the history of its feature.
INSERT INTO versions (kind, id, version, at, reason, actor, geometry, given, overlay)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: forget_versions
-- Drop the history of a feature that is gone, or all of it but the newest version of one that stands.
DELETE FROM versions
WHERE kind = :kind AND id = :id
AND (:gone OR number < (SELECT max(number) FROM versions WHERE kind = :kind AND id = :id));

-- name: versions_of
-- Read the history of a feature, the oldest version first.
SELECT version, at, reason, actor, geometry, given, overlay
FROM versions
WHERE kind = ? AND id = ?
ORDER BY number;
