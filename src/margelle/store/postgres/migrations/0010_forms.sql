-- Forms of pages that were taken lately, so that two taps on one button do one thing whichever process takes them.

CREATE TABLE form (
    digest text COLLATE "C" PRIMARY KEY,
    until bigint NOT NULL, -- who sends it again from then on sends another one
    sealed bytea -- how it was answered, encrypted; NULL while it is being taken
);
CREATE INDEX form_until ON form (until);
