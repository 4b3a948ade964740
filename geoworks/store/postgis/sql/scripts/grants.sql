-- Give the roles of setup.sql their rights, where they exist; run by the owner after every migration.
DO $$
BEGIN
    IF to_regrole('geoworks_writer') IS NOT NULL THEN
        GRANT USAGE ON SCHEMA geoworks TO geoworks_writer;
        GRANT SELECT ON geoworks.migrations TO geoworks_writer;
        GRANT SELECT, UPDATE ON geoworks.head TO geoworks_writer;
        GRANT SELECT, INSERT, DELETE ON geoworks.versions, geoworks.log TO geoworks_writer;
        GRANT SELECT, INSERT, UPDATE ON geoworks.collections TO geoworks_writer;
        GRANT SELECT, INSERT, UPDATE, DELETE
        ON geoworks.features, geoworks.replies, geoworks.documents, geoworks.records,
            geoworks.commits
        TO geoworks_writer;
        -- What the log says stays as it is; only its numbers come later.
        GRANT UPDATE ("offset", transaction) ON geoworks.log TO geoworks_writer;
        GRANT USAGE ON SEQUENCE geoworks.revisions TO geoworks_writer;
    END IF;
    IF to_regrole('geoworks_reader') IS NOT NULL THEN
        GRANT USAGE ON SCHEMA geoworks TO geoworks_reader;
        GRANT SELECT ON geoworks.works, geoworks.reports, geoworks.zones, geoworks.effects TO geoworks_reader;
    END IF;
END
$$;
