"""SQLite's tables as they are, for copying."""

from __future__ import annotations

from margelle.store.layout import stretch as stretches
from margelle.store.layout.stretch import Stretch
from margelle.store.relations import RELATIONS, Line, Relation
from margelle.store.sqlite.series import SeriesTables


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
        with await self._db.writing() as connection:
            connection.executemany(sql, lines)

    async def last_key(self, relation: Relation) -> Line | None:
        key = ", ".join(relation.key)
        back = ", ".join(f"{column} DESC" for column in relation.key)
        rows = self._db.read(f'SELECT {key} FROM "{relation.name}" ORDER BY {back} LIMIT 1')  # noqa: S608
        return rows[0] if rows else None

    async def measuring(self) -> list[str]:
        return self._probes()

    async def stretch(self, probe: str, since_us: int) -> Stretch:
        with self._looking():
            return self._stretch(probe, since_us)

    async def reached(self, probe: str) -> int:
        with self._looking():
            head = self._heads.get(probe)
        return stretches.after(head.newest if head else {})

    async def put_stretch(self, probe: str, stretch: Stretch) -> None:
        with await self._changing():
            stretches.put(self._tables, probe, stretch.rows, stretch.past)
            self._db.connection.execute("UPDATE tally SET points = points + ?", (stretch.count,))

    async def is_empty(self) -> bool:
        names = [relation.name for relation in RELATIONS]
        kept = any(self._db.read(f'SELECT 1 FROM "{name}" LIMIT 1') for name in names)  # noqa: S608
        return not kept and not await self.measuring()

    async def forget_memo(self, name: str) -> None:
        with await self._db.writing() as connection:
            connection.execute("DELETE FROM memo WHERE name = ?", (name,))


def _marks(things: Line | tuple[str, ...]) -> str:
    return ", ".join("?" * len(things))
