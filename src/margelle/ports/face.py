"""Serving as a vendor."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from msgspec import Struct

from margelle.domain.measurement import Measurement
from margelle.domain.quantity import CATALOGUE, Catalogue
from margelle.domain.site import Probe, Recommendation, Site, User
from margelle.domain.switch import Switch, Turn
from margelle.ports.http import Clock
from margelle.ports.record import Grant, GrantKind
from margelle.ports.store import Reader, Writer


class Desk(Protocol):
    """Signs the clients of a face in; every answer is bound to that face."""

    async def sign_in(self, login: str, password: str, address: str) -> User:
        """The user with this login. Raises Refused, and Limited after too many refusals for the login or from the address."""
        ...

    async def issue(
        self, kind: GrantKind, user: str, *, life_s: float | None, redirect_uri: str = "", client_id: str = ""
    ) -> str:
        """A new code or token (40 hexadecimal digits) for a user; `life_s` None never expires."""
        ...

    async def take_code(self, code: str) -> Grant | None:
        """The grant of a code, which is then used up; None if there is none or it has expired."""
        ...

    async def holder(self, kind: GrantKind, token: str) -> User | None:
        """Whose token this is; None if nobody's, or it has expired."""
        ...


class Quota(Protocol):
    """The request quota that a face grants each user."""

    def take(self, user: str, now: datetime) -> float | None:
        """Count one request: None if it is within the quota, else after how many seconds the next one will be (it is not counted then)."""
        ...


class Actions(Protocol):
    """Acts of a user on what is collected: carried to the cloud it comes from, recorded, then kept.

    Each raises Forbidden where the user's role at the site does not let them act on it.
    """

    async def validate(self, recommendation: Recommendation, site: Site, user: User) -> None:
        """The recommendation has been done. Raises what the cloud's refusal means; nothing is then changed here."""
        ...

    async def write(self, parameter: str, wanted: Measurement, probe: Probe, user: User) -> None:
        """Set what the probe's vendor calls `parameter` to `wanted`, as its raw text says. Raises as `validate` does, and Conflict where its cloud takes none."""
        ...

    async def switch(self, switch: Switch, wanted: Turn, site: Site, user: User) -> None:
        """Have `switch`, which is the site's, turned as `wanted`. Raises as `write` does."""
        ...


class FaceContext(Struct, frozen=True):
    """All that a face may use. `settings` are the vendor's own, by name without the vendor's prefix."""

    reader: Reader
    writer: Writer
    desk: Desk
    quota: Quota
    actions: Actions
    clock: Clock
    settings: Mapping[str, Any]
    catalogue: Catalogue = CATALOGUE
