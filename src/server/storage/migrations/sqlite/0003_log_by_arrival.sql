-- The log in the order of its arrival, beside one index that finds each conversation's part. What is committed
-- together stands together: in the order of conversations each event took a page of its own, and its entry in
-- the index of messages a second one.
CREATE TABLE arrived (
    -- Of a message, the same as in `messages`.
    doc             INTEGER PRIMARY KEY,
    conversation_id BLOB NOT NULL,
    seq             INTEGER NOT NULL,
    kind            TEXT NOT NULL,
    -- 'public', or 'operators': what a dialog's visitor never sees.
    audience        TEXT NOT NULL,
    -- Who wrote it, where it is a message and not deleted: what unread counts and previews go by.
    author_id       BLOB,
    -- The event exactly as it goes over the wire.
    frame           TEXT NOT NULL
) STRICT;

INSERT INTO arrived (doc, conversation_id, seq, kind, audience, author_id, frame)
SELECT m.doc, e.conversation_id, e.seq, e.kind, e.audience, iif(m.deleted, NULL, m.author_id), e.frame
FROM messages m JOIN events e ON e.conversation_id = m.conversation_id AND e.seq = m.seq;

INSERT INTO arrived (conversation_id, seq, kind, audience, frame)
SELECT e.conversation_id, e.seq, e.kind, e.audience, e.frame FROM events e
WHERE NOT EXISTS (SELECT 1 FROM messages m WHERE m.conversation_id = e.conversation_id AND m.seq = e.seq)
ORDER BY e.conversation_id, e.seq;

DROP TABLE events;
DROP INDEX messages_by_seq;
ALTER TABLE arrived RENAME TO events;
CREATE INDEX events_by_seq ON events (conversation_id, seq, author_id);
