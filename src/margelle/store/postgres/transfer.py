"""PostgreSQL's tables as they are, for copying."""

from __future__ import annotations

from typing import Final

import msgspec
from psycopg import sql

from margelle.store.layout import whole as rules
from margelle.store.layout.whole import Past, Whole
from margelle.store.postgres import probes
from margelle.store.postgres.asking import Asking
from margelle.store.postgres.database import retried
from margelle.store.postgres.image import Image
from margelle.store.postgres.upkeep import UpkeepTables
from margelle.store.relations import RELATIONS, Line, Relation
from margelle.store.row import Row

_PAST: Final = "SELECT quantity, replaced_at, point FROM revision WHERE probe = %s ORDER BY id"
_MEASURING: Final = "SELECT probe FROM head ORDER BY probe"
_ROW: Final = msgspec.msgpack.Decoder(Row)


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

    async def whole(self, probe: str) -> Whole:
        async with self._db.reading() as asking:
            kept = await probes.heads(asking, [probe])
            _, rows = await probes.worked(asking, kept.values(), lambda image: rules.rows_in(image, probe))
            return Whole(rows[probe], await _past(asking, probe))

    async def past(self, probe: str) -> list[Past]:
        return await _past(self._db, probe)

    async def put_whole(self, probe: str, whole: Whole) -> None:
        def work(image: Image) -> None:
            rules.put(image, probe, whole)
            image.new = whole.count

        with self._db.told():
            await self._hold([probe], work, news=True)

    async def is_empty(self) -> bool:
        names = [sql.Identifier(relation.name) for relation in RELATIONS]
        asked = [sql.SQL("SELECT 1 FROM {} LIMIT 1").format(name) for name in names]
        return not any([await self._db.read(statement) for statement in asked]) and not await self.measuring()

    @retried
    async def forget_memo(self, name: str) -> None:
        async with self._db.writing() as transaction:
            await transaction.run("DELETE FROM memo WHERE name = %s", (name,))


async def _past(asking: Asking, probe: str) -> list[Past]:
    rows = await asking.read(_PAST, (probe,))
    return [(quantity, replaced_us, _ROW.decode(point)) for quantity, replaced_us, point in rows]


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
