"""Recommendations, and the public ids of what faces show, in PostgreSQL."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from margelle.domain.site import Persona, PersonaKind, Recommendation
from margelle.errors import StoreError
from margelle.store import rules
from margelle.store.postgres.asking import Asking, Transaction
from margelle.store.postgres.database import Database, retried

_OF_SITE: Final = (
    "SELECT doc FROM recommendation WHERE site = %s AND (NOT %s OR status = 'waiting') ORDER BY created_at, id"
)
_OF_SITES: Final = (
    "SELECT site, doc FROM recommendation WHERE site = ANY(%s) AND status = 'waiting' ORDER BY created_at, id"
)
_PUT: Final = """
INSERT INTO recommendation VALUES (%s, %s, %s, %s, %s) ON CONFLICT (id) DO UPDATE
SET site = excluded.site, status = excluded.status, created_at = excluded.created_at, doc = excluded.doc
"""
_NUMBER: Final = "SELECT number FROM persona WHERE face = %s AND kind = %s AND subject = %s"
_TAKEN: Final = "SELECT 1 FROM persona WHERE face = %s AND kind = %s AND number = %s"
_LOWEST_FREE: Final = """
SELECT min(free) FROM (
    SELECT %(first)s::int AS free UNION ALL
    SELECT number + 1 FROM persona WHERE face = %(face)s AND kind = %(kind)s AND number >= %(first)s AND number < %(last)s
) AS candidate WHERE NOT EXISTS (SELECT 1 FROM persona WHERE face = %(face)s AND kind = %(kind)s AND number = free)
"""


class AdviceTables:
    """The part of the store that knows what faces show beside measurements: tables recommendation and persona."""

    _db: Database
    _personas: dict[tuple[str, str, str], Persona]

    async def recommendations(self, site: str, *, waiting: bool = True) -> list[Recommendation]:
        return await _of_site(self._db, site, waiting=waiting)

    async def recommendations_of(self, sites: Collection[str]) -> dict[str, list[Recommendation]]:
        found: dict[str, list[Recommendation]] = {site: [] for site in sites}
        for site, doc in await self._db.read(_OF_SITES, (list(sites),)):
            found[site].append(self._db.decoded(Recommendation, doc))
        return found

    async def recommendation(self, recommendation: str) -> Recommendation | None:
        return await self._db.doc(Recommendation, "SELECT doc FROM recommendation WHERE id = %s", (recommendation,))

    @retried
    async def put_recommendations(self, site: str, recommendations: Sequence[Recommendation]) -> None:
        rules.check_recommendations(site, recommendations)
        async with self._db.writing() as transaction:
            await transaction.lock(f"advice {site}")
            given = {recommendation.id for recommendation in recommendations}
            waiting = await _of_site(transaction, site, waiting=True)
            over = [replace(one, status="ended") for one in waiting if one.id not in given]
            await transaction.run_each(_PUT, [_row(one) for one in (*over, *recommendations)])

    @retried
    async def put_recommendation(self, recommendation: Recommendation) -> None:
        async with self._db.writing() as transaction:
            await transaction.lock(f"advice {recommendation.site}")
            await transaction.run(_PUT, _row(recommendation))

    async def persona(self, face: str, kind: PersonaKind, subject: str, preferred: int | None = None) -> Persona:
        known = self._personas.get((face, kind, subject))
        if known is None:
            given = await _number(self._db, face, kind, subject) or await self._give(face, kind, subject, preferred)
            known = self._personas[face, kind, subject] = Persona(face, kind, str(given), subject)
        return known

    @retried
    async def _give(self, face: str, kind: str, subject: str, preferred: int | None) -> int:
        async with self._db.writing() as transaction:
            await transaction.lock(f"persona {face} {kind}")
            if given := await _number(transaction, face, kind, subject):  # by another process, meanwhile
                return given
            number = preferred if preferred is not None and 0 < preferred <= rules.LAST_PERSONA else rules.FIRST_PERSONA
            if await transaction.read(_TAKEN, (face, kind, number)):
                number = await _lowest_free(transaction, face, kind)
            await transaction.run("INSERT INTO persona VALUES (%s, %s, %s, %s)", (face, kind, number, subject))
            return number

    async def subject(self, face: str, kind: PersonaKind, public_id: str) -> str | None:
        number = rules.public_number(public_id)
        if number is None or number > rules.LAST_PERSONA:
            return None
        sql = "SELECT subject FROM persona WHERE face = %s AND kind = %s AND number = %s"
        return next((subject for (subject,) in await self._db.read(sql, (face, kind, number))), None)


async def _of_site(asking: Asking, site: str, *, waiting: bool) -> list[Recommendation]:
    return await asking.docs(Recommendation, _OF_SITE, (site, waiting))


async def _number(asking: Asking, face: str, kind: str, subject: str) -> int | None:
    return next((number for (number,) in await asking.read(_NUMBER, (face, kind, subject))), None)


async def _lowest_free(transaction: Transaction, face: str, kind: str) -> int:
    here = {"face": face, "kind": kind, "first": rules.FIRST_PERSONA, "last": rules.LAST_PERSONA}
    number: int | None = (await transaction.read(_LOWEST_FREE, here))[0][0]
    if number is None:
        raise StoreError(f"There is no public id left for another {kind} on the face {face}.")
    return number


def _row(recommendation: Recommendation) -> tuple[str, str, str, int, str]:
    doc = msgspec.json.encode(recommendation).decode()
    return recommendation.id, recommendation.site, recommendation.status, rules.micros(recommendation.created_at), doc
