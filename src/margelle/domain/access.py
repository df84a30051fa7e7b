"""Who may do what: roles at sites and in organisations, and what a key is good for."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final, Literal

from msgspec import Struct

Role = Literal["viewer", "technician", "owner"]
"""What somebody is at a site. A viewer reads; a technician also measures by hand, notes what was done and acts on the water; an owner also
decides who else may."""

ROLES: Final[tuple[Role, ...]] = ("viewer", "technician", "owner")
"""From the least to the most."""

Scope = Literal["read", "measure", "intervene", "control", "manage"]
"""What a key is good for, as far as its user's roles go. `read`: all that is kept. `measure`: send measurements. `intervene`: note what was
done at a site. `control`: parameters, switches, recommendations. `manage`: people, accounts, keys and settings."""

SCOPES: Final[tuple[Scope, ...]] = ("read", "measure", "intervene", "control", "manage")

_OF_ROLE: Final[dict[Role, frozenset[Scope]]] = {
    "viewer": frozenset({"read"}),
    "technician": frozenset({"read", "measure", "intervene", "control"}),
    "owner": frozenset(SCOPES),
}


class Organisation(Struct, frozen=True):
    """A club, a company, a town: its members see the sites of the accounts that are its own. `id` is short and for ever."""

    id: str
    name: str


SubjectKind = Literal["site", "organisation"]


class Membership(Struct, frozen=True):
    """That a user has a role at a site, or at all sites of an organisation; given `since` by the user `given_by`.

    The user is named by e-mail and need not exist yet. One user has one role in a subject.
    """

    user: str
    kind: SubjectKind
    subject: str
    role: Role
    since: datetime
    given_by: str = ""


def allows(role: Role | None, scope: Scope) -> bool:
    """Whether somebody with this role may do what `scope` says."""
    return role is not None and scope in _OF_ROLE[role]


def highest(roles: Iterable[Role]) -> Role | None:
    """The role that allows the most; None where there is none."""
    return max(roles, key=ROLES.index, default=None)
