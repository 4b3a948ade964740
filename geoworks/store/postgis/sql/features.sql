-- name: standing
-- Tell which of some features stand, and at which version.
SELECT kind, id, version
FROM geoworks.features JOIN unnest($1::text[], $2::text[]) AS asked (kind, id) USING (kind, id);

-- name: lock_features
-- Keep others from some features until the end of the transaction, and tell how many are still as they were read.
-- Always in the same order, so that nobody waits in a circle.
SELECT count(*)
FROM (
    SELECT
    FROM geoworks.features
    JOIN unnest($1::text[], $2::text[], $3::bigint[]) AS read (kind, id, revision) USING (kind, id, revision)
    ORDER BY number
    FOR UPDATE OF features
) AS locked;

-- name: write_few
-- Write features, their versions, changes and records, note the commit, and return the revisions of the changes.
-- Where one of them is not as it was read (`was`, 0 when it is new) nothing is written and nothing returned. $1 is the
-- commit, $2 its moment, $3 the offset of the zones that hold; what has no record makes no change.
WITH fresh AS MATERIALIZED (
    SELECT *, CASE WHEN record IS NULL AND was <> 0 THEN was ELSE nextval('geoworks.revisions') END AS revision
    FROM unnest(
        $4::text[], $5::text[], $6::bigint[], $7::timestamptz[], $8::timestamptz[], $9::text[], $10::bytea[],
        $11::geometry[], $12::jsonb[], $13::jsonb[], $14::jsonb[], $15::geometry[], $16::bigint[], $17::text[],
        $18::text[], $19::boolean[], $20::bytea[], $21::jsonb[], $22::geometry[]
    ) AS fresh (
        kind, id, version, created, updated, source, raw_hash, geometry, given, overlay, derived, given_geometry,
        was, reason, actor, is_version, record, before, before_geometry
    )
),
locked AS MATERIALIZED (
    -- Always in the same order, so that nobody waits in a circle.
    SELECT
    FROM geoworks.features
    JOIN fresh ON fresh.was <> 0 AND (features.kind, features.id, features.revision) = (fresh.kind, fresh.id, fresh.was)
    ORDER BY number
    FOR UPDATE OF features
),
held AS MATERIALIZED (
    SELECT WHERE (SELECT count(*) FROM locked) = (SELECT count(*) FROM fresh WHERE was <> 0)
),
noted AS (
    INSERT INTO geoworks.commits (id) SELECT $1 FROM held
),
logged AS (
    INSERT INTO geoworks.log (at, kind, id, op, reason, version, before, before_geometry, revision)
    SELECT $2, kind, id, 'put', reason, version, before, before_geometry, revision
    FROM fresh CROSS JOIN held
    WHERE record IS NOT NULL
),
recorded AS (
    INSERT INTO geoworks.records (revision, record, zones_at)
    SELECT revision, record, $3 FROM fresh CROSS JOIN held WHERE record IS NOT NULL
),
remembered AS (
    INSERT INTO geoworks.versions (kind, id, version, at, reason, actor, geometry, given, overlay)
    SELECT kind, id, version, $2, reason, actor, coalesce(given_geometry, geometry), given, overlay
    FROM fresh CROSS JOIN held
    WHERE is_version
),
made AS (
    INSERT INTO geoworks.features (
        kind, id, version, created, updated, source, raw_hash, geometry, given, overlay, derived, given_geometry,
        revision
    )
    SELECT
        kind, id, version, created, updated, source, raw_hash, geometry, given, overlay, derived, given_geometry,
        revision
    FROM fresh CROSS JOIN held
    WHERE was = 0
),
replaced AS (
    UPDATE geoworks.features AS standing SET
        version = fresh.version,
        created = fresh.created,
        updated = fresh.updated,
        source = fresh.source,
        raw_hash = fresh.raw_hash,
        geometry = fresh.geometry,
        given = fresh.given,
        overlay = fresh.overlay,
        derived = fresh.derived,
        given_geometry = fresh.given_geometry,
        revision = fresh.revision
    FROM fresh CROSS JOIN held
    WHERE fresh.was <> 0 AND standing.kind = fresh.kind AND standing.id = fresh.id
)
SELECT (SELECT coalesce(array_agg(revision ORDER BY revision), '{}') FROM fresh WHERE record IS NOT NULL)
FROM held;

-- name: stage
-- Make room beside the features for many that changed; it is the connection's own, and empty after each transaction.
CREATE TEMPORARY TABLE IF NOT EXISTS staged ON COMMIT DELETE ROWS AS
SELECT
    kind, id, version, created, updated, source, raw_hash, geometry, given, overlay, derived, given_geometry, revision
FROM geoworks.features
WITH NO DATA;

-- name: replace_staged
-- Write the features that are staged over what stood there.
UPDATE geoworks.features AS standing SET
    version = fresh.version,
    created = fresh.created,
    updated = fresh.updated,
    source = fresh.source,
    raw_hash = fresh.raw_hash,
    geometry = fresh.geometry,
    given = fresh.given,
    overlay = fresh.overlay,
    derived = fresh.derived,
    given_geometry = fresh.given_geometry,
    revision = fresh.revision
FROM pg_temp.staged AS fresh
WHERE standing.kind = fresh.kind AND standing.id = fresh.id;

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
