"""Forms that were taken lately, in memory."""

from __future__ import annotations

from datetime import datetime, timedelta


class FormsPart:
    """The part of the store that knows which forms were taken."""

    def __init__(self) -> None:
        super().__init__()
        self._forms: dict[str, tuple[datetime, bytes]] = {}

    async def form(self, digest: str, now: datetime) -> bytes | None:
        until, answer = self._forms.get(digest, (now, b""))
        return answer if until > now else None

    async def take_form(self, digest: str, now: datetime, life_s: float) -> bool:
        self._forms = {key: one for key, one in self._forms.items() if one[0] > now}
        until = now + timedelta(seconds=life_s)
        return self._forms.setdefault(digest, taken := (until, b"")) is taken

    async def answer_form(self, digest: str, answer: bytes, now: datetime, life_s: float) -> None:
        self._forms[digest] = now + timedelta(seconds=life_s), answer

    async def drop_form(self, digest: str) -> None:
        self._forms.pop(digest, None)
