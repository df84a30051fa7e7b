-- Who collects from which account, so that several collectors share the work.

CREATE TABLE collector (
    name TEXT NOT NULL PRIMARY KEY,
    until INTEGER NOT NULL -- it is taken to have died where it has not claimed again by then
) STRICT, WITHOUT ROWID;

CREATE TABLE lease (
    account TEXT NOT NULL PRIMARY KEY,
    collector TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX lease_collector ON lease (collector);
