"""Accounts as they are connected, from the command line and from the pages alike."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from margelle.cli.wanted import Wanted, twins
from margelle.errors import NotFound
from margelle.ports import Connected, Connector, Token

if TYPE_CHECKING:
    from margelle.cli.house import House
    from margelle.domain.site import Account


async def connect(home: House, account: Account, sign_in: Callable[[Connector], Awaitable[Token]]) -> Connected:
    """Keep `account` with the token that `sign_in` gets. Raises what the cloud's refusal means, and then nothing is kept."""
    again = await home.store.account(account.id) is not None
    try:
        token = await sign_in(home.connector(account))
    except NotFound as error:
        hint = error.hint or f"Is that the whole address? A hub's face ends in /{account.vendor}."
        raise NotFound(error.what, hint=hint) from error
    await enter(home, account, token)
    return Connected(account, again, tuple(await twins(home.store, account)))


async def enter(home: House, account: Account, token: Token) -> None:
    """Keep an account with its token; what was wrong with its login is over."""
    await home.store.put_account(account)
    await home.tokens(account).keep(token)
    await home.store.end_incident(account.id, account.id, "sign-in", home.clock())


class HubConnections:
    """Implements `ports.Connections`."""

    def __init__(self, home: House) -> None:
        self._home = home

    async def authorize_url(
        self, vendor: str, owner: str, redirect_uri: str, state: str, account: Account | None = None
    ) -> str:
        """Where the owner signs in with a browser."""
        wanted = await self._wanted(vendor, owner, "", account)
        return self._home.connector(wanted).authorize_url(redirect_uri, state)

    async def redeem(
        self, vendor: str, owner: str, code: str, redirect_uri: str, account: Account | None = None
    ) -> Connected:
        """Keep the account for which a browser came back."""
        wanted = await self._wanted(vendor, owner, "", account)
        return await connect(self._home, wanted, lambda connector: connector.redeem(code, redirect_uri))

    async def sign_in(
        self, vendor: str, owner: str, login: str, password: str, account: Account | None = None
    ) -> Connected:
        """Keep the account of a login."""
        wanted = await self._wanted(vendor, owner, login, account)
        return await connect(self._home, wanted, lambda connector: connector.sign_in(login, password))

    async def _wanted(self, vendor: str, owner: str, login: str, account: Account | None) -> Account:
        if account is None:
            elsewhere = self._home.clouds.get(vendor, "")
            return await Wanted(vendor, owner, login, elsewhere, "", "").account(self._home)
        again = Wanted(account.vendor, account.owner, login, account.base_url, account.realm, account.id)
        return await again.account(self._home)
