-- Many changed features are sent as columns, some at a time, each a statement that the server works on while the next is
-- made ready: to stage them all beside the table, lock what stands and then write it took nearly twice as long.
-- Whoever writes several features keeps others from them in the order of their keys, so that nobody waits in a circle.

-- Write features over those that stand; fail where one is not at the revision that it was read at (`read`).
CREATE FUNCTION change_features(
    kinds text[], ids text[], versions bigint[], created timestamptz[], updated timestamptz[], sources text[],
    raw_hashes bytea[], geometries bytea[], given text[], overlays text[], derived text[], given_geometries bytea[],
    revisions bigint[], read bigint[]
) RETURNS void
LANGUAGE plpgsql
-- Planned once, to look each up by its key as they are given, however few features there are then: any other way to join
-- takes them in another order, and takes long when there are many. Where pages cost nothing that is the cheapest way from
-- some tens of features on.
SET plan_cache_mode = force_generic_plan
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_seqscan = off
SET enable_bitmapscan = off
SET random_page_cost = 0
SET seq_page_cost = 0
AS $$
#variable_conflict use_column
DECLARE
    changed bigint;
BEGIN
    UPDATE geoworks.features AS standing SET
        version = fresh.version,
        created = fresh.created,
        updated = fresh.updated,
        source = fresh.source,
        raw_hash = fresh.raw_hash,
        geometry = fresh.geometry::geometry,
        given = fresh.given::jsonb,
        overlay = fresh.overlay::jsonb,
        derived = fresh.derived::jsonb,
        given_geometry = fresh.given_geometry::geometry,
        revision = fresh.revision
    FROM unnest(
        kinds, ids, versions, change_features.created, change_features.updated, sources, raw_hashes, geometries,
        change_features.given, overlays, change_features.derived, given_geometries, revisions, read
    ) AS fresh (
        kind, id, version, created, updated, source, raw_hash, geometry, given, overlay, derived, given_geometry,
        revision, was
    )
    WHERE standing.kind = fresh.kind AND standing.id = fresh.id AND standing.revision = fresh.was;
    GET DIAGNOSTICS changed = ROW_COUNT;
    IF changed <> cardinality(ids) THEN
        RAISE EXCEPTION 'a feature is not as it was read' USING ERRCODE = 'serialization_failure';
    END IF;
END
$$;

-- As it was in the third migration, but for the order in which it keeps others from features.
CREATE OR REPLACE FUNCTION write_feature(
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
        ORDER BY standing.kind COLLATE "C", standing.id COLLATE "C"
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
