"""Many sites, each with a week of plausible readings, made quickly and always the same."""

from __future__ import annotations

import math
from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Final

from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.quantity import CATALOGUE
from margelle.domain.site import Account, Address, Disinfection, Person, Probe, Site, User
from margelle.ports import Discovery, Store

OPERATOR: Final = "operator@fleet.example"
_CITIES: Final = ("Aix-en-Provence", "Bordeaux", "Cassis", "Draguignan", "Évian", "Fréjus", "Gap", "Hyères")
_NAMES: Final = (
    "Camping des Pins",
    "Hôtel du Port",
    "Résidence Azur",
    "Piscine municipale",
    "Gîte du Moulin",
    "Spa des Thermes",
)
_LEVEL: Final = {
    "temperature": 26.0,
    "ph": 7.4,
    "orp": 700.0,
    "salt": 3600.0,
    "tds": 900.0,
    "battery": 80.0,
    "rssi": 70.0,
}
_SWING: Final = {"temperature": 1.5, "ph": 0.03, "orp": 12.0, "salt": 25.0, "tds": 6.0, "battery": 0.5, "rssi": 4.0}


async def settle(store: Store, now: datetime, sites: int, days: int = 7) -> None:
    """One operator with so many sites, of two vendors in eight cities."""
    await store.put_user(User(OPERATOR, "x", "Dominique", "Roux", operator=True))
    for vendor in ("ondilo", "flipr"):
        account = Account(f"{vendor}-fleet", vendor, OPERATOR, OPERATOR)
        await store.put_account(account)
        own = tuple(_site(n, vendor) for n in range(sites) if (n % 3 == 0) == (vendor == "flipr"))
        probes = tuple(Probe(f"{site.id}/p", site.id, vendor, site.key) for site in own)
        await store.put_discovery(account.id, Discovery(Person(), own, probes), now)
        for probe in probes:
            await store.add(list(_readings(probe, now, days)), now)


def _site(n: int, vendor: str) -> Site:
    kind = "spa" if n % 6 == 5 else "pool"
    name = f"{_NAMES[n % len(_NAMES)]} {n + 1}"
    return Site(
        f"{vendor}:{n}",
        vendor,
        str(n),
        name,
        "spa" if kind == "spa" else "pool",
        60.0,
        Disinfection("chlorine"),
        Address(city=_CITIES[n % len(_CITIES)]),
        "Europe/Paris",
    )


def _readings(probe: Probe, now: datetime, days: int) -> Iterator[Measurement]:
    """Hourly; some sites are silent, some too sour, some doubted, as it is in a fleet."""
    n = int(probe.key)
    dice = Random(n)
    silent = timedelta(days=2) if n % 17 == 3 else timedelta(0)
    off = {"ph": 0.5 if n % 13 == 2 else 0.25 if n % 7 == 1 else 0.0}
    for hour in range(24 * days, -1, -1):
        at = now - silent - timedelta(hours=hour, minutes=dice.uniform(5, 25))
        for quantity, level in _LEVEL.items():
            swing = _SWING[quantity] * (math.sin(hour / 24 * math.tau) + dice.gauss(0, 0.3))
            value = round(level + off.get(quantity, 0.0) + swing, 2)
            doubts = (
                (Doubt("stuck", "the same for too long"),) if n % 29 == 4 and hour == 0 and quantity == "orp" else ()
            )
            yield Measurement(
                probe.id, quantity, at, value, str(value), CATALOGUE[quantity].unit, f"{probe.vendor}/t", doubts
            )
