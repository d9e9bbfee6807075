-- Ids are 16-byte ULIDs, times milliseconds since 1970, seq 1, 2, 3 … per conversation.
-- `conversations.head` to `runs` are projections of `events`, written in the same transaction as the event.

CREATE TABLE meta (
    only      INTEGER PRIMARY KEY CHECK (only = 1),
    log_epoch BLOB NOT NULL
) STRICT;

CREATE TABLE users (
    id            BLOB PRIMARY KEY,
    username      TEXT NOT NULL,
    -- The username in lower case: `Anna` and `anna` are one.
    username_key  TEXT NOT NULL UNIQUE,
    display_name  TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    role          TEXT NOT NULL,
    disabled      INTEGER NOT NULL DEFAULT 0,
    created_at    INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A session that is revoked is gone.
CREATE TABLE sessions (
    id         BLOB PRIMARY KEY,
    user_id    BLOB NOT NULL REFERENCES users (id),
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_of_user ON sessions (user_id);
CREATE INDEX sessions_by_end ON sessions (expires_at);

CREATE TABLE conversations (
    id           BLOB PRIMARY KEY,
    title        TEXT NOT NULL,
    kind         TEXT NOT NULL,
    agents       INTEGER NOT NULL,
    creator      BLOB NOT NULL REFERENCES users (id),
    head         INTEGER NOT NULL DEFAULT 0,
    member_count INTEGER NOT NULL DEFAULT 0,
    -- The time of the newest event.
    last_at      INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE members (
    conversation_id BLOB NOT NULL REFERENCES conversations (id),
    user_id         BLOB NOT NULL REFERENCES users (id),
    joined_seq      INTEGER NOT NULL,
    -- Read up to here.
    up_to           INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (conversation_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX members_by_user ON members (user_id, conversation_id);

-- The log. `frame` is the event exactly as it goes over the wire.
CREATE TABLE events (
    conversation_id BLOB NOT NULL,
    seq             INTEGER NOT NULL,
    kind            TEXT NOT NULL,
    -- 'public', or 'operators': what a dialog's visitor never sees.
    audience        TEXT NOT NULL,
    frame           TEXT NOT NULL,
    PRIMARY KEY (conversation_id, seq)
) STRICT, WITHOUT ROWID;

-- A message as it stands now; what never changes about it is read from its event. The row is also the
-- idempotency row: it outlives the text.
CREATE TABLE messages (
    doc             INTEGER PRIMARY KEY,
    conversation_id BLOB NOT NULL,
    seq             INTEGER NOT NULL,
    id              BLOB NOT NULL UNIQUE,
    author_id       BLOB NOT NULL,
    client_id       TEXT,
    text            TEXT NOT NULL,
    -- SHA-256 of client_id and the text as it was posted: recognises a retry after edits and deletion.
    posted_hash     BLOB,
    posted_at       INTEGER NOT NULL,
    edited_at       INTEGER,
    deleted         INTEGER NOT NULL DEFAULT 0
) STRICT;

-- Clients make ids that grow with time: with client_id first, the newest rows share a page.
CREATE UNIQUE INDEX messages_by_client_id ON messages (client_id, author_id) WHERE client_id IS NOT NULL;
-- Pages, and unread counts without a look at the rows.
CREATE INDEX messages_by_seq ON messages (conversation_id, seq, author_id, deleted);

-- Where else in the log a message's text stands: its `edited` frames and the `result` that repeats it.
CREATE TABLE repeats (
    message_id BLOB NOT NULL,
    seq        INTEGER NOT NULL,
    PRIMARY KEY (message_id, seq)
) STRICT, WITHOUT ROWID;

CREATE TABLE reactions (
    conversation_id BLOB NOT NULL,
    message_seq     INTEGER NOT NULL,
    emoji           TEXT NOT NULL,
    user_id         BLOB NOT NULL,
    -- As the person was called then.
    name            TEXT NOT NULL,
    seq             INTEGER NOT NULL,
    PRIMARY KEY (conversation_id, message_seq, emoji, user_id)
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
    id              BLOB PRIMARY KEY,
    conversation_id BLOB NOT NULL,
    status          TEXT NOT NULL,
    is_over         INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX runs_unfinished ON runs (id) WHERE is_over = 0;

CREATE TABLE charts (
    id              BLOB PRIMARY KEY,
    conversation_id BLOB NOT NULL REFERENCES conversations (id),
    svg             TEXT NOT NULL
) STRICT;

-- Search: the conversation is a word of its own, so that a common word elsewhere costs nothing here.
CREATE VIEW searchable AS SELECT doc, hex(conversation_id) AS conversation, text FROM messages;

CREATE VIRTUAL TABLE search USING fts5 (
    conversation, text,
    content = 'searchable', content_rowid = 'doc', tokenize = 'unicode61 remove_diacritics 2'
);

-- What is deleted leaves the index at once, not with some later merge.
INSERT INTO search (search, rank) VALUES ('secure-delete', 1);

CREATE TRIGGER search_posted AFTER INSERT ON messages BEGIN
    INSERT INTO search (rowid, conversation, text) VALUES (new.doc, hex(new.conversation_id), new.text);
END;

CREATE TRIGGER search_changed AFTER UPDATE OF text ON messages BEGIN
    INSERT INTO search (search, rowid, conversation, text)
    VALUES ('delete', old.doc, hex(old.conversation_id), old.text);
    INSERT INTO search (rowid, conversation, text) VALUES (new.doc, hex(new.conversation_id), new.text);
END;
