-- Format 1. Rows are in the order in which runs were asked for, so that a list is a walk from the end.
-- `runs` is kept narrow: the worst that a filter can cost is one walk over it.
CREATE TABLE runs (
    seq       INTEGER PRIMARY KEY,
    id        TEXT    NOT NULL UNIQUE,
    created   INTEGER NOT NULL, -- this and the next two in nanoseconds since 1970
    started   INTEGER,
    ended     INTEGER,
    state     TEXT    NOT NULL,
    mode      TEXT    NOT NULL,
    exit_code INTEGER,
    origin    TEXT    NOT NULL,
    bytes     INTEGER NOT NULL,
    pinned    INTEGER NOT NULL,
    host      TEXT    NOT NULL,
    rerun_of  TEXT,
    workspace TEXT    NOT NULL,
    labels    TEXT    NOT NULL, -- each between line ends
    command   TEXT    NOT NULL  -- last: a long one spills over into pages that only text search reads
) STRICT;

-- The few runs that go on, in order.
CREATE INDEX runs_unended ON runs (seq) WHERE ended IS NULL;

-- What is only shown, as JSON.
CREATE TABLE run_details (
    seq    INTEGER PRIMARY KEY REFERENCES runs ON DELETE CASCADE,
    spec   TEXT NOT NULL,
    place  TEXT NOT NULL,
    ending TEXT
) STRICT;

CREATE VIRTUAL TABLE runs_text USING fts5 (command, content = 'runs', content_rowid = 'seq', tokenize = 'trigram');

CREATE TRIGGER runs_text_added AFTER INSERT ON runs BEGIN
    INSERT INTO runs_text (rowid, command) VALUES (new.seq, new.command);
END;

CREATE TRIGGER runs_text_removed AFTER DELETE ON runs BEGIN
    INSERT INTO runs_text (runs_text, rowid, command) VALUES ('delete', old.seq, old.command);
END;
