-- name: put_document
-- Write a document, over what it held.
INSERT INTO documents (collection, name, value)
VALUES (?, ?, ?)
ON CONFLICT (collection, name) DO UPDATE SET value = excluded.value;

-- name: drop_document
-- Drop a document.
DELETE FROM documents WHERE collection = ? AND name = ?;

-- name: document
-- Read one document.
SELECT value FROM documents WHERE collection = ? AND name = ?;

-- name: documents_of
-- Read all documents of a collection.
SELECT name, value FROM documents WHERE collection = ? ORDER BY name;
