-- name: put_reply
-- Keep what an Idempotency-Key answered, written at a moment; an expired answer under the same key makes way.
INSERT INTO geoworks.replies (owner, key, body_hash, status, body, expires)
VALUES ($1, $2, $3, $4, $5, $6)
ON CONFLICT (owner, key) DO UPDATE SET
    body_hash = excluded.body_hash,
    status = excluded.status,
    body = excluded.body,
    expires = excluded.expires
WHERE replies.expires <= $7
RETURNING owner;

-- name: reply_to
-- Read what an Idempotency-Key answered, unless it has expired by a moment.
SELECT owner, key, body_hash, status, body, expires
FROM geoworks.replies
WHERE owner = $1 AND key = $2 AND expires > $3;

-- name: drop_expired_replies
-- Drop the answers that have expired by a moment.
DELETE FROM geoworks.replies WHERE expires <= $1;
