"""Answers of the Ondilo face from SQLite against a bare route that returns the same bytes from memory."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import sys
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bench.process import cpu_s, free_port, load, server
from bench.report import Line
from bench.water import hours
from margelle.cli.house import open_kept
from margelle.config import load as settings_of
from margelle.domain.site import Account, Disinfection, Person, Probe, Site, User
from margelle.ports import Discovery, Grant

API = "/ondilo/api/customer/v1"
TYPES = "types[]=temperature&types[]=ph&types[]=orp&types[]=salt&types[]=battery&types[]=tds&types[]=rssi"
PATHS = {
    "lastmeasures of 7 types": f"{API}/pools/234/lastmeasures?{TYPES}",
    "measures, a month of one type": f"{API}/pools/234/measures?type=ph&period=month",
    "pools": f"{API}/pools",
}
ROUNDS = 5


def environ(folder: Path) -> dict[str, str]:
    """The settings of an installation in `folder`."""
    return {"MARGELLE_DATA_DIR": str(folder / "data"), "MARGELLE_KEY_FILE": str(folder / "key")}


def measure(folder: Path) -> list[Line]:
    """Requests a second, and processor time of the server, round by round in turn."""
    token = asyncio.run(_fill(folder))
    port = free_port()
    hub = [sys.executable, "-m", "margelle", "serve", "--no-collect", "--port", str(port)]
    lines: list[Line] = []
    with server(hub, port, "/healthz", environ(folder)) as (pid, _):
        for name, path in PATHS.items():
            lines += _against_bare(name, folder, pid, port, _request(path, token))
    return lines


def _against_bare(name: str, folder: Path, pid: int, port: int, request: bytes) -> list[Line]:
    body = folder / "body"
    body.write_bytes(_answer(port, request))
    bare_port = free_port()
    speed = Line(f"{name} ({body.stat().st_size:,} B)", "requests/s", [], [], "bare Starlette route, same bytes")
    cost = Line(f"{name}, server's CPU", "us/request", [], [], "bare Starlette route, same bytes", better="lower")
    with server([sys.executable, "-m", "bench.bare", str(bare_port), str(body)], bare_port, "/") as (bare_pid, _):
        for _round in range(ROUNDS):
            for server_pid, at, rates, costs in (
                (pid, port, speed.ours, cost.ours),
                (bare_pid, bare_port, speed.peers, cost.peers),
            ):
                begin_s = cpu_s(server_pid)
                done = load(at, request, folder, seconds=1.5)
                rates.append(done["requests"] / done["seconds"])
                costs.append((cpu_s(server_pid) - begin_s) / done["requests"] * 1e6)
    return [speed, cost]


def _request(path: str, token: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: application/json\r\nAuthorization: Bearer {token}\r\n\r\n".encode()


def _answer(port: int, request: bytes) -> bytes:
    lines = request.decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines[1:] if line)
    url = f"http://127.0.0.1:{port}{lines[0].split()[1]}"
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers)) as answer:
        body: bytes = answer.read()
        return body


async def _fill(folder: Path) -> str:
    """An installation with two pools and 35 days of readings; gives an access token of their owner."""
    now = datetime.now(UTC)
    store = open_kept(settings_of(None, environ(folder), {}))
    account = Account("ondilo-1", "ondilo", "you@example.org", "you@example.org")
    await store.put_user(User("you@example.org", "no password"))
    await store.put_account(account)
    sites = [
        Site(account.own_id(key), "ondilo", key, f"Pool {key}", "pool", 50.0, Disinfection("chlorine"), updated_at=now)
        for key in ("234", "235")
    ]
    probes = [Probe(f"{site.id}/ico", site.id, "ondilo", site.key, serial="SN00001", hardware="1234") for site in sites]
    await store.put_discovery(account.id, Discovery(Person(), tuple(sites), tuple(probes)), now)
    for probe in probes:
        await store.add(list(hours(probe.id, now - timedelta(days=35), 35 * 24)), now)
    token = secrets.token_hex(20)
    digest = hashlib.sha256(token.encode()).hexdigest()
    await store.put_grant(Grant(digest, "access", "ondilo", "you@example.org", now, now + timedelta(hours=1)))
    await store.close()
    return token
