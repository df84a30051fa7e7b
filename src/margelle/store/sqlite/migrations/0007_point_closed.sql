-- Table point gets nothing new. A margelle of before these chunks that still runs, while a newer one has opened the database, is refused: what it
-- kept there would not be seen.
CREATE TRIGGER point_closed BEFORE INSERT ON point BEGIN
    SELECT RAISE(ABORT, 'a newer margelle keeps this database now: end this one');
END;
