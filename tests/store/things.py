"""Things to keep, with everything a test does not care about filled in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from margelle.domain.measurement import Measurement
from margelle.domain.site import Account, Person, Probe, Recommendation, Site, User
from margelle.domain.unit import Unit
from margelle.ports import Discovery, Fault, Grant, Incident, Inspected, Receipt, Store

KEY = b"q83vASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4k="
OTHER_KEY = b"ASNFZ4mrze8BI0VniavN7wEjRWeJq83vASNFZ4mrze8="
NOW = datetime(2026, 7, 14, 12, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
FAULT = Fault("pools[1]", "no id")


def point(value: float | None = 7.2, at: datetime = NOW, quantity: str = "ph", **more: Any) -> Measurement:
    told: dict[str, Any] = {
        "probe": "ondilo:1/ico",
        "raw": "" if value is None else f"{value:g}",
        "raw_unit": Unit.PH,
        "origin": "ondilo/measures",
    }
    return Measurement(quantity=quantity, at=at, value=value, **told | more)


def user(email: str = "ana@example.org", **more: Any) -> User:
    return User(email, more.pop("password_hash", "$argon2id$"), **more)


def account(name: str = "home", owner: str = "ana@example.org", **more: Any) -> Account:
    return Account(name, "ondilo", owner, "ana-at-ondilo", **more)


def site(key: int = 1, **more: Any) -> Site:
    return Site(f"ondilo:{key}", "ondilo", str(key), more.pop("name", f"Pool {key}"), **more)


def probe(key: int = 1, serial: str = "S1", **more: Any) -> Probe:
    return Probe(f"ondilo:{key}/ico", f"ondilo:{key}", "ondilo", str(key), serial, **more)


def discovery(*keys: int, **more: Any) -> Discovery:
    sites, probes = tuple(site(key) for key in keys), tuple(probe(key) for key in keys)
    told: dict[str, Any] = {"person": Person("Ana"), "sites": sites, "probes": probes}
    return Discovery(**told | more)


def recommendation(key: int = 1, site: str = "ondilo:1", **more: Any) -> Recommendation:
    told: dict[str, Any] = {
        "title": "Clean",
        "message": "the filter",
        "created_at": NOW + key * HOUR,
        "updated_at": NOW,
    }
    return Recommendation(id=f"ondilo:r{key}", site=site, key=str(key), **told | more)


def receipt(at: datetime = NOW, body: bytes = b"[]", account: str = "home") -> Receipt:
    return Receipt(account, at, "pools", "https://interop.ondilo.com/pools", 200, body, 12)


def incident(kind: str = "refused", account: str = "home", **more: Any) -> Incident:
    told: dict[str, Any] = {"where": account, "what": "401", "todo": "sign in", "since": NOW, "at": NOW}
    return Incident(account=account, kind=kind, **told | more)


def grant(digest: str = "d1", kind: Any = "access", user: str = "ana@example.org", **more: Any) -> Grant:
    return Grant(digest, kind, "ondilo", user, more.pop("issued_at", NOW), **more)


async def inspected(store: Store) -> Inspected:
    """What an inspection has found in the end."""
    return [found async for found in store.inspect()][-1]
