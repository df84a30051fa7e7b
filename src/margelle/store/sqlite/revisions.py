"""What points were before they were corrected; and the numbers of series and origins, by which revisions name them."""

from __future__ import annotations

from typing import Final

from margelle.domain.measurement import Revision
from margelle.store import rules
from margelle.store.layout.answers import ALWAYS
from margelle.store.layout.stretch import Past
from margelle.store.row import Row, measurement
from margelle.store.sqlite.database import Database

_OF: Final = """
SELECT replaced_at, at, value, raw, coalesce(revision.unit, series.unit), origin.name, doubts
FROM series CROSS JOIN revision ON series = series.id JOIN origin ON origin.id = origin
WHERE probe = ? AND quantity = ? AND at = ? ORDER BY revision.id
"""
_PAST: Final = """
SELECT quantity, replaced_at, at, value, raw, coalesce(revision.unit, series.unit), origin.name, doubts
FROM series CROSS JOIN revision ON series = series.id AND at >= ?2 AND at < ?3 JOIN origin ON origin.id = origin
WHERE probe = ?1 ORDER BY revision.id
"""


class Revisions:
    """Tables revision, series and origin."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def open_series(self, probe: str, quantity: str, unit: str) -> None:
        """Note that the probe measures this."""
        sql = "INSERT INTO series (probe, quantity, unit) VALUES (?, ?, ?) ON CONFLICT DO NOTHING"
        self._db.connection.execute(sql, (probe, quantity, unit))

    def quantities(self, probe: str) -> list[str]:
        """What a probe has ever measured, in order."""
        sql = "SELECT quantity FROM series WHERE probe = ? ORDER BY quantity"
        return [row[0] for row in self._db.read(sql, (probe,))]

    def origin(self, name: str) -> int:
        """The number of an origin, in the caller's transaction."""
        self._db.connection.execute("INSERT INTO origin (name) VALUES (?) ON CONFLICT DO NOTHING", (name,))
        found: int = self._db.connection.execute("SELECT id FROM origin WHERE name = ?", (name,)).get
        return found

    def keep(self, probe: str, quantity: str, old: Row, now_us: int) -> None:
        """Keep what a row was before it was corrected."""
        at_us, value, raw, unit, origin, doubts = old
        self._db.connection.execute(
            "INSERT INTO revision SELECT NULL, ?, id, ?, ?, ?, ?, ?, ? FROM series WHERE probe = ? AND quantity = ?",
            (now_us, at_us, value, raw, unit, self.origin(origin), doubts, probe, quantity),
        )

    def past(self, probe: str, since_us: int, until_us: int | None) -> list[Past]:
        """What was replaced of the points with since <= at < until, oldest first."""
        end_us = ALWAYS[1] if until_us is None else until_us
        rows = self._db.read(_PAST, (probe, since_us, end_us))
        return [(quantity, replaced_us, (*row,)) for quantity, replaced_us, *row in rows]

    def read(self, probe: str, quantity: str, at_us: int) -> list[Revision]:
        """What a point was, oldest first."""
        return [
            Revision(measurement(probe, quantity, (*row,)), rules.instant(replaced_at))
            for replaced_at, *row in self._db.read(_OF, (probe, quantity, at_us))
        ]
