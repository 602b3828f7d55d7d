-- Format 2. What runs in the cloud cost: a row for each that got a sandbox there, so that sums read nothing else.
CREATE TABLE run_costs (
    seq      INTEGER PRIMARY KEY REFERENCES runs ON DELETE CASCADE,
    since    INTEGER NOT NULL, -- this and the next in nanoseconds since 1970
    ended    INTEGER,
    per_hour REAL    NOT NULL, -- US dollars
    sandbox  TEXT    NOT NULL
) STRICT;

-- A month is a part of it.
CREATE INDEX run_costs_since ON run_costs (since);
