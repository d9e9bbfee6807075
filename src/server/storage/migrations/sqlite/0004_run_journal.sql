-- What a run was told, in order, while it goes on: after a kill it is played again, and the run goes on.
CREATE TABLE run_journal (
    run_id BLOB    NOT NULL,
    n      INTEGER NOT NULL,
    entry  TEXT    NOT NULL,
    PRIMARY KEY (run_id, n)
) STRICT, WITHOUT ROWID;

-- The message that a run answers: what is asked again by a retry.
ALTER TABLE runs ADD COLUMN question_id BLOB;
CREATE INDEX runs_by_question ON runs (question_id) WHERE question_id IS NOT NULL;

-- What the runs that a person asked for used up on a day (days since 1970, UTC).
CREATE TABLE spending (
    user_id     BLOB    NOT NULL,
    day         INTEGER NOT NULL,
    turns       INTEGER NOT NULL,
    tokens      INTEGER NOT NULL,
    cost_micros INTEGER NOT NULL,
    ms          INTEGER NOT NULL,
    PRIMARY KEY (user_id, day)
) STRICT, WITHOUT ROWID;
