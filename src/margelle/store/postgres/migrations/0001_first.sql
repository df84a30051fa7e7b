-- Instants are microseconds since 1970 in UTC. A `doc` is the JSON of the domain's or the port's type of the same name.
-- Text that is compared or sorted is in the order of its code points.

CREATE TABLE "user" (
    email text COLLATE "C" NOT NULL PRIMARY KEY, -- without case
    doc text NOT NULL
);

CREATE TABLE granted (
    digest text COLLATE "C" NOT NULL PRIMARY KEY,
    "user" text COLLATE "C" NOT NULL, -- e-mail without case
    kind text NOT NULL,
    expires_at bigint,
    doc text NOT NULL,
    id text COLLATE "C" NOT NULL, -- of keys, links and invitations; what else was granted has none
    site text COLLATE "C" NOT NULL
);
CREATE INDEX granted_to ON granted ("user");
CREATE INDEX granted_for ON granted (site) WHERE site <> '';

CREATE TABLE account (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    owner text COLLATE "C" NOT NULL, -- e-mail without case
    doc text NOT NULL,
    organisation text COLLATE "C" NOT NULL
);
CREATE INDEX account_owner ON account (owner);
CREATE INDEX account_organisation ON account (organisation) WHERE organisation <> '';

CREATE TABLE site (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    doc text NOT NULL
);

-- An account of an owner has a site, or had it until gone_at. It stays when the account is removed, so that the owner still sees the site.
CREATE TABLE link (
    account text COLLATE "C" NOT NULL,
    owner text COLLATE "C" NOT NULL,
    site text COLLATE "C" NOT NULL REFERENCES site (id),
    gone_at bigint,
    PRIMARY KEY (account, owner, site)
);
CREATE INDEX link_owner ON link (owner);
CREATE INDEX link_site ON link (site);

CREATE TABLE probe (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    site text COLLATE "C" NOT NULL,
    doc text NOT NULL
);
CREATE INDEX probe_site ON probe (site);

CREATE TABLE device (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    probe text COLLATE "C" NOT NULL REFERENCES probe (id),
    since bigint NOT NULL,
    doc text NOT NULL -- the probe as it was from then on
);
CREATE INDEX device_probe ON device (probe);

CREATE TABLE recommendation (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    site text COLLATE "C" NOT NULL,
    status text NOT NULL,
    created_at bigint NOT NULL,
    doc text NOT NULL
);
CREATE INDEX recommendation_site ON recommendation (site, created_at);

CREATE TABLE persona (
    face text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    number integer NOT NULL,
    subject text COLLATE "C" NOT NULL,
    PRIMARY KEY (face, kind, number),
    UNIQUE (face, kind, subject)
);

CREATE TABLE secret (
    name text COLLATE "C" NOT NULL PRIMARY KEY,
    sealed bytea NOT NULL
);

CREATE TABLE memo (
    name text COLLATE "C" NOT NULL PRIMARY KEY,
    value bytea NOT NULL
);

CREATE TABLE receipt (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account text COLLATE "C" NOT NULL,
    at bigint NOT NULL,
    name text NOT NULL,
    url text NOT NULL,
    status integer NOT NULL,
    duration_ms bigint NOT NULL,
    packed boolean NOT NULL, -- whether the body is compressed with zlib
    body bytea NOT NULL
);
CREATE INDEX receipt_account ON receipt (account, at);
CREATE INDEX receipt_at ON receipt (at);

CREATE TABLE incident (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account text COLLATE "C" NOT NULL,
    place text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    at bigint NOT NULL,
    ended_at bigint,
    doc text NOT NULL
);
CREATE UNIQUE INDEX incident_open ON incident (account, place, kind) WHERE ended_at IS NULL;
CREATE INDEX incident_at ON incident (at);

CREATE TABLE audit (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at bigint NOT NULL,
    doc text NOT NULL
);

-- Who collects from which account, so that several collectors share the work.
CREATE TABLE collector (
    name text COLLATE "C" NOT NULL PRIMARY KEY,
    until bigint NOT NULL -- it is taken to have died where it has not claimed again by then
);

CREATE TABLE lease (
    account text COLLATE "C" NOT NULL PRIMARY KEY,
    collector text COLLATE "C" NOT NULL
);
CREATE INDEX lease_collector ON lease (collector);

-- Stretches without readings, and what became of them.
CREATE TABLE gap (
    probe text COLLATE "C" NOT NULL,
    quantity text COLLATE "C" NOT NULL,
    since bigint NOT NULL,
    until bigint NOT NULL,
    state text NOT NULL,
    at bigint NOT NULL,
    why text NOT NULL,
    every_s double precision NOT NULL, -- how often the probe measures there
    PRIMARY KEY (probe, quantity, since, until)
);
CREATE INDEX gap_open ON gap (probe) WHERE state = 'open';

-- Who may do what, and what was done.
CREATE TABLE organisation (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    doc text NOT NULL
);

CREATE TABLE membership (
    "user" text COLLATE "C" NOT NULL, -- e-mail without case
    kind text COLLATE "C" NOT NULL,
    subject text COLLATE "C" NOT NULL, -- a site or an organisation
    role text NOT NULL,
    doc text NOT NULL,
    PRIMARY KEY ("user", subject)
);
CREATE INDEX membership_subject ON membership (subject);

CREATE TABLE event (
    id text COLLATE "C" NOT NULL PRIMARY KEY,
    site text COLLATE "C" NOT NULL REFERENCES site (id),
    at bigint NOT NULL,
    removed boolean NOT NULL, -- whether it was taken back
    doc text NOT NULL
);
CREATE INDEX event_site ON event (site, at);

-- Measurements: what came lately in pieces, as it came; all else folded into compressed chunks (store/chunk), with the statistics of their
-- days. Every table has the probe in its key, so that a cluster can keep all of a probe in one place.

-- A probe that measures. Whoever changes anything of it must find `turn` as it was, and leaves it one higher.
CREATE TABLE head (
    probe text COLLATE "C" NOT NULL PRIMARY KEY,
    turn bigint NOT NULL,
    pieces integer NOT NULL, -- that are not folded yet
    points bigint NOT NULL,
    newest bytea NOT NULL -- by quantity, in MessagePack
);
CREATE INDEX head_due ON head (probe) WHERE pieces >= 32;
CREATE INDEX head_waiting ON head (probe) WHERE pieces > 0;

CREATE TABLE piece (
    probe text COLLATE "C" NOT NULL,
    id bigint GENERATED BY DEFAULT AS IDENTITY,
    points bytea NOT NULL, -- rows by quantity, in MessagePack
    PRIMARY KEY (probe, id)
);

-- The chunks of a probe do not overlap.
CREATE TABLE chunk (
    probe text COLLATE "C" NOT NULL,
    since bigint NOT NULL, -- its first instant
    until bigint NOT NULL, -- its last
    count integer NOT NULL, -- of its points
    longest integer NOT NULL, -- of which so many are of one quantity, at most
    points bytea NOT NULL,
    PRIMARY KEY (probe, since)
);
ALTER TABLE chunk ALTER COLUMN points SET STORAGE EXTERNAL; -- it is compressed already

-- What a point was before it was corrected.
CREATE TABLE revision (
    probe text COLLATE "C" NOT NULL,
    quantity text COLLATE "C" NOT NULL,
    at bigint NOT NULL,
    id bigint GENERATED BY DEFAULT AS IDENTITY,
    replaced_at bigint NOT NULL,
    point bytea NOT NULL, -- its row, in MessagePack
    PRIMARY KEY (probe, quantity, at, id)
);

-- Statistics of days in a time zone, as chunks have them: those of all days before `until` are known.
CREATE TABLE rolled (
    probe text COLLATE "C" NOT NULL,
    zone text COLLATE "C" NOT NULL,
    until bigint NOT NULL,
    PRIMARY KEY (probe, zone)
);

CREATE TABLE year (
    probe text COLLATE "C" NOT NULL,
    zone text COLLATE "C" NOT NULL,
    year integer NOT NULL,
    days bytea NOT NULL,
    PRIMARY KEY (probe, zone, year)
);
ALTER TABLE year ALTER COLUMN days SET STORAGE EXTERNAL;
