"""Accounts at vendors' clouds, connected from a page; and what the vendors' own names mean there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from msgspec import Struct

from margelle.domain.site import Account
from margelle.ports.vendor import Mapped


class Connected(Struct, frozen=True):
    """An account that is signed in; `again` where it was known before. `twins` are others here with the same login, which share its quota."""

    account: Account
    again: bool = False
    twins: tuple[str, ...] = ()


class Connections(Protocol):
    """Signs users of the hub in at vendors' clouds. Each method takes the vendor's name, the owner's e-mail, and the account to sign in again, None for a new one.

    Raises what the cloud's refusal means, and NotFound where there is no such vendor.
    """

    async def authorize_url(
        self, vendor: str, owner: str, redirect_uri: str, state: str, account: Account | None = None
    ) -> str:
        """Where the owner signs in with a browser, which then comes back to `redirect_uri`. BadInput where the vendor has no such page."""
        ...

    async def redeem(
        self, vendor: str, owner: str, code: str, redirect_uri: str, account: Account | None = None
    ) -> Connected:
        """Keep the account for which that browser came back with `code`."""
        ...

    async def sign_in(
        self, vendor: str, owner: str, login: str, password: str, account: Account | None = None
    ) -> Connected:
        """Keep the account of a login. Of the password is kept what collecting needs, encrypted: mostly a token in its place."""
        ...


class Meanings(Protocol):
    """What the vendors' own names measure, by vendor: as the settings file says, and as was said on the pages."""

    def in_force(self, vendor: str) -> Mapped:
        """Both together; the file outranks the pages."""
        ...

    def in_file(self, vendor: str) -> Mapped:
        """What the settings file says."""
        ...

    async def refresh(self) -> None:
        """Take over what was said in another process."""
        ...

    async def say(self, vendor: str, said: Mapping[str, str]) -> None:
        """From now on these names mean this; one that means nothing any more has an empty text.

        Raises ConfigError, and then nothing is changed, where that makes no sense or the file says otherwise.
        """
        ...
