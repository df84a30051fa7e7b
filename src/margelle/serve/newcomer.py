"""Who may claim a hub that knows nobody yet: whoever reads the code that it printed where it was started.

An address says little about who asks: a proxy on the same machine makes everybody local. So there is one way, on loopback and in the network.
"""

from __future__ import annotations

import hmac
import secrets
from typing import Final

from margelle.domain.site import User
from margelle.errors import Conflict, Refused
from margelle.phrase import Phrase
from margelle.ports import AuditEntry, Clock, Rate, Store
from margelle.serve.password import demand_good
from margelle.serve.patience import Tries
from margelle.serve.people import demand_email
from margelle.serve.sign_in import digest, hashed

MEMO: Final = "first user"
"""Under which the digest of the code is kept. It has no slash: it is of no account."""

_LETTERS: Final = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Without those that are taken for one another."""

_LONG: Final = 8
_BY_ADDRESS: Final = Rate(10, 15 * 60)
_IN_ALL: Final = Rate(300, 15 * 60)


async def offer(store: Store) -> str:
    """A new code for the first user, to be printed; the earlier one is no longer good. Empty where there are users already."""
    if await store.users():
        return ""
    code = "".join(secrets.choice(_LETTERS) for _ in range(_LONG))
    await store.put_memo(MEMO, digest(code).encode())
    return f"{code[:4]}-{code[4:]}"


class Newcomers:
    """Takes the first user in. Wrong codes are counted, for each address and in all: nobody guesses one of 8e11 so."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._tries = Tries(store, {"code from": _BY_ADDRESS, "code": _IN_ALL})

    async def awaited(self) -> bool:
        """Whether nobody is known yet."""
        return not await self._store.users()

    async def join(
        self, code: str, email: str, password: str, address: str, *, firstname: str = "", language: str = "en"
    ) -> User:
        """The first user, who is the hub's operator from now on. Raises Conflict where there is one, Refused, Limited and BadInput."""
        await self._demand_code(code, address)
        demand_email(email)
        demand_good(password, email)
        user = User(email, await hashed(password), firstname.strip()[:100], language=language, operator=True)
        await self._demand_nobody()  # again: hashing takes a while
        await self._store.put_user(user)
        await self._store.put_memo(MEMO, b"")
        await self._store.record(AuditEntry(self._clock(), user.email, "join", user.email, "the hub's first user"))
        return user

    async def _demand_nobody(self) -> None:
        if not await self.awaited():
            raise Conflict("This hub has its first user already.", hint="Sign in.", phrase=Phrase("people.first_there"))

    async def _demand_code(self, code: str, address: str) -> None:
        await self._demand_nobody()
        now = self._clock()
        keys = address, ""
        await self._tries.demand_room(keys, now, "Too many wrong codes.")
        kept = (await self._store.memo(MEMO) or b"").decode("ascii", "replace")
        plain = "".join(letter for letter in code.upper() if letter.isalnum())
        if not kept or not hmac.compare_digest(kept, digest(plain)):
            await self._tries.add(keys, now)
            raise Refused("This is not the code that the hub printed.", hint="`margelle serve` prints it at its start.")
