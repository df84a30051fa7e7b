"""An account's HTTP over a hostile cloud, with a clock that only the test moves."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import datetime, timedelta

import pytest
import stamina

from margelle.net.budget import Budget
from margelle.net.http import CloudHttp
from margelle.ports import Answer, Rate, Receipt, Request
from margelle.store.memory import MemoryStore
from tests.conftest import NOW
from tests.hostile import HostileCloud

ACCOUNT = "ondilo-1"


class HandClock:
    """A clock that stands still until it is told otherwise."""

    def __init__(self, now: datetime = NOW) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    async def pause(self, seconds: float) -> None:
        self.forward(seconds)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture(autouse=True)
def no_back_off() -> Iterator[None]:
    """Retries happen, at once."""
    with stamina.set_testing(True, attempts=2, cap=True):
        yield


@pytest.fixture
async def cloud() -> AsyncIterator[HostileCloud]:
    async with HostileCloud() as cloud:
        yield cloud


Make = Callable[..., CloudHttp]


@pytest.fixture
async def make(store: MemoryStore, clock: HandClock) -> AsyncIterator[Make]:
    """Makes an account's HTTP; `rates` are those of its budget, the rest is as CloudHttp takes it."""
    made: list[CloudHttp] = []

    def make(*rates: Rate, **options: object) -> CloudHttp:
        options = {"timeout_s": 5.0, "pause": clock.pause} | options
        made.append(CloudHttp(ACCOUNT, store, Budget(None, ACCOUNT, rates), clock, **options))  # type: ignore[arg-type]
        return made[-1]

    yield make
    for http in made:
        await http.close()


@pytest.fixture
def http(make: Make) -> CloudHttp:
    """Without limits."""
    return make()


@pytest.fixture
def get(http: CloudHttp, cloud: HostileCloud) -> Callable[..., Awaitable[Answer]]:
    """Asks the cloud for a path."""

    async def get(path: str = "/pools", **rest: object) -> Answer:
        return await http.ask(Request("pools", "GET", cloud.url + path, **rest))  # type: ignore[arg-type]

    return get


async def the_receipts(store: MemoryStore) -> list[Receipt]:
    """All receipts, oldest first."""
    return list(reversed(await store.receipts(ACCOUNT)))
