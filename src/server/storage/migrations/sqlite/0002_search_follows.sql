-- The search index follows the messages: it is brought up to date after their commit, many at a time.
-- Every message of an earlier version is in it already.
CREATE TABLE indexed (
    only  INTEGER PRIMARY KEY CHECK (only = 1),
    -- The newest `messages.doc` that the index has. Rows are never taken out of `messages`, so none is passed over.
    up_to INTEGER NOT NULL
) STRICT;

INSERT INTO indexed (only, up_to) SELECT 1, coalesce(max(doc), 0) FROM messages;

DROP TRIGGER search_posted;
DROP TRIGGER search_changed;

-- What the index does not have yet it will find as it is then.
CREATE TRIGGER search_changed AFTER UPDATE OF text ON messages
WHEN old.doc <= (SELECT up_to FROM indexed) BEGIN
    INSERT INTO search (search, rowid, conversation, text)
    VALUES ('delete', old.doc, hex(old.conversation_id), old.text);
    INSERT INTO search (rowid, conversation, text) VALUES (new.doc, hex(new.conversation_id), new.text);
END;
