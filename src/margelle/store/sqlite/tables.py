"""What reads and writes each kind of table that measurements are kept in."""

from __future__ import annotations

from margelle.store.sqlite.before import Before
from margelle.store.sqlite.chunks import Chunks
from margelle.store.sqlite.database import Database
from margelle.store.sqlite.heads import Heads
from margelle.store.sqlite.revisions import Revisions
from margelle.store.sqlite.rollup import RollupTables


class Tables:
    """All of them, over one connection."""

    def __init__(self, db: Database) -> None:
        self.heads = Heads(db)
        self.chunks = Chunks(db)
        self.before = Before(db)
        self.revisions = Revisions(db)
        self.rollup = RollupTables(db, self.chunks)
