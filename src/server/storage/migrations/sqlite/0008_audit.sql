-- What people did with the server: sign-ins, roles, takeovers, settings. No secret is ever in it.
CREATE TABLE audit (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    at      INTEGER NOT NULL,
    action  TEXT    NOT NULL,
    by_id   BLOB,
    -- As the person was called then.
    by_name TEXT,
    subject TEXT    NOT NULL,
    detail  TEXT    NOT NULL,
    address TEXT
) STRICT;

-- Each kind has a bound of its own.
CREATE INDEX audit_failed_sign_ins ON audit (id) WHERE action = 'sign_in_failed';
CREATE INDEX audit_others ON audit (id) WHERE action <> 'sign_in_failed';
