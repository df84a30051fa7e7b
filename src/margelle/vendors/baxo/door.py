"""Who asks: by login and password, by the login alone for a while after that, or by the address of a next page."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Final

from margelle.domain.site import User
from margelle.errors import Refused
from margelle.ports import FaceContext, Grant
from margelle.vendors.baxo.profile import Profile
from margelle.vendors.baxo.query import Parameters
from margelle.vendors.baxo.translate import VENDOR

PAGE_LIFE_S: Final = 3600.0
"""How long the address of a next page is good for."""

PAGED: Final = "devices-historics"
"""The only service that the address of a page opens."""

RENEWED_AFTER: Final = timedelta(minutes=10)
"""So old is a grace that is written anew when the password comes again."""

_MOST_KNOWN: Final = 1000
_REFUSED: Final = "The username or the password is wrong, or the password is needed again."


class Door:
    """Lets users in (2.2: the password is only needed once a day).

    A grace is a grant whose digest is of the login and the client's address; it goes when the user gets another password. A password that was
    found right is known again by its keyed digest in memory, so that its costly hash is reckoned once and not for every request.
    """

    def __init__(self, context: FaceContext, profile: Profile) -> None:
        self._reader, self._writer, self._desk = context.reader, context.writer, context.desk
        self._grace_s = profile.grace_s
        self._key = secrets.token_bytes(32)
        self._known: dict[bytes, str] = {}

    async def admit(self, given: Parameters, address: str, now: datetime) -> User:
        """The user who asks. Raises Refused, and Limited after too many wrong passwords."""
        login, password = given.one("username").strip(), given.maybe("password")
        if password:
            user = await self._by_password(login, password, address)
            await self._remember(user, address, now)
            return user
        if given.maybe("get") == PAGED and (token := given.maybe("pageToken")):
            if (grant := await self.page(token, now)) and _same(grant.user, login):
                return await self._user(grant.user)
            raise Refused("The address of this page is no longer good.", hint="Ask for the first page again.")
        if self._grace_s and _lives(await self._reader.grant(_grace(login, address)), now):
            return await self._user(login)
        raise Refused(_REFUSED)

    async def page(self, token: str, now: datetime) -> Grant | None:
        """What `keep_page` kept, while it is good."""
        grant = await self._reader.grant(_digest("page", token))
        return grant if _lives(grant, now) else None

    async def keep_page(self, user: User, wish: str, now: datetime) -> str:
        """A token for a page of this user, and nothing else; `wish` says which."""
        token = secrets.token_hex(20)
        until = now + timedelta(seconds=PAGE_LIFE_S)
        await self._writer.put_grant(
            Grant(_digest("page", token), "access", VENDOR, user.email, now, until, redirect_uri=wish)
        )
        return token

    async def _by_password(self, login: str, password: str, address: str) -> User:
        key = hmac.digest(self._key, f"{login}\0{password}".encode("utf-8", "surrogatepass"), "sha256")
        user = await self._reader.user(login)
        if user is not None and self._known.get(key) == user.password_hash:
            return user
        user = await self._desk.sign_in(login, password, address)
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        self._known[key] = (await self._user(user.email)).password_hash
        return user

    async def _remember(self, user: User, address: str, now: datetime) -> None:
        if not self._grace_s:
            return
        digest = _grace(user.email, address)
        known = await self._reader.grant(digest)
        if known is None or not known.issued_at <= now < known.issued_at + RENEWED_AFTER:
            until = now + timedelta(seconds=self._grace_s)
            await self._writer.put_grant(Grant(digest, "access", VENDOR, user.email, now, until, client_id=address))

    async def _user(self, login: str) -> User:
        user = await self._reader.user(login)
        if user is None:
            raise Refused(_REFUSED)
        return user


def _same(one: str, other: str) -> bool:
    return one.casefold() == other.casefold()


def _lives(grant: Grant | None, now: datetime) -> bool:
    return grant is not None and grant.face == VENDOR and grant.expires_at is not None and now < grant.expires_at


def _grace(login: str, address: str) -> str:
    return _digest("grace", f"{login.casefold()}\0{address}")


def _digest(kind: str, text: str) -> str:
    return hashlib.sha256(f"{VENDOR} {kind} {text}".encode("utf-8", "surrogatepass")).hexdigest()
