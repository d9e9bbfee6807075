-- Answers that operators give often, in their order; replaced as a whole.
CREATE TABLE canned (
    place    INTEGER NOT NULL PRIMARY KEY,
    shortcut TEXT    NOT NULL UNIQUE,
    text     TEXT    NOT NULL
) STRICT;
