"""The hub's own API from SQLite, against a bare route that returns the same bytes from memory."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import sys
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from bench.face import Work, against_bare
from bench.installation import MODULE, USER, environ, furnish
from bench.process import free_port, memory_resident_mb, server
from bench.report import Line
from bench.water import hours
from margelle.cli.house import open_kept
from margelle.config import load as settings_of
from margelle.domain.site import OWN, Account, Probe, Site
from margelle.ports import Discovery, Grant
from margelle.serve.api import NAME

PROBE: Final = f"flipr:{MODULE}/module"
MANY: Final = "own:many/probe"
YEARS: Final = 16
"""Of seven hourly quantities: about a million points."""

SETTINGS: Final = ("--set", "api.requests_per_minute=0")


def measure(folder: Path) -> list[Line]:
    """Answers and points a second, round by round in turn with a bare server."""
    asyncio.run(furnish(folder))
    token, points = asyncio.run(_more(folder))
    port = free_port()
    hub = [sys.executable, "-m", "margelle", *SETTINGS, "serve", "--no-collect", "--port", str(port)]
    lines: list[Line] = []
    with server(hub, port, "/healthz", environ(folder)) as (pid, _):
        for work in _works(token):
            lines += against_bare(work, folder, pid, port)
        for form in ("csv", "ndjson", "parquet"):
            lines += _exported(form, folder, token, port, pid, points)
    return lines


def _works(token: str) -> list[Work]:
    now = datetime.now(UTC)
    month, year = f"{now - timedelta(days=30):%Y-%m-%dT%H:%M:%SZ}", f"{now - timedelta(days=364):%Y-%m-%d}"
    series = f"probe={PROBE}&quantity=ph"
    return [
        Work("API latest of one probe", [_get(f"/latest?probe={PROBE}", token)]),
        Work("API latest of all probes (103)", [_get("/latest", token)]),
        Work("API a month of one series", [_get(f"/measurements?{series}&since={month}&limit=1000", token)], 720),
        Work("API a page of 10 000", [_get(f"/measurements?probe={MANY}&limit=10000", token)], 10_000, 4),
        Work(
            "API a year of day statistics",
            [_get(f"/statistics/days?{series}&since={year}&time_zone=UTC", token)],
            365 * 24,
            4,
        ),
        Work(
            "PromQL latest of all probes",
            [_get("/query?query=%7B__name__%3D~%22margelle_.%2B%22%7D", token, "/prometheus/api/v1")],
        ),
        Work("PromQL a week of one series by hour", [_get(_range(now), token, "/prometheus/api/v1")]),
    ]


def _range(now: datetime) -> str:
    end = int(now.timestamp())
    return f"/query_range?query=margelle_ph%7Bprobe%3D%22{PROBE}%22%7D&start={end - 7 * 86_400}&end={end}&step=3600"


def _get(path: str, token: str, prefix: str = "/api/v1") -> str:
    return f"GET {prefix}{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n"


def _exported(form: str, folder: Path, token: str, port: int, pid: int, points: int) -> list[Line]:
    """How fast a million points come out, and how much more memory that takes than before."""
    url = f"http://127.0.0.1:{port}/api/v1/measurements?probe={MANY}&format={form}"
    body = folder / "body"
    body.write_bytes(_read(url, token)[0])
    name = f"API export of {points:,} points as {form} ({body.stat().st_size:,} B)"
    speed = Line(name, "points/s", [], [], "bare Starlette route, same bytes")
    memory = Line(f"{name}, server's memory", "MB", [], [], "the same server before", better="lower")
    bare_port = free_port()
    with server([sys.executable, "-m", "bench.bare", str(bare_port), str(body)], bare_port, "/"):
        for _ in range(2):
            memory.peers.append(memory_resident_mb(pid))
            _, seconds, most = _read(url, token, pid)
            memory.ours.append(most)
            speed.ours.append(points / seconds)
            speed.peers.append(points / _read(f"http://127.0.0.1:{bare_port}/", token)[1])
    return [speed, memory]


def _read(url: str, token: str, pid: int = 0) -> tuple[bytes, float, float]:
    """An answer, in how many seconds it came, and the most memory that the server had meanwhile."""
    begin, most, parts = time.perf_counter(), 0.0, []
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})) as answer:
        while part := answer.read(1 << 20):
            parts.append(part)
            most = max(most, memory_resident_mb(pid)) if pid else 0.0
    return b"".join(parts), time.perf_counter() - begin, most


async def _more(folder: Path) -> tuple[str, int]:
    """A key, and a probe with a million points."""
    now = datetime.now(UTC)
    store = open_kept(settings_of(None, environ(folder), {}))
    token = secrets.token_hex(20)
    digest = hashlib.sha256(token.encode()).hexdigest()
    await store.put_grant(Grant(digest, "access", NAME, USER, now, id="bench", name="bench", scopes=("read",)))
    own = Account(OWN, OWN, USER, "")
    await store.put_account(own)
    site = Site("own:many", OWN, "many", "Many", "pool")
    await store.put_discovery(own.id, Discovery(own.person, (site,), (Probe(MANY, site.id, OWN, "many"),)), now)
    points = list(hours(MANY, now - timedelta(days=365 * YEARS), YEARS * 365 * 24, origin="own/http"))
    for n in range(0, len(points), 50_000):
        await store.add(points[n : n + 50_000], now)
    await store.close()
    return token, len(points)
