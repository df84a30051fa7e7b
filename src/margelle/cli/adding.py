"""An account is added at the terminal, or signed in again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from margelle.cli.connections import connect
from margelle.cli.terminal import Exit, brief, note, say
from margelle.cli.wanted import Wanted
from margelle.errors import BadInput, Conflict

if TYPE_CHECKING:
    from margelle.cli.house import House
    from margelle.config import Settings
    from margelle.domain.site import Account
    from margelle.ports import Connector, Store, Token


class Way(Struct, frozen=True):
    """How the owner signs in: with a password here, by pasting, or with a browser that comes back to `port`."""

    secret: str
    paste: bool
    browser: bool
    port: int


async def add(settings: Settings, wanted: Wanted, way: Way) -> Exit:
    """Sign the owner in, and keep the account with its token."""
    from margelle.cli import house

    async with house.opened(settings) as home:
        account = await wanted.account(home)
        made = await connect(home, account, lambda connector: _signed_in(connector, account, way))
        await home.record_on(account, "connect", "signed in again" if made.again else "signed in")
        say(f"{account.id} is signed in{' again' if made.again else ''}; it belongs to {account.owner}.")
        ended = await _first_look(home, account)
        for twin in made.twins:
            note(f"{twin} is the same login, and the cloud counts the requests of both: remove one of them.")
        return ended


async def add_nearby(settings: Settings, vendor: str, owner: str, which: str, serial: str, name: str) -> Exit:
    """Listen for a probe, and keep the account that reads it."""
    from margelle.cli import house

    async with house.opened(settings) as home:
        hear = home.vendor(vendor).nearby
        if hear is None:
            raise BadInput(f"No probe of {home.vendor(vendor).title} is read over Bluetooth.")
        note(f"Listening for {which}")
        heard = await hear(which)
        account = await Wanted.nearby(vendor, owner, heard, serial, name).account(home)
        await home.store.put_account(account)
        await home.record_on(account, "connect", f"is read over Bluetooth at {account.base_url}")
        say(f"{account.id} reads {account.login} at {account.base_url}; it belongs to {account.owner}.")
        if others := await _others(home.store, account):
            note(
                f"Its serial is none that the cloud has told: {', '.join(others)}. If it is one of them, add it again with --serial."
            )
        return await _first_look(home, account)


async def _others(store: Store, account: Account) -> list[str]:
    """The keys of the vendor's sites that the account's owner has, where the account's own is none of them."""
    keys = [site.key for site in await store.sites(seen_by=account.owner) if site.vendor == account.vendor]
    return [] if account.login in keys else keys


async def _signed_in(connector: Connector, account: Account, way: Way) -> Token:
    from margelle.cli import callback

    if way.secret:
        return await connector.sign_in(account.login, way.secret)
    if way.paste:
        return await callback.token_by_paste(connector, way.port)
    return await callback.token_by_browser(connector, way.port, open_browser=way.browser)


async def _first_look(home: House, account: Account) -> Exit:
    """Look up what the account has, unless a running hub does so."""
    from margelle.cli.hub import collecting_alone

    try:
        async with collecting_alone(home):
            note("Looking up what it has")
            await home.look_up(account)
    except Conflict:
        say("The running hub collects from it within minutes.")
        return Exit.OK
    for site in await home.store.sites(account=account.id):
        say(f"  {site.id}  {brief(site.name)}")
        for remark in home.display(site).remarks:
            say(f"    {remark.text}")
    wrong = await home.store.incidents(account.id, open_only=True)
    for incident in wrong:
        note(f"  {incident.what} {incident.todo}")
    say("`margelle serve` or `margelle collect` collects from it from now on.")
    return Exit.NEEDS_USER if wrong else Exit.OK
