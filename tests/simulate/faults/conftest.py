"""Clouds that listen, their clock standing, and a client of theirs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from margelle import testing
from tests.conftest import NOW
from tests.simulate.faults.client import BaxoClient, Client, FliprClient


class Pauses(list[float]):
    """Remembers how long slow answers would have taken, and takes no time."""

    async def __call__(self, seconds: float) -> None:
        self.append(seconds)


PAUSES = Pauses()


@pytest.fixture(scope="package")
def shared_sky() -> Iterator[testing.Sky]:
    with testing.clouds(now=NOW, pause=PAUSES, settings={"baxo": {"page_rows": 100}}) as sky:
        yield sky


@pytest.fixture
def sky(shared_sky: testing.Sky) -> Iterator[testing.Sky]:
    shared_sky.reset()
    PAUSES.clear()
    yield shared_sky
    shared_sky.reset()


@pytest.fixture
def client(sky: testing.Sky) -> Client:
    """Signed in, before anything goes wrong."""
    one = Client(sky.base_url("ondilo"), sky.login, sky.password)
    sky.reset()
    return one


@pytest.fixture
def flipr(sky: testing.Sky) -> FliprClient:
    """Signed in, before anything goes wrong."""
    one = FliprClient(sky.base_url("flipr"), sky.login, sky.password)
    sky.reset()
    return one


@pytest.fixture
def baxo(sky: testing.Sky) -> BaxoClient:
    """Who knows its devices, before anything goes wrong."""
    one = BaxoClient(sky.base_url("baxo"), sky.login, sky.password)
    sky.reset()
    return one
