"""The numbers that stand for names in measurements: table word."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from margelle.store.postgres.asking import Asking
from margelle.store.postgres.database import Database, retried

_NUMBERS: Final = "SELECT text, number FROM word WHERE text = ANY(%s)"
_TEXTS: Final = "SELECT text, number FROM word WHERE number = ANY(%s)"
_NEW: Final = "INSERT INTO word (text) SELECT unnest(%s::text[]) ON CONFLICT (text) DO NOTHING"


class Words:
    """Names and their numbers. A number is given for ever, so that what is known here stays true."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._numbers: dict[str, int] = {}
        self._texts: dict[int, str] = {}

    @property
    def seen(self) -> Mapping[str, int]:
        """The numbers of all names that were asked for."""
        return self._numbers

    async def numbers(self, texts: Iterable[str]) -> Mapping[str, int]:
        """The numbers of these names, given now to those that have none."""
        found = await self.known(texts)
        if new := sorted({text for text in texts if text not in found}):
            await self._add(new)
            await self.known(new)
        return found

    async def known(self, texts: Iterable[str], by: Asking | None = None) -> Mapping[str, int]:
        """The numbers of these names, of those that have one; asked as `texts` are."""
        if missing := list({text for text in texts if text not in self._numbers}):
            self._learn(await (by or self._db).read(_NUMBERS, (missing,)))
        return self._numbers

    async def texts(self, numbers: Iterable[int], by: Asking | None = None) -> Mapping[int, str]:
        """The names of these numbers; asked `by` a transaction, which needs no other connection then."""
        if missing := list({number for number in numbers if number not in self._texts}):
            self._learn(await (by or self._db).read(_TEXTS, (missing,)))
        return self._texts

    def _learn(self, rows: Iterable[tuple[str, int]]) -> None:
        for text, number in rows:
            self._numbers[text] = number
            self._texts[number] = text

    @retried
    async def _add(self, new: list[str]) -> None:
        """On its own, before they are used: a name without a measurement does no harm, and nobody waits for whoever uses it first."""
        async with self._db.writing(news=False) as transaction:
            await transaction.run(_NEW, (new,))
