-- name: standing
-- Tell which of some features stand, and at which version.
SELECT kind, id, version
FROM geoworks.features JOIN unnest($1::text[], $2::text[]) AS asked (kind, id) USING (kind, id);

-- name: lock_features
-- Keep others from some features until the end of the transaction, and tell how many are still as they were read.
-- Always in the order of their keys, so that nobody waits in a circle. $1 is [[kind, id, revision], ...]: the driver
-- takes longer to write thousands as arrays than the server to read this.
SELECT count(*)
FROM (
    SELECT
    FROM geoworks.features
    JOIN (
        SELECT one ->> 0 AS kind, one ->> 1 AS id, (one ->> 2)::bigint AS revision FROM json_array_elements($1::json) AS one
    ) AS read USING (kind, id, revision)
    ORDER BY features.kind COLLATE "C", features.id COLLATE "C"
    FOR UPDATE OF features
) AS locked;

-- name: write_feature
-- Write a feature with all that goes with it, as its transaction or as a part of one.
SELECT geoworks.write_feature(
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24
);

-- name: change_features
-- Write some features over those that stood when they were read.
SELECT geoworks.change_features($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14);

-- name: drop_features
-- Drop features from what stands now.
DELETE FROM geoworks.features
USING unnest($1::text[], $2::text[]) AS gone (kind, id)
WHERE features.kind = gone.kind AND features.id = gone.id;

-- name: next_features
-- Read the features that come after a number, at most so many.
SELECT
    number, kind, id, version, created, updated, source, raw_hash,
    coalesce(given_geometry, geometry) AS geometry, given, overlay, derived
FROM geoworks.features
WHERE number > $1
ORDER BY number
LIMIT $2;

-- name: next_standing
-- Read the features that come after a number, at most so many, with the revisions of their last writings.
SELECT
    number, kind, id, version, created, updated, source, raw_hash,
    coalesce(given_geometry, geometry) AS geometry, given, overlay, derived, revision
FROM geoworks.features
WHERE number > $1
ORDER BY number
LIMIT $2;
