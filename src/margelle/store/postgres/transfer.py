"""PostgreSQL's tables as they are, for copying."""

from __future__ import annotations

from typing import Final

from psycopg import sql

from margelle.store.layout import stretch as stretches
from margelle.store.layout.stretch import Stretch
from margelle.store.postgres import probes
from margelle.store.postgres.database import retried
from margelle.store.postgres.image import Image
from margelle.store.postgres.looking import Look
from margelle.store.postgres.upkeep import UpkeepTables
from margelle.store.relations import RELATIONS, Line, Relation

_MEASURING: Final = "SELECT probe FROM head ORDER BY probe"


class TransferTables(UpkeepTables):
    """The part of the store that is copied from and to."""

    async def lines(self, relation: Relation, after: Line | None, most: int) -> list[Line]:
        statement = sql.SQL("SELECT {} FROM {} {} ORDER BY {} LIMIT %s").format(
            _names(relation.columns), sql.Identifier(relation.name), _beyond(relation, after), _names(relation.key)
        )
        return relation.numbered(await self._db.read(statement, (*(after or ()), most)))

    @retried
    async def put_lines(self, relation: Relation, lines: list[Line]) -> None:
        statement = sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE VALUES ({}) ON CONFLICT DO NOTHING").format(
            sql.Identifier(relation.name), _names(relation.columns), _marks(relation)
        )
        async with self._db.writing() as transaction:
            await transaction.run_each(statement, lines)
            if relation.columns[0] == "id" and isinstance(lines[-1][0], int):  # the next one is numbered after it
                await transaction.read(
                    "SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", (relation.name, lines[-1][0])
                )

    async def last_key(self, relation: Relation) -> Line | None:
        back = sql.SQL(", ").join(sql.SQL("{} DESC").format(sql.Identifier(name)) for name in relation.key)
        statement = sql.SQL("SELECT {} FROM {} ORDER BY {} LIMIT 1").format(
            _names(relation.key), sql.Identifier(relation.name), back
        )
        return next(iter(await self._db.read(statement)), None)

    async def measuring(self) -> list[str]:
        return [probe for (probe,) in await self._db.read(_MEASURING)]

    async def stretch(self, probe: str, since_us: int) -> Stretch:
        async with self._db.reading() as asking:
            return await Look(asking).stretch(probe, since_us)

    async def reached(self, probe: str) -> int:
        return stretches.after((await probes.heads(self._db, [probe]))[probe].newest)

    async def put_stretch(self, probe: str, stretch: Stretch) -> None:
        def work(image: Image) -> None:
            stretches.put(image, probe, stretch.rows, stretch.past)
            image.new = stretch.count

        with self._db.told():
            await self._changed_locked([probe], work)

    async def is_empty(self) -> bool:
        names = [sql.Identifier(relation.name) for relation in RELATIONS]
        asked = [sql.SQL("SELECT 1 FROM {} LIMIT 1").format(name) for name in names]
        return not any([await self._db.read(statement) for statement in asked]) and not await self.measuring()

    @retried
    async def forget_memo(self, name: str) -> None:
        async with self._db.writing() as transaction:
            await transaction.run("DELETE FROM memo WHERE name = %s", (name,))


def _names(names: tuple[str, ...]) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, names))


def _marks(relation: Relation) -> sql.Composed:
    marks = (sql.SQL("%s::int::bool" if name in relation.flags else "%s") for name in relation.columns)
    return sql.SQL(", ").join(marks)


def _beyond(relation: Relation, after: Line | None) -> sql.Composable:
    if after is None:
        return sql.SQL("")
    marks = sql.SQL(", ").join([sql.Placeholder()] * len(after))
    return sql.SQL("WHERE ({}) > ({})").format(_names(relation.key), marks)
