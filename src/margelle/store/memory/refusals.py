"""Who was refused lately, in memory."""

from __future__ import annotations

from datetime import datetime, timedelta


class RefusalsPart:
    """The part of the store that counts refusals."""

    def __init__(self) -> None:
        super().__init__()
        self._refusals: dict[str, list[tuple[datetime, datetime]]] = {}

    async def refusals(self, subject: str, now: datetime) -> list[datetime]:
        return sorted(at for at, until in self._refusals.get(subject, ()) if until > now)

    async def refuse(self, subject: str, now: datetime, life_s: float) -> None:
        known = [(at, until) for at, until in self._refusals.get(subject, ()) if until > now]
        self._refusals[subject] = [*known, (now, now + timedelta(seconds=life_s))]

    async def pardon(self, subject: str) -> None:
        self._refusals.pop(subject, None)
