-- Measurements: what came lately in pieces, as it came; all else folded into compressed chunks (store/chunk), with the statistics of their
-- days. Table point keeps what is from before this script until it has been folded too; it gets nothing new.

-- A probe that measures: how many of its pieces are not folded yet, whether point still has something of it, and its newest points.
CREATE TABLE head (
    id INTEGER PRIMARY KEY,
    probe TEXT NOT NULL UNIQUE,
    pieces INTEGER NOT NULL,
    before INTEGER NOT NULL, -- 1 while table point has something of it
    newest BLOB NOT NULL -- by quantity, in MessagePack
) STRICT;
CREATE INDEX head_due ON head (probe) WHERE pieces >= 32;

CREATE TABLE piece (
    id INTEGER PRIMARY KEY,
    probe INTEGER NOT NULL REFERENCES head (id),
    points BLOB NOT NULL -- rows by quantity, in MessagePack
) STRICT;
CREATE INDEX piece_probe ON piece (probe);

-- The chunks of a probe do not overlap. One that changes is replaced by another with a new id.
CREATE TABLE chunk (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    probe INTEGER NOT NULL REFERENCES head (id),
    since INTEGER NOT NULL, -- its first instant
    until INTEGER NOT NULL, -- its last
    count INTEGER NOT NULL, -- of its points
    longest INTEGER NOT NULL, -- of which so many are of one quantity, at most
    points BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX chunk_span ON chunk (probe, since, until, count);

-- Statistics of days in a time zone, as chunks have them: those of all days before `until` are known.
CREATE TABLE rolled (
    probe INTEGER NOT NULL REFERENCES head (id),
    zone TEXT NOT NULL,
    until INTEGER NOT NULL,
    PRIMARY KEY (probe, zone)
) STRICT, WITHOUT ROWID;
CREATE TABLE year (
    id INTEGER PRIMARY KEY,
    probe INTEGER NOT NULL,
    zone TEXT NOT NULL,
    year INTEGER NOT NULL,
    days BLOB NOT NULL,
    UNIQUE (probe, zone, year)
) STRICT;
