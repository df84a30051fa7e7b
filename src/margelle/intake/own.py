"""Sites of the hub's own, with no vendor's cloud behind them: added, described anew and removed, by command and by page."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from typing import Final, get_args
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from margelle.domain.site import OWN, Account, Probe, Site, SiteKind
from margelle.errors import BadInput, Conflict, NotFound
from margelle.phrase import Phrase
from margelle.ports import Discovery, Fault, Store

KINDS: Final[tuple[SiteKind, ...]] = get_args(SiteKind)
LONGEST_NAME: Final = 100

_KEY: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,59}")


class Described(Struct, frozen=True):
    """What somebody says of a site: its name, kind, volume in cubic metres if they know it, and time zone (IANA name)."""

    name: str
    kind: SiteKind = "pool"
    volume_m3: float | None = None
    time_zone: str = "UTC"


def described(name: str, kind: str, volume_m3: float | None, time_zone: str) -> Described:
    """What was said, checked. Raises BadInput."""
    name = name.strip()
    if not name:
        raise BadInput("A site has a name.", phrase=Phrase("own.no_name"))
    if len(name) > LONGEST_NAME or not name.isprintable():
        phrase = Phrase("bad_name", {"n": str(LONGEST_NAME)})
        raise BadInput(f"A name has at most {LONGEST_NAME} characters, none of them hidden.", phrase=phrase)
    known = next((one for one in KINDS if one == kind), None)
    if known is None:
        phrase = Phrase("own.no_kind", {"kind": kind})
        raise BadInput(f"There is no kind of site {kind!r}.", hint=f"Known: {', '.join(KINDS)}.", phrase=phrase)
    if volume_m3 is not None and not (math.isfinite(volume_m3) and volume_m3 >= 0):
        raise BadInput("A volume is a number of cubic metres.", phrase=Phrase("own.bad_volume"))
    return Described(name, known, volume_m3, zone_named(time_zone))


def zone_named(name: str) -> str:
    """`name`, if it is that of a time zone. Raises BadInput."""
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):
        phrase = Phrase("own.no_zone", {"name": name})
        raise BadInput(f"There is no time zone {name!r}.", hint="It is like Europe/Paris.", phrase=phrase) from None
    return name


async def add(store: Store, owner: str, wanted: Described, now: datetime, *, key: str = "") -> tuple[Site, Probe]:
    """A new site of `owner`'s with its probe; its id is made of `key`, or else of its name. Raises BadInput, and Conflict where it is there already."""
    chosen = key or word(wanted.name)
    if not _KEY.fullmatch(chosen):
        raise BadInput(f"{chosen!r} cannot be an id.", hint="It is small letters, digits, - and _; give one with --id.")
    account = await own_account(store, owner)
    identity = account.own_id(chosen)
    if any(site.id == identity for site in await store.sites()):
        raise Conflict(f"{identity} is there already.", hint="Choose another --id.")
    site = Site(identity, OWN, chosen, wanted.name, wanted.kind, wanted.volume_m3, time_zone=wanted.time_zone)
    probe = Probe(f"{identity}/probe", identity, OWN, chosen)
    await extend(store, account, [site], [probe], now)
    return site, probe


async def describe(store: Store, site: str, wanted: Described, now: datetime) -> Site:
    """The site as it is described now; its id, probes and measurements stay. Raises NotFound where it is none of the hub's own."""
    account, known = await _found(store, site)
    changed = replace(
        known,
        name=wanted.name,
        kind=wanted.kind,
        volume_m3=wanted.volume_m3,
        time_zone=wanted.time_zone,
        updated_at=now,
    )
    await extend(store, account, [changed], await store.probes(site), now)
    return changed


async def remove(store: Store, site: str, now: datetime) -> None:
    """Show a site no more; what it measured stays. Raises NotFound."""
    account, _ = await _found(store, site)
    left = [one for one in await store.sites(account=account.id) if one.id != site]
    probes = [probe for one in left for probe in await store.probes(one.id)]
    await store.put_discovery(account.id, Discovery(account.person, tuple(left), tuple(probes)), now)


async def own_account(store: Store, owner: str) -> Account:
    """The account of the owner's own sites; a new one where there is none."""
    accounts = await store.accounts()
    mine = [one for one in accounts if one.is_own and one.owner == owner]
    if mine:
        return mine[0]
    taken = {one.id for one in accounts}
    name = next(name for n in range(1, len(taken) + 2) if (name := OWN if n == 1 else f"{OWN}-{n}") not in taken)
    account = Account(name, OWN, owner, "")
    await store.put_account(account)
    return account


async def extend(store: Store, account: Account, sites: Sequence[Site], probes: Sequence[Probe], now: datetime) -> None:
    """Give an account of the hub's own more sites and probes; those that it has stay."""
    others = Fault("sites", "the account's other sites are not told here")
    await store.put_discovery(account.id, Discovery(account.person, tuple(sites), tuple(probes), (others,)), now)


async def _found(store: Store, site: str) -> tuple[Account, Site]:
    for account in await store.accounts():
        for one in await store.sites(account=account.id) if account.is_own else ():
            if one.id == site:
                return account, one
    raise NotFound(f"There is no site of your own {site!r}.", hint="`margelle site list` shows those there are.")


def word(name: str) -> str:
    """The name as a word for ids: `Piscine d'été` is `piscine-d-ete`."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60]
