-- Websites that embed the widget. `form` is all that an admin sets, JSON; the secret is sealed.
CREATE TABLE sites (
    id         TEXT    NOT NULL PRIMARY KEY,
    form       TEXT    NOT NULL,
    secret     BLOB    NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- A visitor is a person without an account: a row in `users` with the role `visitor`, and this.
CREATE TABLE visitors (
    id          BLOB    NOT NULL PRIMARY KEY REFERENCES users (id),
    site_id     TEXT    NOT NULL,
    -- The host's own id, and whether the site's secret vouched for it.
    external_id TEXT,
    verified    INTEGER NOT NULL DEFAULT 0,
    email       TEXT,
    page        TEXT,
    referrer    TEXT,
    device      TEXT,
    created_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX visitors_by_external_id ON visitors (site_id, external_id) WHERE verified = 1;

-- By what a browser is known again: SHA-256 of the token that its launcher keeps.
CREATE TABLE visitor_tokens (
    hash       BLOB    NOT NULL PRIMARY KEY,
    visitor_id BLOB    NOT NULL REFERENCES visitors (id),
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX visitor_tokens_of ON visitor_tokens (visitor_id, created_at);

-- A dialog's control state: a projection of its `control` events.
CREATE TABLE dialogs (
    conversation_id BLOB    NOT NULL PRIMARY KEY REFERENCES conversations (id),
    site_id         TEXT    NOT NULL,
    visitor_id      BLOB    NOT NULL REFERENCES visitors (id),
    status          TEXT    NOT NULL,
    -- 'ai', 'queue' or 'human'.
    owner           TEXT    NOT NULL,
    owner_id        BLOB,
    -- The owner as they were called then.
    owner_name      TEXT,
    team            TEXT,
    epoch           INTEGER NOT NULL,
    -- The last person who held it.
    last_human      BLOB,
    -- Since when it is in the queue.
    waiting_since   INTEGER
) STRICT, WITHOUT ROWID;

CREATE INDEX dialogs_of_visitor ON dialogs (visitor_id, conversation_id);
CREATE INDEX dialogs_unresolved ON dialogs (status, owner) WHERE status <> 'resolved';

-- How far operators have read: they are no members.
CREATE TABLE operator_reads (
    conversation_id BLOB    NOT NULL,
    user_id         BLOB    NOT NULL,
    up_to           INTEGER NOT NULL,
    PRIMARY KEY (conversation_id, user_id)
) STRICT, WITHOUT ROWID;
