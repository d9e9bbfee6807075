-- Where we tell of what happens in dialogs.
CREATE TABLE webhooks (
    id         BLOB    NOT NULL PRIMARY KEY,
    url        TEXT    NOT NULL,
    -- The words of what it asks for, each between commas: ',message,control,'.
    events     TEXT    NOT NULL,
    site_id    TEXT,
    enabled    INTEGER NOT NULL,
    -- Sealed.
    secret     BLOB    NOT NULL,
    -- `events.doc` after which it is told: nothing from before it was made or enabled.
    since      INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- How far the log was looked through: it moves in the transaction that makes the deliveries.
CREATE TABLE webhook_cursor (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    doc  INTEGER NOT NULL
) STRICT;

INSERT INTO webhook_cursor (only, doc) SELECT 1, coalesce(max(doc), 0) FROM events;

-- The queue. What is sent is read from the log when it is sent: a text that was deleted is not told.
CREATE TABLE deliveries (
    place           INTEGER PRIMARY KEY AUTOINCREMENT,
    id              BLOB    NOT NULL UNIQUE,
    webhook_id      BLOB    NOT NULL REFERENCES webhooks (id) ON DELETE CASCADE,
    conversation_id BLOB    NOT NULL,
    seq             INTEGER NOT NULL,
    event           TEXT    NOT NULL,
    status          TEXT    NOT NULL,
    tries           INTEGER NOT NULL DEFAULT 0,
    created_at      INTEGER NOT NULL,
    -- When it was put into the queue, the last time.
    queued_at       INTEGER NOT NULL,
    next_at         INTEGER NOT NULL,
    settled_at      INTEGER,
    answer_status   INTEGER,
    answer          TEXT
) STRICT;

-- A lane is one dialog's deliveries to one webhook: the first of each may be sent.
CREATE INDEX deliveries_pending ON deliveries (webhook_id, conversation_id, place) WHERE status = 'pending';
CREATE INDEX deliveries_of ON deliveries (webhook_id, place);
CREATE INDEX deliveries_settled ON deliveries (settled_at) WHERE status <> 'pending';
