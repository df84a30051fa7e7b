"""SQLite's tables as they are, for copying."""

from __future__ import annotations

from margelle.store.layout import whole as rules
from margelle.store.layout.whole import Past, Whole
from margelle.store.relations import RELATIONS, Line, Relation
from margelle.store.sqlite.series import SeriesTables

_PAST = """
SELECT quantity, replaced_at, at, value, raw, coalesce(revision.unit, series.unit), origin.name, doubts
FROM series CROSS JOIN revision ON series = series.id JOIN origin ON origin.id = origin WHERE probe = ? ORDER BY revision.id
"""


class TransferTables(SeriesTables):
    """The part of the store that is copied from and to."""

    async def lines(self, relation: Relation, after: Line | None, most: int) -> list[Line]:
        key = ", ".join(relation.key)
        beyond = f"WHERE ({key}) > ({_marks(after)})" if after is not None else ""
        sql = f'SELECT {", ".join(relation.columns)} FROM "{relation.name}" {beyond} ORDER BY {key} LIMIT ?'  # noqa: S608 - of relations only
        return self._db.read(sql, (*(after or ()), most))

    async def put_lines(self, relation: Relation, lines: list[Line]) -> None:
        columns, marks = ", ".join(relation.columns), _marks(relation.columns)
        sql = f'INSERT OR IGNORE INTO "{relation.name}" ({columns}) VALUES ({marks})'  # noqa: S608
        with self._db.writing() as connection:
            connection.executemany(sql, lines)

    async def last_key(self, relation: Relation) -> Line | None:
        key = ", ".join(relation.key)
        back = ", ".join(f"{column} DESC" for column in relation.key)
        rows = self._db.read(f'SELECT {key} FROM "{relation.name}" ORDER BY {back} LIMIT 1')  # noqa: S608
        return rows[0] if rows else None

    async def measuring(self) -> list[str]:
        return [row[0] for row in self._db.read("SELECT DISTINCT probe FROM series ORDER BY probe")]

    async def whole(self, probe: str) -> Whole:
        with self._looking():
            return Whole(rules.rows_in(self._tables, probe), self._past(probe))

    async def past(self, probe: str) -> list[Past]:
        return self._past(probe)

    def _past(self, probe: str) -> list[Past]:
        rows = self._db.read(_PAST, (probe,))
        return [(quantity, replaced_us, (*row,)) for quantity, replaced_us, *row in rows]

    async def put_whole(self, probe: str, whole: Whole) -> None:
        with self._changing():
            rules.put(self._tables, probe, whole)
            self._db.connection.execute("UPDATE tally SET points = points + ?", (whole.count,))

    async def is_empty(self) -> bool:
        names = [relation.name for relation in RELATIONS]
        kept = any(self._db.read(f'SELECT 1 FROM "{name}" LIMIT 1') for name in names)  # noqa: S608
        return not kept and not await self.measuring()

    async def forget_memo(self, name: str) -> None:
        with self._db.writing() as connection:
            connection.execute("DELETE FROM memo WHERE name = ?", (name,))


def _marks(things: Line | tuple[str, ...]) -> str:
    return ", ".join("?" * len(things))
