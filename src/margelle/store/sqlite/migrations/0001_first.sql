-- Instants are microseconds since 1970 in UTC. A `doc` is the JSON of the domain's or the port's type of the same name.

CREATE TABLE user (
    email TEXT NOT NULL PRIMARY KEY, -- without case
    doc TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE granted (
    digest TEXT NOT NULL PRIMARY KEY,
    user TEXT NOT NULL, -- e-mail without case
    kind TEXT NOT NULL,
    expires_at INTEGER,
    doc TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX granted_to ON granted (user);

CREATE TABLE account (
    id TEXT NOT NULL PRIMARY KEY,
    owner TEXT NOT NULL, -- e-mail without case
    doc TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE site (
    id TEXT NOT NULL PRIMARY KEY,
    doc TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- An account of an owner has a site, or had it until gone_at. It stays when the account is removed, so that the owner still sees the site.
CREATE TABLE link (
    account TEXT NOT NULL,
    owner TEXT NOT NULL,
    site TEXT NOT NULL REFERENCES site (id),
    gone_at INTEGER,
    PRIMARY KEY (account, owner, site)
) STRICT, WITHOUT ROWID;
CREATE INDEX link_owner ON link (owner);
CREATE INDEX link_site ON link (site);

CREATE TABLE probe (
    id TEXT NOT NULL PRIMARY KEY,
    site TEXT NOT NULL,
    doc TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX probe_site ON probe (site);

CREATE TABLE device (
    id INTEGER PRIMARY KEY,
    probe TEXT NOT NULL REFERENCES probe (id),
    since INTEGER NOT NULL,
    doc TEXT NOT NULL -- the probe as it was from then on
) STRICT;
CREATE INDEX device_probe ON device (probe);

CREATE TABLE recommendation (
    id TEXT NOT NULL PRIMARY KEY,
    site TEXT NOT NULL,
    status TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    doc TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX recommendation_site ON recommendation (site, created_at);

CREATE TABLE persona (
    face TEXT NOT NULL,
    kind TEXT NOT NULL,
    number INTEGER NOT NULL,
    subject TEXT NOT NULL,
    PRIMARY KEY (face, kind, number),
    UNIQUE (face, kind, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE secret (
    name TEXT NOT NULL PRIMARY KEY,
    sealed BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE memo (
    name TEXT NOT NULL PRIMARY KEY,
    value BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE receipt (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    at INTEGER NOT NULL,
    name TEXT NOT NULL,
    url TEXT NOT NULL,
    status INTEGER NOT NULL,
    duration_ms INTEGER NOT NULL,
    packed INTEGER NOT NULL, -- 1 where the body is compressed with zlib
    body BLOB NOT NULL
) STRICT;
CREATE INDEX receipt_account ON receipt (account, at);
CREATE INDEX receipt_at ON receipt (at);

CREATE TABLE incident (
    id INTEGER PRIMARY KEY,
    account TEXT NOT NULL,
    place TEXT NOT NULL,
    kind TEXT NOT NULL,
    at INTEGER NOT NULL,
    ended_at INTEGER,
    doc TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX incident_open ON incident (account, place, kind) WHERE ended_at IS NULL;
CREATE INDEX incident_at ON incident (at);

CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    doc TEXT NOT NULL
) STRICT;

CREATE TABLE origin (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE series (
    id INTEGER PRIMARY KEY,
    probe TEXT NOT NULL,
    quantity TEXT NOT NULL,
    unit TEXT NOT NULL, -- of the raw values, where a point does not say another (UCUM)
    UNIQUE (probe, quantity)
) STRICT;

-- Clustered by series: people ask for one quantity of one probe over a stretch of time.
CREATE TABLE point (
    series INTEGER NOT NULL,
    at INTEGER NOT NULL,
    value REAL,
    raw TEXT, -- NULL where it is the shortest decimal that spells value
    unit TEXT, -- NULL where it is the series'
    origin INTEGER NOT NULL,
    doubts TEXT, -- JSON; NULL where there is none
    PRIMARY KEY (series, at)
) STRICT, WITHOUT ROWID;

-- What a point was before it was corrected.
CREATE TABLE revision (
    id INTEGER PRIMARY KEY,
    replaced_at INTEGER NOT NULL,
    series INTEGER NOT NULL,
    at INTEGER NOT NULL,
    value REAL,
    raw TEXT,
    unit TEXT,
    origin INTEGER NOT NULL,
    doubts TEXT
) STRICT;
CREATE INDEX revision_point ON revision (series, at);

-- One row: how many points there are, since counting them would read them all.
CREATE TABLE tally (
    points INTEGER NOT NULL
) STRICT;
INSERT INTO tally VALUES (0);
