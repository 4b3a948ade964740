-- "gwks": this file is a geoworks database.
PRAGMA application_id = 1735879539;
PRAGMA user_version = 1;

-- What names this log (epoch), and up to which offset its entries were dropped (pruned).
CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value ANY NOT NULL
) STRICT;

-- Every current feature. Times are ISO 8601 in UTC; `geometry` is WKB in lon/lat degrees, so it is null inside `given`.
CREATE TABLE features (
    number INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    created TEXT NOT NULL,
    updated TEXT NOT NULL,
    source TEXT NOT NULL,
    raw_hash BLOB NOT NULL,
    geometry BLOB NOT NULL,
    given TEXT NOT NULL,
    overlay TEXT,
    derived TEXT NOT NULL,
    UNIQUE (kind, id)
) STRICT;

-- The history of every feature that ever was. A feature that comes back after it was removed may count from 1 again.
CREATE TABLE versions (
    number INTEGER PRIMARY KEY,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    at TEXT NOT NULL,
    reason TEXT NOT NULL,
    actor TEXT NOT NULL,
    geometry BLOB NOT NULL,
    given TEXT NOT NULL,
    overlay TEXT
) STRICT;

CREATE INDEX versions_of_feature ON versions (kind, id);

-- The numbered log, without a gap; `before` is what the matcher needs of the version before, null when it was new.
CREATE TABLE log (
    offset INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    op TEXT NOT NULL,
    reason TEXT NOT NULL,
    version INTEGER NOT NULL,
    before TEXT,
    before_geometry BLOB
) STRICT;

-- What each Idempotency-Key answered.
CREATE TABLE replies (
    owner TEXT NOT NULL,
    key TEXT NOT NULL,
    body_hash BLOB NOT NULL,
    status INTEGER NOT NULL,
    body BLOB NOT NULL,
    expires TEXT NOT NULL,
    PRIMARY KEY (owner, key)
) STRICT;

-- Small named values: API keys, the state of sources, photos.
CREATE TABLE documents (
    collection TEXT NOT NULL,
    name TEXT NOT NULL,
    value BLOB NOT NULL,
    PRIMARY KEY (collection, name)
) STRICT;
