"""Recommendations, and the public ids of what faces show, in SQLite."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

import apsw
import msgspec
from msgspec.structs import replace

from margelle.domain.site import Persona, PersonaKind, Recommendation
from margelle.errors import StoreError
from margelle.store import rules
from margelle.store.sqlite.database import Database

_OF_SITES: Final = """
SELECT site, doc FROM recommendation WHERE site IN (SELECT value FROM json_each(?)) AND status = 'waiting' ORDER BY created_at, id
"""
_LOWEST_FREE: Final = """
SELECT min(free) FROM (
    SELECT :first AS free UNION ALL
    SELECT number + 1 FROM persona WHERE face = :face AND kind = :kind AND number >= :first AND number < :last
) WHERE NOT EXISTS (SELECT 1 FROM persona WHERE face = :face AND kind = :kind AND number = free)
"""


class AdviceTables:
    """The part of the store that knows what faces show beside measurements: tables recommendation and persona."""

    _db: Database
    _personas: dict[tuple[str, str, str], Persona]

    async def recommendations(self, site: str, *, waiting: bool = True) -> list[Recommendation]:
        return self._db.docs(
            Recommendation,
            "SELECT doc FROM recommendation WHERE site = ? AND (NOT ? OR status = 'waiting') ORDER BY created_at, id",
            (site, waiting),
        )

    async def recommendations_of(self, sites: Collection[str]) -> dict[str, list[Recommendation]]:
        rows = self._db.read(_OF_SITES, (msgspec.json.encode(list(sites)).decode(),))
        found: dict[str, list[Recommendation]] = {site: [] for site in sites}
        for site, doc in rows:
            found[site].append(self._db.decoded(Recommendation, doc))
        return found

    async def recommendation(self, recommendation: str) -> Recommendation | None:
        return self._db.doc(Recommendation, "SELECT doc FROM recommendation WHERE id = ?", (recommendation,))

    async def put_recommendations(self, site: str, recommendations: Sequence[Recommendation]) -> None:
        rules.check_recommendations(site, recommendations)
        with await self._db.writing() as connection:
            given = {recommendation.id for recommendation in recommendations}
            for over in await self.recommendations(site):
                if over.id not in given:
                    _put(connection, replace(over, status="ended"))
            for recommendation in recommendations:
                _put(connection, recommendation)

    async def put_recommendation(self, recommendation: Recommendation) -> None:
        with await self._db.writing() as connection:
            _put(connection, recommendation)

    async def persona(self, face: str, kind: PersonaKind, subject: str, preferred: int | None = None) -> Persona:
        known = self._personas.get((face, kind, subject))
        if known is None:
            number = self._number(face, kind, subject) or await self._give(face, kind, subject, preferred)
            known = self._personas[face, kind, subject] = Persona(face, kind, str(number), subject)
        return known

    def _number(self, face: str, kind: str, subject: str) -> int | None:
        sql = "SELECT number FROM persona WHERE face = ? AND kind = ? AND subject = ?"
        return next((number for (number,) in self._db.read(sql, (face, kind, subject))), None)

    async def _give(self, face: str, kind: str, subject: str, preferred: int | None) -> int:
        with await self._db.writing() as connection:
            if given := self._number(face, kind, subject):  # by another process, meanwhile
                return given
            number = preferred if preferred is not None and 0 < preferred <= rules.LAST_PERSONA else rules.FIRST_PERSONA
            if self._db.read("SELECT 1 FROM persona WHERE face = ? AND kind = ? AND number = ?", (face, kind, number)):
                number = self._lowest_free(face, kind)
            connection.execute("INSERT INTO persona VALUES (?, ?, ?, ?)", (face, kind, number, subject))
            return number

    def _lowest_free(self, face: str, kind: str) -> int:
        here = {"face": face, "kind": kind, "first": rules.FIRST_PERSONA, "last": rules.LAST_PERSONA}
        number: int | None = self._db.read(_LOWEST_FREE, here)[0][0]
        if number is None:
            raise StoreError(f"There is no public id left for another {kind} on the face {face}.")
        return number

    async def subject(self, face: str, kind: PersonaKind, public_id: str) -> str | None:
        number = rules.public_number(public_id)
        sql = "SELECT subject FROM persona WHERE face = ? AND kind = ? AND number = ?"
        return next((subject for (subject,) in self._db.read(sql, (face, kind, number))), None)


def _put(connection: apsw.Connection, recommendation: Recommendation) -> None:
    doc = msgspec.json.encode(recommendation).decode()
    row = (recommendation.id, recommendation.site, recommendation.status, rules.micros(recommendation.created_at), doc)
    connection.execute("REPLACE INTO recommendation VALUES (?, ?, ?, ?, ?)", row)
