-- Who was refused lately, so that all processes of a hub have the same patience with somebody who guesses.

CREATE TABLE refusal (
    id INTEGER PRIMARY KEY,
    subject TEXT NOT NULL, -- a digest: what people type in the wrong field is nobody's to read
    at INTEGER NOT NULL,
    until INTEGER NOT NULL -- it counts no more from then on
) STRICT;
CREATE INDEX refusal_subject ON refusal (subject, at);
CREATE INDEX refusal_until ON refusal (until);
