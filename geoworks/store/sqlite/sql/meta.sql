-- name: meta
-- Read one fact about this database.
SELECT value FROM meta WHERE name = ?;

-- name: put_meta
-- Write one fact about this database.
INSERT INTO meta (name, value) VALUES (?, ?)
ON CONFLICT (name) DO UPDATE SET value = excluded.value;

-- name: counts
-- Count the rows of every table, to compare a copy with its original.
SELECT
    (SELECT count(*) FROM features),
    (SELECT count(*) FROM versions),
    (SELECT count(*) FROM log),
    (SELECT count(*) FROM replies),
    (SELECT count(*) FROM documents);

-- name: table_count
-- Count the tables, to know an empty file.
SELECT count(*) FROM sqlite_schema WHERE type = 'table';
