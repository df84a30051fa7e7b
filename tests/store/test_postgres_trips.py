"""How often a store waits for the server: counted between them."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from margelle.store.postgres import PostgresStore, news
from margelle.store.vault import Vault
from tests.postgres import Databases, Server
from tests.store.things import HOUR, NOW, point

NAME = ".s.PGSQL.5432"


class Relay:
    """Hands on what both say, and counts how often the server is asked something after it has answered."""

    def __init__(self, server: Path) -> None:
        self._server, self.trips = server, 0
        self._under_way: list[asyncio.Task[None]] = []

    def take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A new connection."""
        self._under_way.append(asyncio.create_task(self._hand_on(reader, writer)))

    async def end(self) -> None:
        """Wait until both ends of each connection are closed."""
        await asyncio.gather(*self._under_way)

    async def _hand_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, asks = await asyncio.open_unix_connection(self._server)
        said = [True]

        async def pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, asking: bool) -> None:
            with suppress(ConnectionError):  # either may leave without a word
                while some := await source.read(1 << 16):
                    self.trips += asking and said[0]
                    said[0] = not asking
                    sink.write(some)
            sink.close()
            with suppress(ConnectionError):
                await sink.wait_closed()

        await asyncio.gather(pass_on(reader, asks, asking=True), pass_on(answers, writer, asking=False))


@pytest.fixture
async def relayed(server: Databases) -> AsyncIterator[tuple[Relay, str]]:
    """A relay before the server, and the URL of a database behind it."""
    if not isinstance(server, Server):
        pytest.skip("the server is no server of ours on a Unix socket")
    server.create("relayed")
    relay = Relay(server.socket / NAME)
    with tempfile.TemporaryDirectory() as folder:
        async with await asyncio.start_unix_server(relay.take, Path(folder) / NAME):
            yield relay, server.url("relayed", host=folder)
            await relay.end()


async def test_a_reading_is_kept_in_four_round_trips_and_told_in_one(
    relayed: tuple[Relay, str], vault: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(news, "LOOK_S", 3600.0)  # nobody looks meanwhile
    relay, url = relayed
    store = PostgresStore(url, vault)
    for hour in range(12):  # by then all statements are prepared
        await keep(store, hour)
    before = relay.trips
    await keep(store, 12)
    assert relay.trips - before == 5
    await store.close()


async def keep(store: PostgresStore, hour: int) -> None:
    await store.add([point(at=NOW + hour * HOUR)], NOW + hour * HOUR)
    while (telling := store._db._telling) is not None and not telling.done():
        await asyncio.wait([telling])
