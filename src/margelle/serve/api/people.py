"""People: who calls, users, organisations, memberships and keys."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Final

from msgspec import Meta, Struct, field

from margelle.domain.access import Membership, Organisation, Role, Scope, SubjectKind
from margelle.domain.site import User
from margelle.errors import Forbidden, NotFound
from margelle.ports import Grant
from margelle.serve.api.endpoint import Created, Endpoint, Nothing, Page, Visit
from margelle.serve.keys import Keys
from margelle.serve.sharing import Sharing

_Name = Annotated[str, Meta(min_length=1, max_length=200)]


class Me(Struct, frozen=True):
    """Who calls: their `scopes` are fewer than all where a key speaks for them; `sites` has their role at each. `units` are those that they prefer, by quantity."""

    email: str
    firstname: str
    lastname: str
    language: str
    units: dict[str, str]
    operator: bool
    scopes: tuple[Scope, ...]
    sites: dict[str, Role]


class UserSeen(Struct, frozen=True):
    """A person who signs in to this hub."""

    email: str
    firstname: str
    lastname: str
    language: str
    operator: bool


class OneOrganisation(Struct, frozen=True):
    """Which organisation."""

    organisation: Annotated[
        str, Meta(pattern="^[a-z0-9][a-z0-9-]{0,62}$", description="Its id: lower-case letters, digits and -.")
    ]


class NamedOrganisation(Struct, frozen=True, forbid_unknown_fields=True):
    """What an organisation is called."""

    name: _Name


class Memberships(Struct, frozen=True):
    """Whose memberships; without either, the caller's own."""

    site: Annotated[str, Meta(min_length=1, max_length=300, description="In this site.")] | None = None
    organisation: Annotated[str, Meta(min_length=1, max_length=100, description="In this organisation.")] | None = None


class NewMembership(Struct, frozen=True, forbid_unknown_fields=True):
    """The role of a person, named by e-mail, at a site or in an organisation."""

    user: Annotated[str, Meta(pattern="^[^@\\s]+@[^@\\s]+$", max_length=254)]
    kind: SubjectKind
    subject: Annotated[str, Meta(min_length=1, max_length=300)]
    role: Role


class OneMembership(Struct, frozen=True):
    """Which membership."""

    user: Annotated[str, Meta(min_length=1, max_length=254, description="The person, by e-mail.")]
    subject: Annotated[str, Meta(min_length=1, max_length=300, description="The site or organisation, by id.")]


class KeySeen(Struct, frozen=True):
    """A key of this API: what it is good for, and until when; null for ever. `id` is no secret."""

    id: str
    name: str
    scopes: tuple[Scope, ...]
    issued_at: datetime
    expires_at: datetime | None


class NewKey(Struct, frozen=True, forbid_unknown_fields=True):
    """A key to make: `days` is how long it is good for, null for ever."""

    name: _Name
    scopes: Annotated[tuple[Scope, ...], Meta(min_length=1, max_length=5)] = ("read",)
    days: Annotated[int, Meta(ge=1, le=36_500)] | None = None


class KeyMade(KeySeen, frozen=True):
    """A key just made. `token` is told once: only its digest is kept."""

    token: str = field(default="")


class OneKey(Struct, frozen=True):
    """Which key."""

    key: Annotated[str, Meta(min_length=1, max_length=100, description="The key's id.")]


async def me(visit: Visit, _: Nothing) -> Me:
    """Who calls."""
    caller, user = visit.caller, visit.caller.user
    return Me(
        user.email, user.firstname, user.lastname, user.language, user.units, caller.operator,
        tuple(sorted(caller.scopes)), dict(caller.roles),
    )  # fmt: skip


async def users(visit: Visit, _: Nothing) -> Page[UserSeen]:
    """Everybody."""
    visit.caller.demand_operator()
    return Page([_user(one) for one in await visit.store.users()])


async def organisations(visit: Visit, _: Nothing) -> Page[Organisation]:
    """The caller's organisations."""
    every = await visit.store.organisations()
    if visit.caller.operator and "manage" in visit.caller.scopes:
        return Page(every)
    theirs = {one.subject for one in await visit.store.memberships(user=visit.caller.user.email)}
    return Page([one for one in every if one.id in theirs])


async def put_organisation(visit: Visit, asked: OneOrganisation, named: NamedOrganisation) -> Organisation:
    """Add or rename an organisation."""
    return await _sharing(visit).name(asked.organisation, named.name, visit.caller)


async def remove_organisation(visit: Visit, asked: OneOrganisation) -> None:
    """Remove an organisation."""
    await _sharing(visit).dissolve(asked.organisation, visit.caller)


async def memberships(visit: Visit, asked: Memberships) -> Page[Membership]:
    """Who has which role."""
    if asked.site is not None:
        await _demand(visit, "site", asked.site)
    if asked.organisation is not None:
        await _demand(visit, "organisation", asked.organisation)
    found: list[Membership] = []
    for subject in filter(None, (asked.site, asked.organisation)):
        found += await visit.store.memberships(subject=subject)
    if asked.site is None and asked.organisation is None:
        found = await visit.store.memberships(user=visit.caller.user.email)
    return Page(found)


async def put_membership(visit: Visit, _: Struct, new: NewMembership) -> Membership:
    """Give a role."""
    await _demand(visit, new.kind, new.subject)
    give = _sharing(visit).share if new.kind == "site" else _sharing(visit).admit
    return await give(new.subject, new.user, new.role, visit.caller)


async def remove_membership(visit: Visit, asked: OneMembership) -> None:
    """Take a role back."""
    known = next(iter(await visit.store.memberships(user=asked.user, subject=asked.subject)), None)
    kind = known.kind if known else "site"
    if known is None or asked.user.casefold() != visit.caller.user.email.casefold():
        await _demand(visit, kind, asked.subject)
    take = _sharing(visit).unshare if kind == "site" else _sharing(visit).dismiss
    await take(asked.subject, asked.user, visit.caller)


async def keys(visit: Visit, _: Nothing) -> Page[KeySeen]:
    """The caller's keys."""
    return Page([_key(one) for one in await _keys(visit).of(visit.caller.user.email)])


async def add_key(visit: Visit, _: Struct, new: NewKey) -> Created:
    """Make a key."""
    beyond = sorted(set(new.scopes) - visit.caller.scopes)
    if beyond:
        raise Forbidden(f"This key is not good for {', '.join(beyond)} itself.", hint="Sign in, or use one that is.")
    email = visit.caller.user.email
    token, grant = await _keys(visit).make(email, new.name, new.scopes, new.days, by=email)
    seen = _key(grant)
    made = KeyMade(seen.id, seen.name, seen.scopes, seen.issued_at, seen.expires_at, token)
    return Created(made, f"/keys/{grant.id}")


async def remove_key(visit: Visit, asked: OneKey) -> None:
    """Take a key back."""
    email = visit.caller.user.email
    await _keys(visit).take_back(email, asked.key, by=email)


def _keys(visit: Visit) -> Keys:
    return Keys(visit.store, visit.rooms.clock)


def _sharing(visit: Visit) -> Sharing:
    return Sharing(visit.store, visit.rooms.clock)


async def _demand(visit: Visit, kind: SubjectKind, subject: str) -> None:
    """Raises NotFound and Forbidden unless the caller decides who has a role there."""
    caller = visit.caller
    if kind == "site":
        caller.demand("manage", subject)
        return
    theirs = await visit.store.memberships(user=caller.user.email, subject=subject)
    if not caller.operator and not theirs:
        raise NotFound(f"There is no organisation {subject!r}, or it is not yours to see.")
    if "manage" not in caller.scopes or not (caller.operator or theirs[0].role == "owner"):
        raise Forbidden(f"You do not decide who is in {subject}.", hint="An owner of it, or an operator, does.")


def _user(one: User) -> UserSeen:
    return UserSeen(one.email, one.firstname, one.lastname, one.language, one.operator)


def _key(grant: Grant) -> KeySeen:
    return KeySeen(grant.id, grant.name, grant.scopes, grant.issued_at, grant.expires_at)


ENDPOINTS: Final = (
    Endpoint("GET", "/me", "people", "Who you are here: your roles, and what this key is good for.", me, answer=Me, tagged="body"),
    Endpoint("GET", "/users", "people", "Everybody who signs in to this hub. For operators.", users, answer=Page[UserSeen], scope="manage", tagged="store"),
    Endpoint("GET", "/organisations", "people", "Your organisations; an operator's key that may manage sees all.", organisations, answer=Page[Organisation], tagged="store"),
    Endpoint("PUT", "/organisations/{organisation}", "people", "Add or rename an organisation. For operators.", put_organisation, OneOrganisation, NamedOrganisation, Organisation, "manage", errors=(413, 415)),
    Endpoint("DELETE", "/organisations/{organisation}", "people", "Remove an organisation and the memberships in it. For operators.", remove_organisation, OneOrganisation, scope="manage", status=204, errors=(404, 409)),
    Endpoint("GET", "/memberships", "people", "Who has which role at a site or in an organisation of which you decide; your own, where you name none.", memberships, Memberships, answer=Page[Membership], scope="manage", tagged="store", errors=(404,)),
    Endpoint("PUT", "/memberships", "people", "Give a person a role, or another one. They need not be a user of this hub yet.", put_membership, body=NewMembership, answer=Membership, scope="manage", errors=(404, 413, 415)),
    Endpoint("DELETE", "/memberships", "people", "Take a person's role back, or leave yourself.", remove_membership, OneMembership, scope="manage", status=204, errors=(404,)),
    Endpoint("GET", "/keys", "people", "Your keys of this API. Tokens that were made before keys had names are not among them.", keys, answer=Page[KeySeen], scope="manage", tagged="store"),
    Endpoint("POST", "/keys", "people", "Make a key, good for no more than what you use to make it. Its token is told once.", add_key, body=NewKey, answer=KeyMade, scope="manage", status=201, errors=(409, 413, 415)),
    Endpoint("DELETE", "/keys/{key}", "people", "Take a key back.", remove_key, OneKey, scope="manage", status=204, errors=(404,)),
)  # fmt: skip
"""In the order of the docs."""
