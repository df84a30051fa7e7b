"""An installation to measure: a user with pools of Ondilo's, a Flipr with a year of readings, and a hundred devices of BAXO's."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Final

from bench.water import hours
from margelle.cli.house import open_kept
from margelle.config import load as settings_of
from margelle.domain.measurement import Measurement
from margelle.domain.site import Account, Disinfection, Person, Probe, Scalar, Site, User
from margelle.domain.unit import Unit
from margelle.ports import Discovery, Grant, Store
from margelle.serve.sign_in import hash_password

USER: Final = "you@example.org"
PASSWORD: Final = "a password for the bench"
CONTRACT: Final = "4b0c7b7e-0d5a-4f0e-9a57-2f0c5f6f7a11"
DEVICES: Final = 100
TAGS: Final = ("NIVEAU", "DEBIT", "PH", "CONDUCTIVITE", "REDOX", "ALARME")
PAGE: Final = 10_000
MODULE: Final = "AB1234"


def environ(folder: Path) -> dict[str, str]:
    """The settings of an installation in `folder`."""
    return {"MARGELLE_DATA_DIR": str(folder / "data"), "MARGELLE_KEY_FILE": str(folder / "key")}


async def furnish(folder: Path) -> dict[str, str]:
    """Fill an installation; gives the user's access token for each face that has such."""
    now = datetime.now(UTC)
    store = open_kept(settings_of(None, environ(folder), {}))
    await store.put_user(User(USER, hash_password(PASSWORD)))
    await _ondilo(store, now)
    await _flipr(store, now)
    await _baxo(store, now)
    tokens = {face: await _token(store, face, now) for face in ("ondilo", "flipr")}
    await store.close()
    return tokens


async def _ondilo(store: Store, now: datetime) -> None:
    """Two pools with 35 days of readings."""
    account = Account("ondilo-1", "ondilo", USER, USER)
    sites = [_pool(account, key, now) for key in ("234", "235")]
    probes = [Probe(f"{site.id}/ico", site.id, "ondilo", site.key, serial="SN00001", hardware="1234") for site in sites]
    await _discover(store, account, sites, probes, now)
    for probe in probes:
        await store.add(list(hours(probe.id, now - timedelta(days=35), 35 * 24)), now)


async def _flipr(store: Store, now: datetime) -> None:
    """A module with a year of readings."""
    account = Account("flipr-1", "flipr", USER, USER)
    site = _pool(account, MODULE, now)
    probe = Probe(f"{site.id}/module", site.id, "flipr", MODULE, serial=MODULE)
    await _discover(store, account, [site], [probe], now)
    await store.add(list(hours(probe.id, now - timedelta(days=365), 365 * 24, origin="flipr/survey")), now)


async def _baxo(store: Store, now: datetime) -> None:
    """A contract with many devices; the first has just a page of values of its first tag."""
    account = Account("baxo-1", "baxo", USER, USER)
    attributes: dict[str, Scalar] = {
        "contract": CONTRACT,
        "contract_reference": "CT001",
        "status": 0,
        "timezone": "UTC",
    }
    sites = [
        Site(account.own_id(str(n)), "baxo", str(n), f"Device {n}", "plant", attributes={**attributes})
        for n in range(DEVICES)
    ]
    probes = [Probe(f"{site.id}/device", site.id, "baxo", f"{CONTRACT}/{site.key}", site.key) for site in sites]
    await _discover(store, account, sites, probes, now)
    for probe in probes:
        await store.add([point for tag in TAGS for point in _minutes(probe, tag, now, 1)], now)
    await store.add(list(_minutes(probes[0], TAGS[0], now, PAGE)), now)


def _minutes(probe: Probe, tag: str, now: datetime, count: int) -> Iterator[Measurement]:
    random = Random(f"{probe.id} {tag}")
    newest = now.replace(second=0, microsecond=0)
    for n in range(count):
        value = round(random.uniform(0, 100), 2)
        at = newest - timedelta(minutes=n)
        yield Measurement(probe.id, f"baxo.{tag}", at, value, repr(value), Unit.RATIO, "baxo/historics")


def _pool(account: Account, key: str, now: datetime) -> Site:
    chlorine = Disinfection("chlorine")
    return Site(account.own_id(key), account.vendor, key, f"Pool {key}", "pool", 50.0, chlorine, updated_at=now)


async def _discover(
    store: Store, account: Account, sites: Sequence[Site], probes: Sequence[Probe], now: datetime
) -> None:
    await store.put_account(account)
    await store.put_discovery(account.id, Discovery(Person(), tuple(sites), tuple(probes)), now)


async def _token(store: Store, face: str, now: datetime) -> str:
    token = secrets.token_hex(20)
    digest = hashlib.sha256(token.encode()).hexdigest()
    await store.put_grant(Grant(digest, "access", face, USER, now, now + timedelta(hours=1)))
    return token
