"""Who asks for a page or calls the API, and what they may do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from margelle.domain.access import SCOPES, Role, Scope, allows
from margelle.domain.site import User
from margelle.errors import Forbidden, NotFound
from margelle.phrase import Phrase
from margelle.ports import Reader

EVERYTHING: Final = frozenset[Scope](SCOPES)


class Caller(Struct, frozen=True):
    """A user who has signed in, with the roles that they have now, by site; `scopes` are fewer than all where a key speaks for them."""

    user: User
    roles: Mapping[str, Role]
    operator: bool
    scopes: frozenset[Scope] = EVERYTHING

    def may(self, scope: Scope, site: str) -> bool:
        """Whether they may do at a site what `scope` says."""
        return scope in self.scopes and allows(self.roles.get(site), scope)

    def demand(self, scope: Scope, site: str) -> None:
        """Raises Forbidden where they may not do that at the site, NotFound where they may not even know of it."""
        role = self.roles.get(site)
        if role is None or not self.scopes & {"read", scope}:
            raise NotFound(f"There is no site {site!r}, or it is not yours to see.")
        if scope not in self.scopes:
            self.demand_somebody()
            raise Forbidden(
                f"This key is not good for {scope!r}.",
                hint="Make another with that scope.",
                phrase=Phrase("may.key", {"scope": scope}),
            )
        if not allows(role, scope):
            raise Forbidden(
                f"Your role at {site} is {role}.",
                hint="Its owner can give you another.",
                phrase=Phrase("may.role", {"site": site, "role": Phrase(f"role.{role}")}),
            )

    def demand_somebody(self) -> None:
        """Raises Forbidden for everybody who looks at public pages."""
        if not self.user.email:
            raise Forbidden(
                "These pages only show: nobody signs in here, so nothing can be done or changed.",
                phrase=Phrase("may.look"),
            )

    def demand_operator(self) -> None:
        """Raises Forbidden unless they may manage the hub itself."""
        self.demand_somebody()
        if not self.operator or "manage" not in self.scopes:
            raise Forbidden(
                "Only an operator of this hub may do that.",
                hint="`margelle user operator` makes one.",
                phrase=Phrase("may.operator"),
            )


async def caller(reader: Reader, user: User, scopes: frozenset[Scope] = EVERYTHING) -> Caller:
    """Who the signed-in `user` is now. The only user of a hub is its operator."""
    operator = user.operator or len(await reader.users()) == 1
    return Caller(user, await reader.roles(user.email), operator, scopes)
