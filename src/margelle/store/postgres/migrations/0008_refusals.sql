-- Who was refused lately, so that all processes of a hub have the same patience with somebody who guesses.

CREATE TABLE refusal (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    subject text COLLATE "C" NOT NULL, -- a digest: what people type in the wrong field is nobody's to read
    at bigint NOT NULL,
    until bigint NOT NULL -- it counts no more from then on
);
CREATE INDEX refusal_subject ON refusal (subject, at);
CREATE INDEX refusal_until ON refusal (until);
