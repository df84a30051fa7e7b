"""The statistics of days in SQLite."""

from __future__ import annotations

from typing import Final

from margelle.errors import StoreError
from margelle.store.layout.rollup import Rollup
from margelle.store.remembered import DAYS, Remembered
from margelle.store.sqlite.chunks import Chunks
from margelle.store.sqlite.database import Database

_ZONE: Final = """
SELECT json_extract(site.doc, '$.time_zone') FROM probe JOIN site ON site.id = probe.site WHERE probe.id = ?
"""
_YEARS: Final = "SELECT days FROM year WHERE probe = ? AND zone = ? AND year BETWEEN ? AND ? ORDER BY year"
_KEEP: Final = """
INSERT INTO year (probe, zone, year, days) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET days = excluded.days
"""


class RollupTables(Rollup):
    """Tables rolled and year."""

    def __init__(self, db: Database, chunks: Chunks) -> None:
        super().__init__(chunks, Remembered(DAYS))
        self._db = db

    def until(self, probe: int, zone: str) -> int | None:
        rows = self._db.read("SELECT until FROM rolled WHERE probe = ? AND zone = ?", (probe, zone))
        return rows[0][0] if rows else None

    def keep_until(self, probe: int, zone: str, until_us: int) -> None:
        sql = "INSERT INTO rolled VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET until = excluded.until"
        self._db.connection.execute(sql, (probe, zone, until_us))

    def zones(self, probe: int) -> list[str]:
        return [zone for (zone,) in self._db.read("SELECT zone FROM rolled WHERE probe = ?", (probe,))]

    def site_zones(self, name: str) -> list[object]:
        return [zone for (zone,) in self._db.read(_ZONE, (name,))]

    def years(self, probe: int, zone: str, first: int, last: int) -> list[bytes]:
        return [told for (told,) in self._db.read(_YEARS, (probe, zone, first, last))]

    def keep_year(self, probe: int, zone: str, year: int, told: bytes) -> None:
        self._db.connection.execute(_KEEP, (probe, zone, year, told))

    def drop(self, probe: int, zone: str) -> None:
        for table in ("rolled", "year"):
            self._db.connection.execute(f"DELETE FROM {table} WHERE probe = ? AND zone = ?", (probe, zone))  # noqa: S608

    def damaged(self, error: object) -> StoreError:
        return self._db.damaged(error)
