"""A site's year against InfluxDB, from Debian's package where it is installed: two servers on the loopback interface hold the same readings and are asked in turn.

InfluxDB is asked twice for what the hub's page draws: for the year's days (lowest, median and highest value, which are held against the hub's), and for the
year's readings as they are. It works out its days anew each time; the hub keeps those of days that are over. Both compress what they send.
"""

from __future__ import annotations

import gzip
import json
import math
import sys
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from msgspec import Struct
from tests.browser.fleet import OPERATOR

from bench.peers import influx
from bench.peers.peer import call
from bench.process import cpu_s, free_port, server
from bench.report import Line
from bench.water import QUANTITIES
from margelle.domain.measurement import Reading
from margelle.domain.quantity import CATALOGUE
from margelle.domain.series import by_instant, midnight
from margelle.ports import Store
from margelle.serve.pages import FACE
from margelle.serve.pages.period import SPANS
from margelle.serve.pages.session import COOKIE
from margelle.serve.sign_in import Attempts, FaceDesk
from margelle.store import open_store
from margelle.store.vault import Vault

ROUNDS: Final = 7
ASKED: Final = 10
"""Answers in a round: the processor's time is told in hundredths of a second."""

BATCH: Final = 5000
SITE, PROBE, ZONE = "ondilo:1", "ondilo:1/p", "Europe/Paris"
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_TIME: Final = "%Y-%m-%dT%H:%M:%SZ"
GZIP: Final = {"accept-encoding": "gzip"}


class Asked(Struct):
    """A server that is asked the same again and again: what its processor (ms), the clock (ms) and the line (kB) spent on an answer, by round."""

    connection: HTTPConnection
    pid: int
    path: str
    headers: Mapping[str, str]
    cpu: list[float]
    wall: list[float]
    size: list[float]

    @classmethod
    def at(cls, port: int, pid: int, path: str, headers: Mapping[str, str]) -> Asked:
        return cls(HTTPConnection("127.0.0.1", port, timeout=120), pid, path, headers, [], [], [])

    def answer(self) -> bytes:
        """The body, as it was sent."""
        self.connection.request("GET", self.path, headers=dict(self.headers))
        with self.connection.getresponse() as response:
            body = response.read()
        if response.status != 200:
            raise RuntimeError(f"{self.path}: {response.status} {body[:500]!r}")
        return body

    def json(self) -> Any:
        """The answer, read."""
        return json.loads(gzip.decompress(self.answer()))


async def measure(folder: Path, url: str, key: Path, now: datetime) -> list[Line]:
    """The year until `now` from the store at `url`, as the page's JSON, beside InfluxDB's two answers."""
    program = influx.program()
    if program is None:
        print(influx.MISSING)
        return []
    since, until = _whole_days(now)
    store, port = open_store(url, Vault.open(key)), free_port()
    hub = [sys.executable, "-m", "margelle", "serve", "--no-collect", "--port", str(port)]
    environ = {"MARGELLE_DATA_DIR": str(folder), "MARGELLE_KEY_FILE": str(key), "MARGELLE_STORE": url}
    path = f"/sites/{SITE}/plot?" + urlencode({"span": "year", "until": now.isoformat()})
    headers = {**GZIP, "cookie": f"{COOKIE}={await _session(store)}"}
    with (
        server(hub, port, "/healthz", environ) as (pid, _),
        influx.running(program, folder / "influx") as (peer_port, peer_pid),
    ):
        await _copy(store, since, until, peer_port)
        ours = Asked.at(port, pid, path, headers)
        days, readings = (Asked.at(peer_port, peer_pid, influx.query(text), GZIP) for text in _questions(since, until))
        _hold(ours, days)
        assert len(_rows(readings)) > 365 * 24
        for n in range(ROUNDS):
            for one in (ours, days, readings):
                await _round(one, store, n)
    await store.close()
    name = influx.version(program)
    return [*_lines(ours, days, f"{name}, the year's days"), *_lines(ours, readings, f"{name}, all readings")]


def _whole_days(now: datetime) -> tuple[datetime, datetime]:
    """Of the year until `now`, as the page has them."""
    first, last = ((now - ago).astimezone(ZoneInfo(ZONE)).date() for ago in (SPANS["year"], timedelta()))
    return midnight(first, ZoneInfo(ZONE)), midnight(last + timedelta(days=1), ZoneInfo(ZONE))


async def _session(store: Store) -> str:
    desk = FaceDesk(FACE, store, lambda: datetime.now(UTC), Attempts(store))
    return await desk.issue("access", OPERATOR, life_s=86400)


async def _copy(store: Store, since: datetime, until: datetime, port: int) -> None:
    """One point an hour with seven fields: seven measurements make its answers longer."""
    found = [point for quantity in QUANTITIES for point in await store.history(PROBE, quantity, since, until)]
    lines = [_written(reading) for reading in by_instant(found)]
    call(port, "POST", influx.query(influx.CREATE))
    for n in range(0, len(lines), BATCH):
        call(port, "POST", f"/write?db={influx.DATABASE}&precision=u", "\n".join(lines[n : n + BATCH]).encode())


def _written(reading: Reading) -> str:
    """In InfluxDB's line protocol."""
    fields = ",".join(f"{quantity}={point.value}" for quantity, point in reading.measurements.items())
    return f"water,probe={PROBE} {fields} {(reading.at - EPOCH) // timedelta(microseconds=1)}"


def _questions(since: datetime, until: datetime) -> Iterator[str]:
    """For the days, and for the readings."""
    where = f"FROM water WHERE probe = '{PROBE}' AND time >= '{since:{_TIME}}' AND time < '{until:{_TIME}}'"
    days = ", ".join(f"{what}({quantity})" for quantity in QUANTITIES for what in ("min", "median", "max"))
    yield f"SELECT {days} {where} GROUP BY time(1d) tz('{ZONE}')"
    yield f"SELECT {', '.join(QUANTITIES)} {where}"


def _rows(answer: Asked) -> list[list[float]]:
    """Of InfluxDB's answer; a day without readings is left out."""
    return [row for row in answer.json()["results"][0]["series"][0]["values"] if row[1] is not None]


def _hold(ours: Asked, peer: Asked) -> None:
    """Both have the same figures on the same days, but for the digits that the page rounds off."""
    rows = _rows(peer)
    assert len(rows) > 365
    panels = {panel["quantity"]: panel["lines"][0] for panel in ours.json()["plot"]["panels"]}
    for n, quantity in enumerate(QUANTITIES):
        digit = 0.06 / 10 ** CATALOGUE[quantity].decimals
        for m, column in enumerate(("low", "value", "high")):
            pairs = zip(panels[quantity][column], (row[1 + 3 * n + m] for row in rows), strict=True)
            assert all(math.isclose(a, b, abs_tol=digit) for a, b in pairs), (quantity, column)


async def _round(one: Asked, store: Store, n: int) -> None:
    """Some answers, each after something was stored in ours."""
    begin_s, wall_s, size = cpu_s(one.pid), 0.0, 0
    for m in range(ASKED):
        await store.put_memo("bench", f"{n} {m}".encode())
        asked_s = time.perf_counter()
        size = len(one.answer())
        wall_s += time.perf_counter() - asked_s
    one.cpu.append((cpu_s(one.pid) - begin_s) * 1000 / ASKED)
    one.wall.append(wall_s * 1000 / ASKED)
    one.size.append(size / 1000)


def _lines(ours: Asked, peers: Asked, peer: str) -> list[Line]:
    name = "a site's year as JSON, by HTTP"
    return [
        Line(f"{name}: server's CPU", "ms", ours.cpu, peers.cpu, peer, better="lower"),
        Line(f"{name}: until it is there", "ms", ours.wall, peers.wall, peer, better="lower"),
        Line(f"{name}: its size, sent", "kB", ours.size, peers.size, peer, better="lower"),
    ]
