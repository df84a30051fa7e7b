-- How often a probe measured where readings are missing: what comes into a gap later leaves holes of its own.

ALTER TABLE gap ADD COLUMN every_s REAL NOT NULL DEFAULT 3600;
