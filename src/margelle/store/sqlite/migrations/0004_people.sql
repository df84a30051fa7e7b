-- Who may do what, and what was done.

CREATE TABLE organisation (
    id TEXT NOT NULL PRIMARY KEY,
    doc TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE membership (
    user TEXT NOT NULL, -- e-mail without case
    kind TEXT NOT NULL,
    subject TEXT NOT NULL, -- a site or an organisation
    role TEXT NOT NULL,
    doc TEXT NOT NULL,
    PRIMARY KEY (user, subject)
) STRICT, WITHOUT ROWID;
CREATE INDEX membership_subject ON membership (subject);

ALTER TABLE account ADD COLUMN organisation TEXT NOT NULL DEFAULT '';
CREATE INDEX account_organisation ON account (organisation) WHERE organisation <> '';

-- Keys, links and invitations have an id; what else was granted has none.
ALTER TABLE granted ADD COLUMN id TEXT NOT NULL DEFAULT '';
ALTER TABLE granted ADD COLUMN site TEXT NOT NULL DEFAULT '';
CREATE INDEX granted_for ON granted (site) WHERE site <> '';

CREATE TABLE event (
    id TEXT NOT NULL PRIMARY KEY,
    site TEXT NOT NULL REFERENCES site (id),
    at INTEGER NOT NULL,
    removed INTEGER NOT NULL, -- 1 where it was taken back
    doc TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX event_site ON event (site, at);
