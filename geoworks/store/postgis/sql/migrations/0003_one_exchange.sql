-- A few features are written by one statement, which is a transaction of its own: one exchange with the server, and
-- small plans that the server keeps, where a statement of many parts was made ready anew for each batch.

-- The last change of a commit, for who lost the answer with the connection.
ALTER TABLE commits ADD COLUMN revision bigint;

-- What waits has no entry yet in the index of offsets.
DROP INDEX log_offsets;
CREATE UNIQUE INDEX log_offsets ON log ("offset") WHERE "offset" IS NOT NULL;

-- Write a feature, its version, its change and its record, and return the revision of the change, null where it makes
-- none (without `record`); fail where the feature is not as it was read (`was`, 0 when it is new). The first of several
-- in a transaction keeps others from all of them (`kinds`, `ids`), the last that makes a change notes the commit.
CREATE FUNCTION write_feature(
    commit uuid, kinds text[], ids text[], moment timestamptz, zones bigint,
    kind text, id text, version bigint, created timestamptz, updated timestamptz, source text, raw_hash bytea,
    geometry geometry, given jsonb, correction jsonb, derived jsonb, given_geometry geometry,
    was bigint, reason text, actor text, is_version boolean, record bytea, before jsonb, before_geometry geometry
) RETURNS bigint
LANGUAGE plpgsql
AS $$
#variable_conflict use_variable
DECLARE
    made bigint := was;
BEGIN
    IF kinds IS NOT NULL THEN
        -- Always in the same order, so that nobody waits in a circle.
        PERFORM
        FROM geoworks.features AS standing
        JOIN unnest(kinds, ids) AS named (kind, id) ON (standing.kind, standing.id) = (named.kind, named.id)
        ORDER BY standing.number
        FOR UPDATE OF standing;
    END IF;
    IF record IS NOT NULL OR was = 0 THEN
        made := nextval('geoworks.revisions');
    END IF;
    IF commit IS NOT NULL THEN
        INSERT INTO geoworks.commits (id, revision) VALUES (commit, CASE WHEN record IS NOT NULL THEN made END);
    END IF;
    IF was = 0 THEN
        INSERT INTO geoworks.features (
            kind, id, version, created, updated, source, raw_hash, geometry, given, overlay, derived, given_geometry,
            revision
        ) VALUES (
            kind, id, version, created, updated, source, raw_hash, geometry, given, correction, derived, given_geometry,
            made
        );
    ELSE
        UPDATE geoworks.features AS standing SET
            version = write_feature.version,
            created = write_feature.created,
            updated = write_feature.updated,
            source = write_feature.source,
            raw_hash = write_feature.raw_hash,
            geometry = write_feature.geometry,
            given = write_feature.given,
            overlay = correction,
            derived = write_feature.derived,
            given_geometry = write_feature.given_geometry,
            revision = made
        WHERE standing.kind = write_feature.kind AND standing.id = write_feature.id AND standing.revision = was;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'the feature is not as it was read' USING ERRCODE = 'serialization_failure';
        END IF;
    END IF;
    IF is_version THEN
        INSERT INTO geoworks.versions (kind, id, version, at, reason, actor, geometry, given, overlay)
        VALUES (
            kind, id, version, moment, reason, actor, coalesce(given_geometry, geometry), given, correction
        );
    END IF;
    IF record IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO geoworks.log (at, kind, id, op, reason, version, before, before_geometry, revision)
    VALUES (moment, kind, id, 'put', reason, version, before, before_geometry, made);
    INSERT INTO geoworks.records (revision, record, zones_at) VALUES (made, record, zones);
    -- As `check_order`. One that stood was locked, and its last writer was over then: only one that is made again can
    -- have waited for a removal that is numbered after it.
    IF was = 0 AND EXISTS (
        SELECT
        FROM geoworks.log AS later
        WHERE later."offset" IS NULL AND later.transaction > pg_current_xact_id()
        AND later.kind = write_feature.kind AND later.id = write_feature.id
    ) THEN
        RAISE EXCEPTION 'another transaction was first' USING ERRCODE = 'serialization_failure';
    END IF;
    RETURN made;
END
$$;
