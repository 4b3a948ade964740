-- name: forget_versions
-- Drop the history of a feature that is gone, or all of it but the newest version of one that stands.
DELETE FROM geoworks.versions
WHERE kind = $1 AND id = $2
AND ($3 OR number < (SELECT max(number) FROM geoworks.versions WHERE kind = $1 AND id = $2));

-- name: versions_of
-- Read the history of a feature, the oldest version first.
SELECT version, at, reason, actor, geometry, given, overlay
FROM geoworks.versions
WHERE kind = $1 AND id = $2
ORDER BY number;
