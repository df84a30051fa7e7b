-- Forms of pages that were taken lately, so that two taps on one button do one thing whichever process takes them.

CREATE TABLE form (
    digest TEXT PRIMARY KEY NOT NULL,
    until INTEGER NOT NULL, -- who sends it again from then on sends another one
    sealed BLOB -- how it was answered, encrypted; NULL while it is being taken
) STRICT, WITHOUT ROWID;
CREATE INDEX form_until ON form (until);
