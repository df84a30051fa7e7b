"""Signing in: passwords as Argon2id, tokens as digests, and patience with neither guessers nor floods.

A password is compared exactly, in Unicode's form NFC: the same letters typed on two keyboards are the same password.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
import unicodedata
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from functools import cache
from ipaddress import ip_address, ip_network
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from margelle.domain.access import Scope
from margelle.domain.site import User
from margelle.errors import BadInput, Limited, Refused, StoreError
from margelle.phrase import Phrase
from margelle.ports import AuditEntry, Clock, Grant, GrantKind, Rate, Store
from margelle.serve.patience import Tries

if TYPE_CHECKING:
    from argon2 import PasswordHasher

_LONGEST_PASSWORD: Final = 1024
_NOBODYS_HASH: Final = "$argon2id$v=19$m=19456,t=2,p=1$" + "bm9ib2R5IGlzIGhlcmU" + "$" + "A" * 43
"""What an unknown user's password is held against, so that they cannot be told from known ones by the time it takes."""

_REFUSED: Final = "This login and password do not belong together."
_MOST_WAITING: Final = 32
_MOST_HOLDERS: Final = 4096

_log: Final = logging.getLogger("margelle.sign_in")
# One thread for the whole process: the loop goes on, and memory stays at one hash's 19 MiB.
_worker: Final = ThreadPoolExecutor(1, thread_name_prefix="argon2")


def hash_password(password: str) -> str:
    """The Argon2id hash, in PHC form, to keep for `password`. Takes tens of milliseconds. Raises BadInput for an empty or endless one."""
    if not password:
        raise BadInput("The password is empty.", hint="Choose one of at least eight characters.")
    if len(password) > _LONGEST_PASSWORD:
        raise BadInput(f"The password is longer than {_LONGEST_PASSWORD} characters.")
    try:
        return _hasher().hash(_normal(password))
    except UnicodeEncodeError:
        raise BadInput("The password is not valid Unicode text.") from None


async def hashed(password: str) -> str:
    """`hash_password`, one at a time, while others are served."""
    return await asyncio.get_running_loop().run_in_executor(_worker, hash_password, password)


def digest(token: str) -> str:
    """What is kept of a token: its SHA-256."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


class Attempts:
    """Lets one attempt at a time be checked, and only so many be refused: for each login, and from each address.

    A success makes up for the login's refusals, not for the address's. An IPv6 address counts by its /64. Refusals are counted in the store:
    each further process that checks passwords at the same moment allows one guess more, and not as many again.
    """

    def __init__(
        self,
        store: Store,
        by_login: Rate = Rate(10, 15 * 60),  # noqa: B008 - immutable
        by_address: Rate = Rate(30, 15 * 60),  # noqa: B008
    ) -> None:
        self._tries = Tries(store, {"login": by_login, "address": by_address})
        self._turn = asyncio.Lock()
        self._waiting = 0

    async def check(self, login: str, password: str, address: str, user: User | None, clock: Clock) -> User | None:
        """`user`, if the password is theirs. Raises Limited."""
        login = (user.email if user else login).casefold()
        keys = login, _network(address)
        await self._demand_room(keys, clock())
        if self._waiting >= _MOST_WAITING:
            raise Limited("Too many people sign in at once.", retry_after_s=2, phrase=Phrase("sign_in.crowd"))
        self._waiting += 1
        try:
            async with self._turn:
                await self._demand_room(keys, clock())  # others may have been refused meanwhile
                good = await _verified((user.password_hash if user else "") or _NOBODYS_HASH, password)
                if user is not None and good:
                    await self._tries.forget(login, clock())
                    return user
                await self._tries.add(keys, clock())
                return None
        finally:
            self._waiting -= 1

    async def _demand_room(self, keys: Sequence[str], now: datetime) -> None:
        await self._tries.demand_room(keys, now, "Too many refused attempts to sign in.")


class FaceDesk:
    """Signs the clients of one face in (ports.Desk). Desks that share `attempts` count refusals together."""

    def __init__(self, face: str, store: Store, clock: Clock, attempts: Attempts | None = None) -> None:
        self.face = face
        self._store = store
        self._clock = clock
        self._attempts = attempts or Attempts(store)
        self._holders: dict[str, tuple[User, Grant]] = {}  # by digest, true of the store's version
        self._version = -1

    async def sign_in(self, login: str, password: str, address: str) -> User:
        """The user with this login. Raises Refused, and Limited after too many refusals for the login or from the address."""
        login = unicodedata.normalize("NFC", login.strip())
        user = await self._store.user(login)
        if await self._attempts.check(login, password, address, user, self._clock) is None or user is None:
            _log.info("refused to sign somebody in at %s from %s", self.face, address)
            raise Refused(_REFUSED)
        if _hasher().check_needs_rehash(user.password_hash):
            await self._strengthen(user, password)
        return user

    async def _strengthen(self, user: User, password: str) -> None:
        """Keep the hash that today's parameters give, unless the password was changed meanwhile."""
        stronger = await hashed(password)
        try:
            if await self._store.user(user.email) == user:
                await self._store.put_user(replace(user, password_hash=stronger))
        except StoreError as trouble:  # the old hash serves until then
            _log.warning("a password's hash stays as it was: %s", trouble)

    async def issue(
        self, kind: GrantKind, user: str, *, life_s: float | None, redirect_uri: str = "", client_id: str = ""
    ) -> str:
        """A new code or token (40 hexadecimal digits) for a user; `life_s` None never expires."""
        token, now = secrets.token_hex(20), self._clock()
        expires_at = None if life_s is None else now + timedelta(seconds=life_s)
        grant = Grant(digest(token), kind, self.face, user, now, expires_at, redirect_uri, client_id)
        await self._store.put_grant(grant)
        return token

    async def issue_named(
        self,
        kind: GrantKind,
        user: str,
        name: str,
        *,
        life_s: float | None,
        scopes: Sequence[Scope] = (),
        site: str = "",
    ) -> tuple[str, Grant]:
        """A new token that its user finds again in a list and can take back, and its grant: a key, a link or an invitation."""
        token, now = secrets.token_hex(20), self._clock()
        expires_at = None if life_s is None else now + timedelta(seconds=life_s)
        grant = Grant(
            digest(token),
            kind,
            self.face,
            user,
            now,
            expires_at,
            id=secrets.token_hex(6),
            name=name,
            scopes=tuple(scopes),
            site=site,
        )
        await self._store.put_grant(grant)
        return token, grant

    async def note(self, act: str, user: User, outcome: str) -> None:
        """Record in the audit log what a user did at this face."""
        await self._store.record(AuditEntry(self._clock(), user.email, act, self.face, outcome))

    async def take_code(self, code: str) -> Grant | None:
        """The grant of a code, which is then used up; None if there is none or it has expired."""
        return await self.take("code", code)

    async def take(self, kind: GrantKind, token: str) -> Grant | None:
        """The grant of a token, which is then used up: of two who take it, one gets it."""
        if not self._good(await self._store.grant(digest(token)), kind):
            return None
        return await self._store.take_grant(digest(token))

    async def holder(self, kind: GrantKind, token: str) -> User | None:
        """Whose token this is; None if nobody's, or it has expired."""
        held = await self.held(kind, token)
        return held[0] if held is not None else None

    async def held(self, kind: GrantKind, token: str) -> tuple[User, Grant] | None:
        """Whose token this is, and what was granted with it; None if nobody's, or it has expired."""
        version = await self._store.version(but_points=True)
        if version != self._version:
            self._holders.clear()
            self._version = version
        key = digest(token)
        held = self._holders.get(key) or await self._look_up(key, version)
        return held if held is not None and self._good(held[1], kind) else None

    async def revoke(self, token: str) -> None:
        """Forget a token of this face, if there is such a one."""
        grant = await self._store.grant(digest(token))
        if grant is not None and grant.face == self.face:
            await self._store.take_grant(grant.digest)

    async def _look_up(self, key: str, version: int) -> tuple[User, Grant] | None:
        grant = await self._store.grant(key)
        user = await self._store.user(grant.user) if grant is not None else None
        if grant is None or user is None:
            return None
        if version == self._version:  # what was read may be older than what others have cached since
            if len(self._holders) >= _MOST_HOLDERS:
                self._holders.clear()
            self._holders[key] = user, grant
        return user, grant

    def _good(self, grant: Grant | None, kind: GrantKind) -> bool:
        if grant is None or grant.kind != kind or grant.face != self.face:
            return False
        return grant.expires_at is None or self._clock() < grant.expires_at


async def _verified(password_hash: str, password: str) -> bool:
    if len(password) > _LONGEST_PASSWORD:
        return False
    return await asyncio.get_running_loop().run_in_executor(_worker, _matches, password_hash, password)


@cache
def _hasher() -> PasswordHasher:
    """OWASP's smallest setting of Argon2id, so that a small computer at home can bear it: 19 MiB, two passes, one lane."""
    from argon2 import PasswordHasher, Type  # noqa: PLC0415 - the hub's start does not wait for it

    return PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1, type=Type.ID)


def _matches(password_hash: str, password: str) -> bool:
    from argon2.exceptions import InvalidHashError, VerificationError  # noqa: PLC0415

    try:
        return _hasher().verify(password_hash, _normal(password))
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False


def _normal(password: str) -> bytes:
    return unicodedata.normalize("NFC", password).encode()


def _network(address: str) -> str:
    try:
        known = ip_address(address)
    except ValueError:
        return address
    return str(ip_network((known, 64), strict=False)) if known.version == 6 else address
