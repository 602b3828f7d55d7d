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

-- What is left of those that were removed: sums, so that it grows with time and not with runs.
CREATE TABLE removed_costs (
    quarter INTEGER NOT NULL, -- of an hour, since 1970
    sandbox TEXT    NOT NULL, -- empty where those that a single run had are together
    single  INTEGER NOT NULL, -- whether it was such a one
    runs    INTEGER NOT NULL,
    cost    REAL    NOT NULL, -- US dollars
    PRIMARY KEY (quarter, sandbox)
) STRICT, WITHOUT ROWID;
