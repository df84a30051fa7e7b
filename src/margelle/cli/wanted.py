"""The account that a command line wants: a new one, or one that is there and is signed in again."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from margelle.errors import BadInput, Conflict, NotFound

if TYPE_CHECKING:
    from margelle.cli.house import House
    from margelle.domain.site import Account
    from margelle.ports import Nearby, Store, Vendor


class Wanted:
    """What the command line says of an account to add."""

    def __init__(self, vendor: str, owner: str, login: str, base_url: str, realm: str, name: str) -> None:
        if name and not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.@+-]{0,99}", name):
            raise BadInput(f"{name!r} cannot be an account's id.", hint="It is letters, digits, and . _ - + @")
        if base_url and not _is_address(base_url):
            raise BadInput(
                f"{base_url!r} is not the address of a cloud.", hint="It is like http://127.0.0.1:8081/ondilo"
            )
        self.vendor, self.owner, self.login, self.base_url, self.name = vendor, owner, login, base_url, name
        self.realm = realm or (urlsplit(base_url).netloc if base_url else "")

    @classmethod
    def nearby(cls, vendor: str, owner: str, heard: Nearby, serial: str, name: str) -> Wanted:
        """A probe that was heard over Bluetooth. Its ids are those that its vendor's own cloud gives it."""
        key = (serial or heard.serial).upper()
        if not re.fullmatch(r"[0-9A-Z][0-9A-Z_-]{1,31}", key):
            raise BadInput(f"{key!r} is no serial." if key else "The probe shows no serial.", hint="Say --serial.")
        wanted = cls(vendor, owner, key, "", "", name)
        wanted.base_url = heard.base_url
        return wanted

    async def account(self, home: House) -> Account:
        """The account as it will be kept; an existing one where it is that one's login again."""
        from msgspec.structs import replace

        vendor = home.vendor(self.vendor)
        base_url = "" if self.base_url == vendor.base_url else self.base_url
        realm = self.realm if base_url else ""
        owner = await owner_named(home.store, self.owner)
        accounts = await home.store.accounts()
        alike = [one for one in accounts if (one.vendor, one.realm, one.owner) == (vendor.name, realm, owner)]
        known = await self._known(home.store, accounts, alike)
        if known is None:
            return _new_account(self, vendor, owner, base_url, realm, [one.id for one in accounts])
        return replace(known, base_url=base_url, login=self.login or known.login)

    async def _known(self, store: Store, accounts: list[Account], alike: list[Account]) -> Account | None:
        if self.name:
            named = next((one for one in accounts if one.id == self.name), None)
            if named is not None and named not in alike:
                raise Conflict(
                    f"{self.name} is another user's account, or of another cloud.", hint="Choose another --id."
                )
            return named
        if self.login:
            return next(
                (one for one in alike if self.login.casefold() in _logins(one)),
                None,
            )
        refused = {one.account for one in await store.incidents(open_only=True) if one.kind == "sign-in"}
        waiting = [one for one in alike if one.id in refused]
        return waiting[0] if len(waiting) == 1 else None


async def twins(store: Store, account: Account) -> list[str]:
    """Other accounts here with the same login at the same cloud, as far as their logins are known."""
    accounts = await store.accounts()
    names = {name for one in accounts if one.id == account.id for name in _logins(one)}
    alike = [one for one in accounts if (one.vendor, one.realm) == (account.vendor, account.realm)]
    return [one.id for one in alike if one.id != account.id and names & _logins(one)]


def _logins(account: Account) -> set[str]:
    return {name.casefold() for name in (account.login, account.person.email) if name}


def _is_address(url: str) -> bool:
    """Whether a cloud may be there: a scheme, a host, perhaps a port and a path, and nothing secret."""
    try:
        port = urlsplit(url).port  # raises for brackets that do not match, and for what is no port
    except ValueError:
        return False
    return port != 0 and re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#]*)?", url) is not None


def _new_account(wanted: Wanted, vendor: Vendor, owner: str, base_url: str, realm: str, taken: list[str]) -> Account:
    from margelle.domain.site import Account

    free = (
        name for n in range(1, len(taken) + 2) if (name := vendor.name if n == 1 else f"{vendor.name}-{n}") not in taken
    )
    return Account(wanted.name or next(free), vendor.name, owner, wanted.login, base_url, realm)


async def owner_named(store: Store, email: str) -> str:
    """The login of the user with this e-mail, or of the only one where none is named. Raises NotFound and BadInput."""
    users = await store.users()
    if email:
        user = await store.user(email)
        if user is None:
            hint = "`margelle user list` shows those there are." if users else f"Add them: margelle user add {email}"
            raise NotFound(f"There is no user {email!r}.", hint=hint)
        return user.email
    if len(users) == 1:
        return users[0].email
    if not users:
        raise BadInput(
            "There is nobody to whom the account would belong.",
            hint="Add a user first: margelle user add you@example.org",
        )
    raise BadInput("Whose account is it?", hint=f"Say --owner, one of: {', '.join(user.email for user in users)}.")
