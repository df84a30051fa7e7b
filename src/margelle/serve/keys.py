"""Keys of the hub's own API: made, listed and taken back, by page, by the API itself and by command. Every act is recorded."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from margelle.domain.access import Scope
from margelle.errors import BadInput, Conflict, NotFound
from margelle.phrase import Phrase
from margelle.ports import AuditEntry, Clock, Grant, Store
from margelle.serve.api import NAME
from margelle.serve.sign_in import FaceDesk

MOST: Final = 50
"""Keys of one user: whoever has more has lost count."""

BEFORE_SCOPES: Final[tuple[Scope, ...]] = ("measure",)
"""What a token is good for that was made before keys had scopes."""

_DAY_S: Final = 86_400.0


class Keys:
    """The keys of a hub's users; `by` is the e-mail of whoever acts, empty for a command."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._desk = FaceDesk(NAME, store, clock)

    async def of(self, user: str) -> list[Grant]:
        """A user's keys. Those from before keys had ids are not among them."""
        return [one for one in await self._store.grants(user=user) if is_key(one)]

    async def make(
        self, user: str, name: str, scopes: Sequence[Scope], days: int | None, *, by: str
    ) -> tuple[str, Grant]:
        """A new key's token, and the key, good for so many days, None for ever. Raises Conflict where there are too many, BadInput for an end beyond all calendars."""
        if len(await self.of(user)) >= MOST:
            phrase = Phrase("key.too_many", {"user": user, "n": str(MOST)})
            raise Conflict(f"{user} has {MOST} keys already.", hint="Take one back first.", phrase=phrase)
        life_s = None if days is None else days * _DAY_S
        good_for = tuple(dict.fromkeys(scopes))
        try:
            token, key = await self._desk.issue_named("access", user, name, life_s=life_s, scopes=good_for)
        except OverflowError as error:
            raise BadInput(f"In {days} days no calendar goes on.") from error
        phrase = Phrase("key.made", {"scopes": ", ".join(good_for), "owner": key.user})
        await self._record(key, f"made for {', '.join(good_for)}", by, phrase)
        return token, key

    async def take_back(self, user: str, identity: str, *, by: str) -> None:
        """Let a user's key open nothing any more. Raises NotFound."""
        key = next((one for one in await self.of(user) if one.id == identity), None)
        if key is None:
            raise NotFound(f"There is no key {identity!r}, or it is not yours.")
        await self._end(key, by)

    async def revoke(self, user: str, token: str, *, by: str) -> None:
        """The same of the key that has this token. Raises NotFound."""
        held = await self._desk.held("access", token)
        if held is None or held[0].email != user:
            raise NotFound(f"That is no token of {user}.")
        await self._end(held[1], by)

    async def _end(self, key: Grant, by: str) -> None:
        await self._store.take_grant(key.digest)
        await self._record(key, "taken back", by, Phrase("key.over", {"owner": key.user}))

    async def _record(self, key: Grant, outcome: str, by: str, phrase: Phrase) -> None:
        whose = outcome if by == key.user else f"{outcome}, of {key.user}"
        await self._store.record(AuditEntry(self._clock(), by, "key", key.name or "token", whose, phrase=phrase))


def is_key(grant: Grant) -> bool:
    """Whether a grant is a key of the hub's own API."""
    return grant.kind == "access" and grant.face == NAME
