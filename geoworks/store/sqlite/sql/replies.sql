-- name: put_reply
-- Keep what an Idempotency-Key answered; an expired answer under the same key makes way.
INSERT INTO replies (owner, key, body_hash, status, body, expires)
VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (owner, key) DO UPDATE SET
    body_hash = excluded.body_hash,
    status = excluded.status,
    body = excluded.body,
    expires = excluded.expires;

-- name: reply_to
-- Read what an Idempotency-Key answered, unless it has expired by a moment.
SELECT owner, key, body_hash, status, body, expires
FROM replies
WHERE owner = ? AND key = ? AND expires > ?;

-- name: drop_expired_replies
-- Drop the answers that have expired by a moment.
DELETE FROM replies WHERE expires <= ?;
