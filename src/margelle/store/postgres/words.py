"""The numbers that stand for names in measurements: table word."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from margelle.store.postgres.asking import Asking
from margelle.store.postgres.database import Database

_KNOWN: Final = "SELECT text, number FROM word WHERE text = ANY(%s)"
_NEW: Final = "INSERT INTO word (text) SELECT unnest(%s::text[]) ON CONFLICT (text) DO NOTHING"
_TEXTS: Final = "SELECT text, number FROM word WHERE number = ANY(%s)"


class Words:
    """Names and their numbers. A number is given for ever, so that what is known here stays true."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._numbers: dict[str, int] = {}
        self._texts: dict[int, str] = {}

    async def numbers(self, texts: Iterable[str]) -> dict[str, int]:
        """The numbers of these names, given now to those that have none."""
        if missing := [text for text in dict.fromkeys(texts) if text not in self._numbers]:
            await self._look(self._db, _KNOWN, missing)
        if new := sorted(text for text in missing if text not in self._numbers):
            async with self._db.writing(silent=True) as transaction:
                await transaction.run(_NEW, (new,))
                await self._look(transaction, _KNOWN, new)
        return self._numbers

    async def number(self, text: str) -> int | None:
        """The number of this name, if it has one."""
        if text not in self._numbers:
            await self._look(self._db, _KNOWN, [text])
        return self._numbers.get(text)

    async def texts(self, numbers: Iterable[int]) -> dict[int, str]:
        """The names of these numbers."""
        if missing := [number for number in set(numbers) if number not in self._texts]:
            await self._look(self._db, _TEXTS, missing)
        return self._texts

    async def _look(self, asking: Asking, sql: str, args: list[str] | list[int]) -> None:
        for text, number in await asking.read(sql, (args,)):
            self._numbers[text] = number
            self._texts[number] = text
