-- name: put_feature
-- Write a feature as it stands now, over what stood there.
INSERT INTO features (kind, id, version, created, updated, source, raw_hash, geometry, given, overlay, derived)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (kind, id) DO UPDATE SET
    version = excluded.version,
    created = excluded.created,
    updated = excluded.updated,
    source = excluded.source,
    raw_hash = excluded.raw_hash,
    geometry = excluded.geometry,
    given = excluded.given,
    overlay = excluded.overlay,
    derived = excluded.derived;

-- name: drop_feature
-- Drop a feature from what stands now.
DELETE FROM features WHERE kind = ? AND id = ?;

-- name: version_of_feature
-- Tell the version a feature is at.
SELECT version FROM features WHERE kind = ? AND id = ?;

-- name: next_features
-- Read the features that come after a row number, at most so many.
SELECT number, kind, id, version, created, updated, source, raw_hash, geometry, given, overlay, derived
FROM features
WHERE number > ?
ORDER BY number
LIMIT ?;
