-- Many nodes write: a change stands in the log at once, without an offset, and the leader numbers it soon after.

-- What names each writing; a feature carries that of the last one, so that who writes knows whether it moved.
CREATE SEQUENCE revisions;
ALTER TABLE features ADD COLUMN revision bigint NOT NULL DEFAULT nextval('geoworks.revisions');

-- Offsets are given in the order of transactions that are over, then of revisions: so no change comes in before one
-- that has its offset, and each comes after the one it was made from.
ALTER TABLE log DROP CONSTRAINT log_pkey;
ALTER TABLE log ALTER COLUMN "offset" DROP NOT NULL;
ALTER TABLE log ADD COLUMN revision bigint NOT NULL DEFAULT nextval('geoworks.revisions');
ALTER TABLE log ADD COLUMN transaction xid8 NOT NULL DEFAULT pg_current_xact_id();
ALTER TABLE log ADD PRIMARY KEY (revision);
CREATE UNIQUE INDEX log_offsets ON log ("offset");
CREATE INDEX log_waiting ON log (transaction, revision) WHERE "offset" IS NULL;

-- The record after each change of the last hour or so, for the nodes that follow the log: as bytes of geoworks, null
-- when the feature went. `zones_at` is the offset of the zones that it was joined with.
CREATE TABLE records (
    revision bigint PRIMARY KEY,
    record bytea,
    zones_at bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- How often each collection of documents was written: what a node keeps of it in memory is old when this moved.
CREATE TABLE collections (
    name text PRIMARY KEY,
    writings bigint NOT NULL
);

-- A commit of which nobody knows whether it went through is noted as prevented, unless it is there already.
ALTER TABLE commits ADD COLUMN prevented boolean NOT NULL DEFAULT false;

-- Who numbers, as people name it, and when it was last heard of; `writer` is what names it to the database.
ALTER TABLE head ADD COLUMN leader text NOT NULL DEFAULT '';
ALTER TABLE head ADD COLUMN seen timestamptz NOT NULL DEFAULT clock_timestamp();

-- Fail where a transaction that began later wrote, before this one, a feature that this one writes: by the order of
-- transactions their changes would be numbered the wrong way round. So it is when a feature is made again by who has
-- not heard yet that it was there, while another takes it away.
CREATE FUNCTION check_order() RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    IF EXISTS (
        SELECT
        FROM geoworks.log AS later
        JOIN geoworks.log AS own USING (kind, id)
        WHERE later."offset" IS NULL AND later.transaction > pg_current_xact_id()
        AND own."offset" IS NULL AND own.transaction = pg_current_xact_id()
    ) THEN
        RAISE EXCEPTION 'another transaction was first' USING ERRCODE = 'serialization_failure';
    END IF;
END
$$;
