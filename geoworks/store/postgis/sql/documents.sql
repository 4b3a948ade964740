-- name: put_document
-- Write a document, over what it held.
INSERT INTO geoworks.documents (collection, name, value)
VALUES ($1, $2, $3)
ON CONFLICT (collection, name) DO UPDATE SET value = excluded.value;

-- name: drop_document
-- Drop a document.
DELETE FROM geoworks.documents WHERE collection = $1 AND name = $2;

-- name: document
-- Read one document.
SELECT value FROM geoworks.documents WHERE collection = $1 AND name = $2;

-- name: documents_of
-- Read all documents of a collection.
SELECT name, value FROM geoworks.documents WHERE collection = $1 ORDER BY name COLLATE "C";

-- name: note_writing
-- Note that a collection was written, for the nodes that keep it in memory.
INSERT INTO geoworks.collections (name, writings) VALUES ($1, 1)
ON CONFLICT (name) DO UPDATE SET writings = collections.writings + 1;
