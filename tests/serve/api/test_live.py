from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

import pytest
from msgspec.structs import replace

from margelle.domain.measurement import Measurement
from margelle.domain.quantity import CATALOGUE
from margelle.domain.unit import Unit
from margelle.serve.api.live import BEAT, RESET, WAITING, Listener, Watcher
from margelle.store.memory import MemoryStore
from tests.conftest import NOW
from tests.house import GARDEN
from tests.serve.api.hub import HOUR, Hub, furnished

WANTED = {GARDEN: "own:garden"}
SOON_S = 0.001


def ph(value: float, hours: float = 0, probe: str = GARDEN) -> Measurement:
    return Measurement(probe, "ph", NOW + hours * HOUR, value, f"{value:g}", Unit.PH, "own/http")


@pytest.fixture
async def store() -> MemoryStore:
    return (await furnished(MemoryStore())).store  # type: ignore[return-value]


def watcher(store: MemoryStore) -> Watcher:
    return Watcher(store, lambda: NOW, CATALOGUE, look_s=SOON_S)


async def events(listener: Listener, many: int) -> list[dict[str, Any]]:
    """The next events, each with its id."""
    found = []
    for _ in range(many):
        told = await listener.next(60)
        fields = dict(line.split(": ", 1) for line in told.decode().strip().splitlines())
        found.append({"event": fields["event"], "id": fields.get("id"), **json.loads(fields["data"])})
    return found


async def test_what_is_new_is_told_as_a_row_once(store: MemoryStore) -> None:
    listener = Listener(WANTED)
    async with watcher(store).listening(listener):
        await store.add([ph(7.5)], NOW)
        (event,) = await events(listener, 1)
        assert (event["event"], event["quantity"], event["value"], event["site"]) == (
            "measurement",
            "ph",
            7.5,
            "own:garden",
        )
        await store.add([ph(7.5)], NOW)
        assert await listener.next(20 * SOON_S) == BEAT, "what is known already is no news"


async def test_several_that_come_at_once_are_all_told_in_their_order(store: MemoryStore) -> None:
    listener = Listener(WANTED)
    async with watcher(store).listening(listener):
        await store.add([ph(7.1, -0.3), ph(7.2, -0.2), ph(7.3, -0.1)], NOW)
        assert [event["value"] for event in await events(listener, 3)] == [7.1, 7.2, 7.3]


async def test_a_correction_of_the_latest_is_told(store: MemoryStore) -> None:
    listener = Listener(WANTED)
    async with watcher(store).listening(listener):
        await store.add([ph(7.5)], NOW)
        await events(listener, 1)
        await store.add([ph(7.6)], NOW)
        assert [event["value"] for event in await events(listener, 1)] == [7.6]


async def test_each_listener_hears_what_it_wants_only(store: MemoryStore) -> None:
    one, other = Listener(WANTED, frozenset({"temperature"})), Listener({"own:bath/probe": "own:bath"})
    watching = watcher(store)
    async with watching.listening(one), watching.listening(other):
        await store.add([ph(7.5), replace(ph(30.0), quantity="temperature", raw_unit=Unit.CELSIUS)], NOW)
        await store.add([ph(8.0, probe="own:bath/probe")], NOW)
        assert [event["quantity"] for event in await events(one, 1)] == ["temperature"]
        assert [event["probe"] for event in await events(other, 1)] == ["own:bath/probe"]
        assert (await one.next(20 * SOON_S), await other.next(SOON_S)) == (BEAT, BEAT)


async def test_who_comes_back_is_told_what_it_missed(store: MemoryStore) -> None:
    watching, first = watcher(store), Listener(WANTED)
    async with watching.listening(first):
        await store.add([ph(7.1, -0.2)], NOW)
        (seen,) = await events(first, 1)
    await store.add([ph(7.2, -0.1), ph(7.3)], NOW)  # while nobody listens
    again = Listener(WANTED)
    async with watching.listening(again, seen["id"]):
        assert [event["value"] for event in await events(again, 2)] == [7.2, 7.3]
        assert await again.next(SOON_S) == BEAT


@pytest.mark.parametrize("last", ["0123abcd-7", "nonsense", "-", "x-99999999999999999999999"])
async def test_who_comes_back_to_another_process_is_told_to_begin_anew(store: MemoryStore, last: str) -> None:
    listener = Listener(WANTED)
    async with watcher(store).listening(listener, last):
        assert await listener.next(60) == RESET


async def test_who_is_too_slow_is_told_so_instead_of_filling_the_memory() -> None:
    listener = Listener(WANTED)
    for n in range(WAITING + 1):
        listener.put(b"%d" % n)
    assert await listener.next(60) == RESET
    assert await listener.next(SOON_S) == BEAT


async def test_who_joins_while_something_comes_stops_nobody(
    store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, go, latest = asyncio.Event(), asyncio.Event(), store.latest

    async def slow(probe: str, now: datetime) -> dict[str, Measurement]:
        if probe == "own:slow/probe":
            reached.set()
            await go.wait()
        return await latest(probe, now)

    monkeypatch.setattr(store, "latest", slow)
    watching, first = watcher(store), Listener(WANTED)

    async def join() -> None:
        async with watching.listening(Listener({"own:bath/probe": "own:bath", "own:slow/probe": "own:slow"})):
            pass

    async with watching.listening(first):
        joining = asyncio.create_task(join())
        await reached.wait()
        await store.add([ph(7.4), ph(7.4, probe="own:bath/probe")], NOW)
        assert [event["value"] for event in await events(first, 1)] == [7.4]
        go.set()
        await joining
        await store.add([ph(7.5)], NOW)
        assert [event["value"] for event in await events(first, 1)] == [7.5]


async def test_of_more_than_can_wait_at_once_it_is_told_that_some_were_missed(store: MemoryStore) -> None:
    listener = Listener(WANTED)
    async with watcher(store).listening(listener):
        await store.add([ph(7 + n / 10_000, n / 10_000) for n in range(WAITING + 1)], NOW)
        assert await listener.next(60) == RESET


async def test_one_user_does_not_listen_in_everybodys_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("margelle.serve.api.stream.MOST_EACH", 1)
    hub = await furnished(MemoryStore())
    async with listening(hub) as stream:
        assert (await stream.sent.get())["status"] == 200
        await stream.sent.get()
        async with listening(hub) as another:
            assert (await another.sent.get())["status"] == 429
        async with listening(hub, token=await hub.key("read", user="ben@example.org")) as other:
            assert (await other.sent.get())["status"] == 200


async def test_nothing_is_looked_at_once_nobody_listens(store: MemoryStore) -> None:
    watching = watcher(store)
    async with watching.listening(Listener(WANTED)):
        (task,) = [one for one in asyncio.all_tasks() if "_watch" in repr(one)]
    await asyncio.wait([task], timeout=10)
    assert task.done()
    assert watching.listeners == 0


class Stream:
    """A client of the stream, without a server between."""

    def __init__(self) -> None:
        self.sent: asyncio.Queue[Any] = asyncio.Queue()
        self.gone = asyncio.Event()

    async def receive(self) -> Any:
        await self.gone.wait()
        return {"type": "http.disconnect"}


@asynccontextmanager
async def listening(hub: Hub, query: str = "", token: str = "", **headers: str) -> AsyncIterator[Stream]:
    stream = Stream()
    given = {"authorization": f"Bearer {token or hub.token}", **headers}
    scope = {
        "type": "http", "method": "GET", "path": "/api/v1/stream", "query_string": query.encode(), "raw_path": b"",
        "headers": [(name.encode(), value.encode()) for name, value in given.items()], "root_path": "",
    }  # fmt: skip
    asking = asyncio.create_task(hub.app(scope, stream.receive, stream.sent.put))
    try:
        yield stream
    finally:
        stream.gone.set()
        await asyncio.wait_for(asking, 10)


async def test_the_stream_begins_goes_on_and_ends_with_its_client() -> None:
    hub = await furnished(MemoryStore())
    async with listening(hub, "quantity=ph") as stream:
        start, body = await stream.sent.get(), await stream.sent.get()
        headers = dict(start["headers"])
        assert (start["status"], headers[b"content-type"]) == (200, b"text/event-stream; charset=utf-8")
        assert body["body"].startswith(b"retry: ")
        await hub.store.add([ph(7.7)], NOW)
        told = await asyncio.wait_for(stream.sent.get(), 10)
        assert b'"value":7.7' in told["body"]


async def test_nobody_listens_to_somebody_elses_water() -> None:
    hub = await furnished(MemoryStore())
    async with listening(hub, "site=own:bath") as stream:
        assert (await stream.sent.get())["status"] == 404
    async with listening(hub, token=await hub.key("measure")) as stream:
        assert (await stream.sent.get())["status"] == 403
