"""Ten thousand accounts on one hub process: how much of a core, and how much memory, against a client that asks the same and keeps nothing.

`ACCOUNTS=100` has it so many.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
from msgspec import Struct

from bench.cloud import TYPES, newest
from bench.installation import USER, environ
from bench.process import cpu_s, family, free_port, memory_resident_mb, over, server
from bench.report import Line
from margelle.cli.house import House, open_kept
from margelle.collect import progress
from margelle.collect.progress import Attempt, Progress, Series, Track
from margelle.config import load as settings_of
from margelle.domain.site import Account, Disinfection, Person, Probe, Site, User
from margelle.ports import Discovery, Store, Token

ACCOUNTS = int(os.environ.get("ACCOUNTS", "10000"))
HOURS = 1
START = datetime(2026, 6, 1, 6, 0, tzinfo=UTC)


def measure(folder: Path) -> list[Line]:
    """One hour of such a hub, as fast as it goes; the time is made up, the requests and the store are real."""
    peer = "a bare aiohttp client that keeps nothing"
    core = Line(f"a core's share, {ACCOUNTS} accounts", "%", [], [], peer, better="lower")
    memory = Line(f"memory (RSS), {ACCOUNTS} accounts", "MB", [], [], peer, better="lower")
    requests = Line("requests per account and hour", "", [], [], "one, for the newest values alone", better="lower")
    with _cloud(folder) as port:
        ours = _run("hub", folder, port, [str(ACCOUNTS)])
        bare = _run("bare", folder, port, [str(int(ours[2]))])
    core.ours.append(ours[0] / (HOURS * 36))
    core.peers.append(bare[0] / (HOURS * 36))
    memory.ours.append(ours[1])
    memory.peers.append(bare[1])
    requests.ours.append(ours[2] / ACCOUNTS / HOURS)
    requests.peers.append(1)
    return [core, memory, requests]


class Hour(Struct):
    """What an hour of collecting took: processor seconds of the hub and of its database's processes, memory of the hub, and requests."""

    hub_s: float
    memory_mb: float
    requests: float
    database_s: float


def hour(folder: Path, accounts: int, url: str = "", roots: Sequence[int] = ()) -> Hour:
    """An hour of so many accounts, over the empty database at `url`, whose servers' first processes are `roots`; SQLite where none is named."""
    folder.mkdir(exist_ok=True)
    with _cloud(folder) as port:
        return Hour(*_run("hub", folder, port, [str(accounts), url, *map(str, roots)]))


@contextmanager
def _cloud(folder: Path) -> Iterator[int]:
    """The cloud that answers, on a port, by the clock in `folder`."""
    port, clock = free_port(), folder / "clock"
    clock.write_text(str(START.timestamp()))
    with server([sys.executable, "-m", "bench.cloud", str(port), str(clock)], port, "/"):
        yield port


def _run(what: str, folder: Path, port: int, more: Sequence[str]) -> tuple[float, float, float, float]:
    command = [sys.executable, "-m", "bench.fleet", what, str(folder), str(port), *more]
    said = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
    hub_s, memory_mb, requests, database_s = map(float, said[-4:])
    return hub_s, memory_mb, requests, database_s


class _Clock:
    """A made-up time, which the cloud reads from a file."""

    def __init__(self, file: Path) -> None:
        self.now = START
        self._file = file

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass."""
        self.now += timedelta(seconds=seconds)
        self._file.write_text(str(self.now.timestamp()))


async def _hub(
    folder: Path, port: int, accounts: int, url: str, roots: Sequence[int]
) -> tuple[float, float, float, float]:
    """Processor time, memory, and requests that the cloud was asked, of a hub that has known its accounts for a while."""
    settings = settings_of(None, environ(folder) | ({"MARGELLE_STORE": url} if url else {}), {})
    clock, stop = _Clock(folder / "clock"), asyncio.Event()
    house = House(settings, open_kept(settings), clock)
    await _furnish(house, port, accounts)

    async def passing(seconds: float, event: asyncio.Event) -> None:
        clock.advance(seconds)
        await asyncio.sleep(0)
        if clock.now >= START + timedelta(hours=HOURS):
            event.set()

    def database_s() -> float:
        return sum(over(family(root), cpu_s) for root in roots)

    collector = house.collector()
    collector._pause = passing  # time passes as fast as the work allows
    begun_s, of_database_s = cpu_s(_pid()), database_s()
    await collector.run(stop)
    spent_s, of_database_s = cpu_s(_pid()) - begun_s, database_s() - of_database_s
    some = (await house.store.accounts())[:: max(1, accounts // 200)]
    asked = [len(house.budget(account).spending(clock.now).spent) for account in some]
    result = spent_s, memory_resident_mb(_pid()), sum(asked) * accounts / len(asked), of_database_s
    await house.close()
    return result


async def _furnish(house: House, port: int, accounts: int) -> None:
    """Accounts of one pool each, all of whose past is known."""
    await house.store.put_user(User(USER, ""))
    for n in range(accounts):
        account = Account(f"ondilo-{n}", "ondilo", USER, f"{n}@cloud.test", f"http://127.0.0.1:{port}", realm=f"r{n}")
        await house.store.put_account(account)
        await house.tokens(account).keep(Token("a" * 40, "r" * 40, START + timedelta(days=1)))
        await _known(house.store, account, n)


async def _known(store: Store, account: Account, n: int) -> None:
    site = Site(account.own_id(str(n)), "ondilo", str(n), f"Pool {n}", "pool", disinfection=Disinfection("chlorine"))
    probe = Probe(f"{site.id}/ico", site.id, "ondilo", str(n), serial="SN")
    await store.put_discovery(account.id, Discovery(Person(email=USER), (site,), (probe,)), START)
    done, at = Attempt(START, START), newest(n, START)
    track = Track(site.id, TYPES, newest=at, latest=done)
    track.series = {name: Series(at, settled_at=START, attempt=done) for name in TYPES}
    known = Progress(discovery=done, advised=True, probes={probe.id: track}, advice={site.id: Attempt(at, at)})
    await progress.save(store, account.id, known, START)


async def _bare(port: int, requests: int) -> tuple[float, float, float, float]:
    """The same requests, eight at once."""
    begun_s = cpu_s(_pid())
    left = iter(range(requests))

    async def ask(session: aiohttp.ClientSession) -> None:
        for n in left:
            url = f"http://127.0.0.1:{port}/api/customer/v1/pools/{n % ACCOUNTS}/lastmeasures"
            async with session.get(url) as answer:
                await answer.json()

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:
        await asyncio.gather(*(ask(session) for _ in range(8)))
    return cpu_s(_pid()) - begun_s, memory_resident_mb(_pid()), requests, 0.0


def _pid() -> int:
    return os.getpid()


if __name__ == "__main__":
    _, what, where, to_port, count, *more = sys.argv
    run = (
        _hub(Path(where), int(to_port), int(count), more[0] if more else "", [*map(int, more[1:])])
        if what == "hub"
        else _bare(int(to_port), int(count))
    )
    print(*asyncio.run(run))
