"""What is sent to the hub over HTTP: batches of a fleet, and many small ones at once, against a bare route that only parses the same JSON.

And the same hub with one and with two workers. The load is on the same machine: with two cores, two workers and their load share them.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Final

from bench.installation import USER, environ
from bench.process import free_port, load, server
from bench.report import Line
from bench.water import QUANTITIES, hours
from margelle.cli.house import open_kept
from margelle.config import load as settings_of
from margelle.domain.site import OWN, Account, Person, Probe, Site, User
from margelle.ports import Discovery, Grant, Store
from margelle.serve.api import NAME

PROBES: Final = 1000
BATCH: Final = 10_000
BATCHES: Final = 16
ROUNDS: Final = 2
SINCE: Final = datetime(2026, 1, 1, tzinfo=UTC)
BARE: Final = "a bare route that parses it with msgspec"
SETTINGS: Final = ("--set", "api.requests_per_minute=0", "--set", "collect.enabled=false")


def push(folder: Path) -> list[Line]:
    """Points a second: a fleet's hours in batches of 10 000 as JSON and NDJSON, and a hundred clients of ten points each."""
    lines = []
    for form, name in (("application/json", "JSON"), ("application/x-ndjson", "NDJSON")):
        line = Line(f"batches of {BATCH:,} as {name}", "points/s", [], [], BARE)
        for n in range(ROUNDS):
            requests = list(_batches(form))
            with _hub(folder / f"{name}{n}", 1) as (port, token):
                line.ours.append(_sent(port, token, requests, folder, 1) * BATCH)
            line.peers.append(_bare(requests, folder) * BATCH)
        lines.append(line)
    small = Line("100 clients, ten points each", "points/s", [], [], "one client, one after another")
    for n in range(ROUNDS):
        with _hub(folder / f"small{n}", 1) as (port, token):
            small.ours.append(_sent(port, token, list(_small(0)), folder, 100) * 10)
        with _hub(folder / f"alone{n}", 1) as (port, token):
            small.peers.append(_sent(port, token, list(_small(0))[:500], folder, 1) * 10)
    return [*lines, small]


def workers(folder: Path) -> list[Line]:
    """Two workers against one, in turn: the newest values of a probe, and small batches."""
    latest = Line("latest of one probe, 2 workers", "req/s", [], [], "1 worker")
    ingest = Line("100 clients, ten points each, 2 workers", "points/s", [], [], "1 worker")
    for n in range(ROUNDS):
        for count, into in ((2, 0), (1, 1)):
            with _hub(folder / f"{count}-{n}", count) as (port, token):
                got = f"GET /api/v1/latest?probe=own:p1/probe HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
                sent = _sent(port, token, list(_small(0)), folder, 100) * 10
                told = load(port, [got], folder)
                for line, value in ((ingest, sent), (latest, told["requests"] / told["seconds"])):
                    (line.ours, line.peers)[into].append(value)
    return [latest, ingest]


def _hub(folder: Path, count: int) -> _Running:
    return _Running(folder, count)


class _Running:
    """A hub of its own with a fleet of own sites, for as long as it is used; gives its port and a key."""

    def __init__(self, folder: Path, count: int) -> None:
        folder.mkdir(parents=True)
        self._token = asyncio.run(_furnish(folder))
        self._port = free_port()
        command = [sys.executable, "-m", "margelle", *SETTINGS, "serve", "--port", str(self._port)]
        self._server = server([*command, "--workers", str(count)], self._port, "/readyz", environ(folder))

    def __enter__(self) -> tuple[int, str]:
        self._server.__enter__()
        return self._port, self._token

    def __exit__(self, *why: object) -> None:
        self._server.__exit__(None, None, None)


def _sent(port: int, token: str, requests: list[tuple[str, str]], folder: Path, connections: int) -> float:
    """Requests a second, each sent once."""
    heads = [
        f"POST /api/v1/measurements HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: {form}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
        for form, body in requests
    ]
    told = load(port, heads, folder, connections=connections, seconds=0)
    return told["requests"] / told["seconds"]


def _bare(requests: list[tuple[str, str]], folder: Path) -> float:
    port = free_port()
    with server([sys.executable, "-m", "bench.bare", str(port), "parse"], port, "/"):
        return _sent(port, "x", requests, folder, 1)


def _batches(form: str) -> Iterator[tuple[str, str]]:
    """A fleet's hours, one after another, in batches."""
    points: list[dict[str, object]] = []
    series = [hours(f"own:p{n}/probe", SINCE, BATCH * BATCHES // PROBES) for n in range(PROBES)]
    left = BATCHES
    while left:
        for one in series:
            points += [
                {"probe": it.probe, "quantity": it.quantity, "at": f"{it.at:%Y-%m-%dT%H:%M:%SZ}", "value": it.value}
                for it in islice(one, len(QUANTITIES))
            ]
        while len(points) >= BATCH and left:
            yield form, _written(points[:BATCH], form)
            points, left = points[BATCH:], left - 1


def _written(points: list[dict[str, object]], form: str) -> str:
    texts = [json.dumps(point, separators=(",", ":")) for point in points]
    return "\n".join(texts) if form.endswith("ndjson") else f"[{','.join(texts)}]"


def _small(since: int) -> Iterator[tuple[str, str]]:
    """Ten points of a probe each, of five thousand clients' turns."""
    for n in range(5000):
        at = int(SINCE.timestamp()) + since + n // PROBES * 36_000
        points = [
            {
                "probe": f"own:p{n % PROBES}/probe",
                "quantity": "ph",
                "at": at + 3600 * m,
                "value": round(7.2 + 0.01 * (m % 3), 2),
            }
            for m in range(10)
        ]
        yield "application/json", _written(points, "application/json")


async def _furnish(folder: Path) -> str:
    """A user with a fleet of own sites; a key of theirs."""
    now = datetime.now(UTC)
    store = open_kept(settings_of(None, environ(folder), {}))
    await store.put_user(User(USER, ""))
    account = Account(OWN, OWN, USER, "")
    sites = [Site(f"own:p{n}", OWN, f"p{n}", f"Pool {n}", "pool") for n in range(PROBES)]
    probes = [Probe(f"{site.id}/probe", site.id, OWN, site.key) for site in sites]
    await store.put_account(account)
    await store.put_discovery(account.id, Discovery(Person(), tuple(sites), tuple(probes)), now)
    token = await _key(store, now)
    await store.close()
    return token


async def _key(store: Store, now: datetime) -> str:
    token = secrets.token_hex(20)
    digest = hashlib.sha256(token.encode()).hexdigest()
    await store.put_grant(
        Grant(digest, "access", NAME, USER, now, now + timedelta(hours=1), scopes=("read", "measure"))
    )
    return token
