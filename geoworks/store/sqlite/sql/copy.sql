-- name: next_versions
-- Read the versions that come after a row number, at most so many.
SELECT number, kind, id, version, at, reason, actor, geometry, given, overlay
FROM versions
WHERE number > ?
ORDER BY number
LIMIT ?;

-- name: next_log
-- Read the entries after an offset, at most so many.
SELECT offset, at, kind, id, op, reason, version, before, before_geometry
FROM log
WHERE offset > ?
ORDER BY offset
LIMIT ?;

-- name: next_replies
-- Read the answers after one, at most so many.
SELECT owner, key, body_hash, status, body, expires
FROM replies
WHERE (owner, key) > (?, ?)
ORDER BY owner, key
LIMIT ?;

-- name: next_documents
-- Read the documents after one, at most so many.
SELECT collection, name, value
FROM documents
WHERE (collection, name) > (?, ?)
ORDER BY collection, name
LIMIT ?;

-- name: fill_features
-- Add a feature under its own number.
INSERT INTO features (number, kind, id, version, created, updated, source, raw_hash, geometry, given, overlay, derived)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: fill_versions
-- Add a version under its own number.
INSERT INTO versions (number, kind, id, version, at, reason, actor, geometry, given, overlay)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: fill_log
-- Add an entry of the log.
INSERT INTO log (offset, at, kind, id, op, reason, version, before, before_geometry)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: fill_replies
-- Add an answer.
INSERT INTO replies (owner, key, body_hash, status, body, expires) VALUES (?, ?, ?, ?, ?, ?);

-- name: fill_documents
-- Add a document.
INSERT INTO documents (collection, name, value) VALUES (?, ?, ?);

-- name: reached_features
-- Tell the last number of the features.
SELECT max(number) FROM features HAVING max(number) IS NOT NULL;

-- name: reached_versions
-- Tell the last number of the versions.
SELECT max(number) FROM versions HAVING max(number) IS NOT NULL;

-- name: reached_log
-- Tell the last offset of the log.
SELECT max(offset) FROM log HAVING max(offset) IS NOT NULL;

-- name: reached_replies
-- Tell the last of the answers.
SELECT owner, key FROM replies ORDER BY owner DESC, key DESC LIMIT 1;

-- name: reached_documents
-- Tell the last of the documents.
SELECT collection, name FROM documents ORDER BY collection DESC, name DESC LIMIT 1;

-- name: empty_features
-- Drop all features.
DELETE FROM features;

-- name: empty_versions
-- Drop all versions.
DELETE FROM versions;

-- name: empty_log
-- Drop the whole log.
DELETE FROM log;

-- name: empty_replies
-- Drop all answers.
DELETE FROM replies;

-- name: empty_documents
-- Drop all documents.
DELETE FROM documents;

-- name: drop_meta
-- Forget one fact about this database.
DELETE FROM meta WHERE name = ?;
