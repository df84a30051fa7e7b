"""Points from before there were chunks: read where they are until they have been folded too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from margelle.store.row import Row
from margelle.store.sqlite.database import Database

_ROW: Final = "at, value, raw, coalesce(point.unit, series.unit), origin.name, doubts"
_FROM: Final = "FROM point JOIN series ON series.id = series JOIN origin ON origin.id = origin"
_NEWEST: Final = f"""
SELECT quantity, {_ROW} FROM series CROSS JOIN point ON series = series.id
AND at = (SELECT max(at) FROM point WHERE series = series.id) JOIN origin ON origin.id = origin WHERE probe = ?
"""  # noqa: S608 - of constants only
_RANGE: Final = f"""
SELECT {_ROW} {_FROM} WHERE series = (SELECT id FROM series WHERE probe = ? AND quantity = ?)
AND at >= ? AND at < ? ORDER BY at LIMIT ?
"""  # noqa: S608


class Before:
    """Table point."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def next(self) -> str | None:
        """A probe of which there is something left."""
        sql = "SELECT probe FROM series WHERE id = (SELECT series FROM point ORDER BY series LIMIT 1)"
        return next((probe for (probe,) in self._db.read(sql)), None)

    def any(self, probe: str) -> bool:
        """Whether there is something left of a probe."""
        sql = "SELECT 1 FROM series WHERE probe = ? AND EXISTS (SELECT 1 FROM point WHERE series = series.id) LIMIT 1"
        return bool(self._db.read(sql, (probe,)))

    def newest(self, probe: str) -> dict[str, Row]:
        """The newest row of each quantity."""
        return {quantity: tuple(row) for quantity, *row in self._db.read(_NEWEST, (probe,))}

    def rows(self, probe: str, quantity: str, since_us: int, until_us: int, limit: int) -> list[Row]:
        """Rows with since <= at < until, oldest first, at most `limit`."""
        rows: list[Any] = self._db.read(_RANGE, (probe, quantity, since_us, until_us, limit))
        return rows

    def put(self, probe: str, quantity: str, row: Row, origin: int) -> None:
        """Replace a row that is there."""
        self._db.connection.execute(
            "UPDATE point SET value = ?, raw = ?, unit = ?, origin = ?, doubts = ? WHERE at = ?"
            " AND series = (SELECT id FROM series WHERE probe = ? AND quantity = ?)",
            (row[1], row[2], row[3], origin, row[5], row[0], probe, quantity),
        )

    def stretch(self, probe: str, quantities: Sequence[str], most: int) -> dict[str, list[Row]]:
        """The oldest rows of all quantities up to an instant, about `most` of each; nothing where there are none left."""
        heads = {quantity: self.rows(probe, quantity, *_ALWAYS, most) for quantity in quantities}
        ends = [rows[-1][0] for rows in heads.values() if len(rows) == most]
        end = min(ends, default=None)
        found = {quantity: [row for row in rows if end is None or row[0] <= end] for quantity, rows in heads.items()}
        return {quantity: rows for quantity, rows in found.items() if rows}

    def remove(self, probe: str, until_us: int) -> None:
        """Remove the rows up to and including that instant: they have been folded."""
        sql = "DELETE FROM point WHERE series IN (SELECT id FROM series WHERE probe = ?) AND at <= ?"
        self._db.connection.execute(sql, (probe, until_us))


_ALWAYS: Final = (-(2**63), 2**63 - 1)
