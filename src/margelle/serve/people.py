"""Who may use this hub: users, how they are invited, and what they may change of themselves. Every act is recorded."""

from __future__ import annotations

import unicodedata
from datetime import datetime
from typing import Final

from msgspec.structs import replace

from margelle.domain.site import User
from margelle.errors import BadInput, Conflict, NotFound, Refused
from margelle.phrase import Phrase
from margelle.ports import AuditEntry, Clock, Grant, Store
from margelle.serve.keys import is_key
from margelle.serve.password import demand_good
from margelle.serve.sign_in import FaceDesk, hashed

INVITATION_LIFE_S: Final = 7 * 86400.0
"""A week: long enough for somebody who reads their mail on Sundays."""

LONGEST_EMAIL: Final = 254
LONGEST_NAME: Final = 100


class People:
    """The users of a hub, as its operators manage them. `desk` is that of the pages, which gives invitations and sessions."""

    def __init__(self, store: Store, desk: FaceDesk, clock: Clock) -> None:
        self._store, self._desk, self._clock = store, desk, clock

    async def invite(self, email: str, by: User, *, firstname: str = "", lastname: str = "") -> tuple[str, Grant]:
        """The token of a new invitation, and the invitation, for somebody who is no user yet or cannot sign in any more; earlier ones are no longer good.

        Raises BadInput for what is no e-mail, Conflict where they can sign in already.
        """
        demand_email(email)
        known = await self._store.user(email)
        if known is not None and known.password_hash:
            raise Conflict(
                f"{known.email} can sign in already.", phrase=Phrase("people.can_sign_in", {"user": known.email})
            )
        user = known or User(email, "", name_of(firstname), name_of(lastname), by.language)
        await self._demand_operator_named(by)
        if known is None:
            await self._store.put_user(user)
        await self._withdraw(user.email)
        token, invitation = await self._desk.issue_named("invitation", user.email, "", life_s=INVITATION_LIFE_S)
        await self.record(by, "invite", user.email, "invited again" if known else "invited")
        return token, invitation

    async def invited(self, token: str) -> User | None:
        """Whom an invitation is for; None where it is nobody's, was used, or has expired."""
        user = await self._desk.holder("invitation", token)
        return user if user is not None and not user.password_hash else None

    async def accept(self, token: str, password: str, *, firstname: str = "", lastname: str = "") -> User:
        """The user of an invitation, who can sign in with `password` from now on. Raises Refused and BadInput."""
        user = await self.invited(token)
        if user is None:
            raise Refused(
                "This invitation is no longer good.", hint="Ask for another one.", phrase=Phrase("invitation.over")
            )
        demand_good(password, user.email)
        names = {"firstname": name_of(firstname), "lastname": name_of(lastname)}
        joined = replace(user, password_hash=await hashed(password), **names)
        if await self._desk.take("invitation", token) is None:
            raise Refused("This invitation was used a moment ago.", hint="Sign in.", phrase=Phrase("invitation.used"))
        await self._withdraw(user.email)
        await self._store.put_user(joined)
        await self.record(joined, "join", user.email, "chose a password")
        return joined

    async def withdraw(self, email: str, by: User) -> None:
        """Take back the invitations of somebody who has not signed in yet."""
        user = await self._named(email)
        await self._withdraw(user.email)
        await self.record(by, "invite", user.email, "taken back")

    async def disable(self, email: str, by: User) -> None:
        """Let a user sign in no more: their password, sessions, keys and links are gone, their accounts are still collected, their roles stay.

        Another invitation lets them in again. Raises NotFound, and Conflict for oneself and the last operator.
        """
        user = await self._named(email)
        await self._demand_dispensable(user, by)
        await self._store.put_user(replace(user, password_hash="", operator=False))
        await self._store.drop_grants(user.email)
        await self.record(by, "disable user", user.email, "cannot sign in any more")

    async def remove(self, email: str, by: User) -> None:
        """Remove a user with their roles. Raises NotFound, and Conflict for oneself, the last operator, and while accounts are theirs."""
        user = await self._named(email)
        await self._demand_dispensable(user, by)
        await self._store.remove_user(user.email)
        await self.record(by, "remove user", user.email, "removed")

    async def make_operator(self, email: str, by: User | None, *, operator: bool = True) -> User:
        """Let a user manage the hub itself, or no more; `by` None is a command. Raises NotFound, and Conflict for the last operator."""
        user = await self._named(email)
        if not operator and not await self._others(user):
            raise Conflict(
                f"{user.email} is the last operator.",
                hint="Make somebody else one first.",
                phrase=Phrase("people.last", {"user": user.email}),
            )
        if by is not None:
            await self._demand_operator_named(by)
        changed = replace(user, operator=operator)
        await self._store.put_user(changed)
        await self.record(by, "operator", user.email, "is one now" if operator else "is none any more")
        return changed

    async def change_password(self, user: User, old: str, new: str, address: str) -> User:
        """The user with another password; their browsers and their clients at the faces are signed out. Raises Refused, Limited and BadInput."""
        known = await self._desk.sign_in(user.email, old, address)
        demand_good(new, user.email)
        changed = replace(known, password_hash=await hashed(new))
        await self._store.put_user(changed)
        await self.sign_out(user)
        await self.record(user, "password", user.email, "changed")
        return changed

    async def sign_out(self, user: User) -> None:
        """Sign a user out of every browser and every client of a face. Keys and links stay: they are listed, and taken back one by one."""
        kept = [
            grant.id for grant in await self._store.grants(user=user.email) if is_key(grant) or grant.kind == "link"
        ]
        await self._store.drop_grants(user.email, keep=kept)

    async def invitations(self) -> dict[str, Grant]:
        """By e-mail, the invitations that are still good."""
        now = self._clock()
        return {
            grant.user: grant
            for grant in await self._store.grants()
            if grant.kind == "invitation" and not ended(grant, now)
        }

    async def record(self, by: User | None, act: str, subject: str, outcome: str, site: str = "") -> None:
        """Add to the audit log."""
        entry = AuditEntry(self._clock(), by.email if by else "", act, subject, outcome, site)
        await self._store.record(entry)

    async def _named(self, email: str) -> User:
        user = await self._store.user(email)
        if user is None:
            raise NotFound(f"There is no user {email!r}.")
        return user

    async def _withdraw(self, email: str) -> None:
        for grant in await self._store.grants(user=email):
            if grant.kind == "invitation":
                await self._store.take_grant(grant.digest)

    async def _others(self, user: User) -> list[User]:
        """The operators besides `user` who can sign in."""
        return [one for one in await self._store.users() if one.operator and one.password_hash and one != user]

    async def _demand_dispensable(self, user: User, by: User) -> None:
        if user.email == by.email:
            raise Conflict(
                "Nobody shuts themselves out.", hint="Another operator can.", phrase=Phrase("people.oneself")
            )
        if user.operator and not await self._others(user):
            raise Conflict(
                f"{user.email} is the last operator.",
                hint="Make somebody else one first.",
                phrase=Phrase("people.last", {"user": user.email}),
            )

    async def _demand_operator_named(self, by: User) -> None:
        """Whoever was the operator by being alone is one by name, before there are others."""
        known = await self._named(by.email)
        if not known.operator and len(await self._store.users()) == 1:
            await self._store.put_user(replace(known, operator=True))


def demand_email(email: str) -> None:
    """Raises BadInput for what cannot be a login."""
    hidden = any(unicodedata.category(letter).startswith("C") for letter in email)
    if "@" not in email.strip("@") or email != email.strip() or " " in email or hidden or len(email) > LONGEST_EMAIL:
        phrase = Phrase("people.bad_login", {"email": email[:300]})
        raise BadInput(
            f"{email[:300]!r} cannot be a login.",
            hint="It is an e-mail address without spaces around it.",
            phrase=phrase,
        )


def ended(grant: Grant, now: datetime) -> bool:
    """Whether a grant has expired."""
    return grant.expires_at is not None and grant.expires_at <= now


def name_of(text: str) -> str:
    """A first or last name as it is kept. Raises BadInput."""
    text = text.strip()
    if len(text) > LONGEST_NAME or not text.isprintable():
        phrase = Phrase("bad_name", {"n": str(LONGEST_NAME)})
        raise BadInput(f"A name has at most {LONGEST_NAME} characters, none of them hidden.", phrase=phrase)
    return text
