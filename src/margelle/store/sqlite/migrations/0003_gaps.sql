-- Stretches without readings, and what became of them.

CREATE TABLE gap (
    probe TEXT NOT NULL,
    quantity TEXT NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER NOT NULL,
    state TEXT NOT NULL,
    at INTEGER NOT NULL,
    why TEXT NOT NULL,
    PRIMARY KEY (probe, quantity, since, until)
) STRICT, WITHOUT ROWID;
CREATE INDEX gap_open ON gap (probe) WHERE state = 'open';
