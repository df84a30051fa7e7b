"""Recommendations, and the public ids of what faces show, in memory."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import count

from msgspec.structs import replace

from margelle.domain.site import Persona, PersonaKind, Recommendation
from margelle.store import rules
from margelle.store.memory.counted import Counted


class AdvicePart(Counted):
    """The part of the store that knows what faces show beside measurements."""

    def __init__(self) -> None:
        super().__init__()
        self._recommendations: dict[str, Recommendation] = {}
        self._personas: dict[tuple[str, PersonaKind, str], Persona] = {}
        self._subjects: dict[tuple[str, PersonaKind, int], str] = {}

    async def recommendations(self, site: str, *, waiting: bool = True) -> list[Recommendation]:
        of_site = [
            r for r in self._recommendations.values() if r.site == site and (not waiting or r.status == "waiting")
        ]
        return sorted(of_site, key=lambda r: (r.created_at, r.id))

    async def recommendations_of(self, sites: Collection[str]) -> dict[str, list[Recommendation]]:
        return {site: await self.recommendations(site) for site in sites}

    async def recommendation(self, recommendation: str) -> Recommendation | None:
        return self._recommendations.get(recommendation)

    async def put_recommendations(self, site: str, recommendations: Sequence[Recommendation]) -> None:
        rules.check_recommendations(site, recommendations)
        for given in recommendations:
            rules.micros(given.created_at)
        self._version += 1
        for over in await self.recommendations(site):
            self._recommendations[over.id] = replace(over, status="ended")
        for recommendation in recommendations:
            self._recommendations[recommendation.id] = recommendation

    async def put_recommendation(self, recommendation: Recommendation) -> None:
        rules.micros(recommendation.created_at)
        self._version += 1
        self._recommendations[recommendation.id] = recommendation

    async def persona(self, face: str, kind: PersonaKind, subject: str, preferred: int | None = None) -> Persona:
        known = self._personas.get((face, kind, subject))
        if known is not None:
            return known
        wanted = preferred if preferred is not None and 0 < preferred <= rules.LAST_PERSONA else rules.FIRST_PERSONA
        if (face, kind, wanted) in self._subjects:
            wanted = next(n for n in count(rules.FIRST_PERSONA) if (face, kind, n) not in self._subjects)
        self._version += 1
        self._subjects[face, kind, wanted] = subject
        persona = self._personas[face, kind, subject] = Persona(face, kind, str(wanted), subject)
        return persona

    async def subject(self, face: str, kind: PersonaKind, public_id: str) -> str | None:
        number = rules.public_number(public_id)
        return None if number is None else self._subjects.get((face, kind, number))
