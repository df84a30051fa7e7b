-- How often what is kept of a probe was changed: so one process sees that another was quicker.

ALTER TABLE head ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;
