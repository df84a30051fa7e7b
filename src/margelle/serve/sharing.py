"""Who has which role where: sites that are shared, and organisations with their members and accounts. Every act is recorded."""

from __future__ import annotations

import re
import secrets
import unicodedata
from typing import Final

from msgspec.structs import replace

from margelle.domain.access import ROLES, Membership, Organisation, Role, SubjectKind
from margelle.domain.site import Account, User
from margelle.errors import BadInput, NotFound
from margelle.phrase import Phrase
from margelle.ports import AuditEntry, Clock, Store
from margelle.serve.caller import Caller
from margelle.serve.people import demand_email

LONGEST: Final = 100
"""Characters of an organisation's name."""


class Sharing:
    """Gives roles and takes them back, for who may do so."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock

    async def share(self, site: str, email: str, role: str, by: Caller) -> Membership:
        """Give whoever has this e-mail, a user or not yet, a role at a site. Raises NotFound, Forbidden and BadInput."""
        by.demand("manage", site)
        return await self._give("site", site, email, role, by.user)

    async def unshare(self, site: str, email: str, by: Caller) -> None:
        """Take a role at a site back; everybody may give up their own. Raises NotFound and Forbidden."""
        by.demand("read" if _same(email, by.user) else "manage", site)
        await self._take("site", site, email, by.user)

    async def found(self, name: str, by: Caller) -> Organisation:
        """A new organisation, with an id made of its name. Raises Forbidden and BadInput."""
        by.demand_operator()
        name = _name(name)
        taken = {one.id for one in await self._store.organisations()}
        word = _word(name)
        identity = word if word and word not in taken else f"{word or 'organisation'}-{secrets.token_hex(3)}"
        return await self.name(identity, name, by)

    async def rename(self, organisation: str, name: str, by: Caller) -> None:
        """Give an organisation another name. Raises NotFound, Forbidden and BadInput."""
        by.demand_operator()
        await self.organisation(organisation)
        await self.name(organisation, name, by)

    async def name(self, organisation: str, name: str, by: Caller) -> Organisation:
        """The organisation with this id: a new one, or the one that there is by another name. Raises Forbidden and BadInput."""
        by.demand_operator()
        known = any(one.id == organisation for one in await self._store.organisations())
        made = Organisation(organisation, _name(name))
        await self._store.put_organisation(made)
        outcome = "renamed to" if known else "founded as"
        phrase = Phrase("renamed" if known else "founded", {"name": made.name})
        await self._record(by.user, "organisation", made.id, f"{outcome} {made.name!r}", phrase=phrase)
        return made

    async def dissolve(self, organisation: str, by: Caller) -> None:
        """Remove an organisation and its members' roles; no account may belong to it any more. Raises NotFound, Forbidden and Conflict."""
        by.demand_operator()
        await self._store.remove_organisation(organisation)
        await self._record(by.user, "organisation", organisation, "dissolved")

    async def admit(self, organisation: str, email: str, role: str, by: Caller) -> Membership:
        """Make whoever has this e-mail a member. Raises NotFound, Forbidden and BadInput."""
        await self.demand_head(organisation, by)
        return await self._give("organisation", organisation, email, role, by.user)

    async def dismiss(self, organisation: str, email: str, by: Caller) -> None:
        """End a membership; everybody may end their own. Raises NotFound and Forbidden."""
        if not _same(email, by.user):
            await self.demand_head(organisation, by)
        await self._take("organisation", organisation, email, by.user)

    async def assign(self, account: str, organisation: str, by: Caller) -> Account:
        """Have an account belong to an organisation, or to none (empty). Raises NotFound and Forbidden."""
        by.demand_operator()
        known = await self._store.account(account)
        if known is None:
            raise NotFound(f"There is no account {account!r}.")
        if organisation:
            await self.organisation(organisation)
        changed = replace(known, organisation=organisation)
        await self._store.put_account(changed)
        outcome = f"belongs to {organisation}" if organisation else "belongs to no organisation"
        phrase = Phrase("belongs_to", {"organisation": organisation}) if organisation else None
        await self._store.record(
            AuditEntry.on(known, "account", outcome, self._clock(), user=by.user.email, phrase=phrase)
        )
        return changed

    async def organisation(self, organisation: str) -> Organisation:
        """One organisation. Raises NotFound."""
        found = next((one for one in await self._store.organisations() if one.id == organisation), None)
        if found is None:
            raise NotFound(f"There is no organisation {organisation!r}.")
        return found

    async def demand_head(self, organisation: str, by: Caller) -> None:
        """Raises NotFound unless they are an operator or an owner in the organisation: others do not hear of its members."""
        if by.operator and "manage" in by.scopes:
            return
        theirs = await self._store.memberships(user=by.user.email, subject=organisation)
        if "manage" not in by.scopes or not any(one.role == "owner" for one in theirs):
            raise NotFound(f"There is no organisation {organisation!r}.")

    async def _give(self, kind: SubjectKind, subject: str, email: str, role: str, by: User) -> Membership:
        demand_email(email)
        known = await self._store.user(email)
        given = Membership(known.email if known else email, kind, subject, _role(role), self._clock(), by.email)
        await self._store.put_membership(given)
        phrase = Phrase("shared", {"role": Phrase(f"role.{given.role}"), "subject": subject})
        site = subject if kind == "site" else ""
        await self._record(by, "share", given.user, f"{given.role} of {subject}", site, phrase=phrase)
        return given

    async def _take(self, kind: SubjectKind, subject: str, email: str, by: User) -> None:
        if not any(one.kind == kind for one in await self._store.memberships(user=email, subject=subject)):
            raise NotFound(f"{email} has no role given in {subject}.")
        await self._store.remove_membership(email, subject)
        phrase, site = Phrase("unshared", {"subject": subject}), subject if kind == "site" else ""
        await self._record(by, "share", email, f"no longer of {subject}", site, phrase=phrase)

    async def _record(
        self, by: User, act: str, subject: str, outcome: str, site: str = "", *, phrase: Phrase | None = None
    ) -> None:
        await self._store.record(AuditEntry(self._clock(), by.email, act, subject, outcome, site, phrase=phrase))


def _role(text: str) -> Role:
    """Raises BadInput."""
    for role in ROLES:
        if role == text:
            return role
    raise BadInput(f"There is no role {text[:40]!r}.", hint=f"Known: {', '.join(ROLES)}.", phrase=Phrase("no_role"))


def _same(email: str, user: User) -> bool:
    return email.casefold() == user.email.casefold()


def _name(text: str) -> str:
    text = text.strip()
    if not text or len(text) > LONGEST or not text.isprintable():
        raise BadInput(
            f"An organisation has a name of at most {LONGEST} characters.",
            phrase=Phrase("bad_name", {"n": str(LONGEST)}),
        )
    return text


def _word(name: str) -> str:
    """The name as a word for ids: `Les Amis de l'Eau` is `les-amis-de-l-eau`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40]
