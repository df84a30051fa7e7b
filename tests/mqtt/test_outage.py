"""A broker that is away, comes and goes, or lets nobody in: it is said where people look, and nothing that it keeps is lost."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Iterator
from pathlib import Path

import pytest

from margelle.mqtt.listener import LONGEST_WAIT_S
from margelle.ports import Incident
from margelle.store.memory import MemoryStore
from tests.house import GARDEN
from tests.mqtt.brokers import PATIENCE_S, RealBroker
from tests.mqtt.listening import listener, listening, running, soon, tell, until

USERS = {"hub": "kept to itself", "pool": "float"}


@pytest.fixture
def closed(tmp_path: Path) -> Iterator[RealBroker]:
    """A broker that knows who may come in."""
    broker = RealBroker("mosquitto", tmp_path, USERS)
    broker.start()
    yield broker
    broker.end()


async def trouble(store: MemoryStore) -> list[Incident]:
    return await store.incidents("own", open_only=True)


def at(hour: int, value: float = 7.4) -> str:
    return f'{{"value": {value}, "at": "2026-07-14T{hour:02}:00:00Z"}}'


@pytest.mark.parametrize("kind", ["amqtt", "mosquitto"])
async def test_a_broker_that_is_not_there_at_the_start_is_an_incident_until_it_is(
    kind: str, tmp_path: Path, store: MemoryStore, caplog: pytest.LogCaptureFixture
) -> None:
    broker = RealBroker(kind, tmp_path)
    with caplog.at_level(logging.WARNING, "margelle.mqtt"):
        async with running(listener(broker, store)) as one:
            (incident,) = await until(lambda: trouble(store))
            said = f"The broker 127.0.0.1:{broker.port} cannot be listened to: Connection refused."
            assert (incident.where, incident.kind, incident.what) == ("mqtt", "broker", said)
            assert "Nothing to do yet" in incident.todo
            assert not incident.needs_user
            broker.start()
            await asyncio.wait_for(one.subscribed.wait(), PATIENCE_S)
            await until(lambda: _none(trouble(store)))
            await tell(broker, "pool/ph", at(9))
            await until(lambda: store.history(GARDEN, "ph"))
    broker.end()
    assert said in caplog.messages


async def _none(found: Awaitable[list[Incident]]) -> bool:
    return not await found


async def test_a_broker_that_is_killed_and_comes_back_has_lost_nothing_that_it_keeps(
    faithful: RealBroker, store: MemoryStore
) -> None:
    async with listening(faithful, store) as one:
        await tell(faithful, "pool/ph", at(8))
        await until(lambda: store.history(GARDEN, "ph"))
    await tell(faithful, "pool/ph", at(9))
    await until(lambda: _true(faithful.has_written(at(9).encode())))
    faithful.kill()
    async with running(listener(faithful, store)) as one:
        await until(lambda: trouble(store))
        faithful.start()
        await asyncio.wait_for(one.subscribed.wait(), PATIENCE_S)
        await tell(faithful, "pool/ph", at(10))
        kept = await until(lambda: _so_many(store, 3))
    assert [point.at.hour for point in kept] == [8, 9, 10]


async def _so_many(store: MemoryStore, many: int) -> object:
    found = await store.history(GARDEN, "ph")
    return found if len(found) >= many else None


@pytest.mark.parametrize(
    ("login", "password", "whom"), [("hub", "wrong-secret", "the login 'hub'"), ("", "", "the hub without a login")]
)
async def test_a_broker_that_lets_the_hub_not_in_asks_the_operator_to_act(
    closed: RealBroker, store: MemoryStore, login: str, password: str, whom: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(listener(closed, store, login, password)):
        (incident,) = await until(lambda: trouble(store))
    assert (incident.kind, incident.what) == ("broker-refused", f"The broker 127.0.0.1:{closed.port} refuses {whom}.")
    assert "mqtt.password" in incident.todo
    assert incident.needs_user
    assert "wrong-secret" not in caplog.text


async def test_of_a_broker_the_last_trouble_is_told_and_no_other(tmp_path: Path, store: MemoryStore) -> None:
    broker = RealBroker("mosquitto", tmp_path, USERS)
    async with running(listener(broker, store, "hub", "wrong")):
        await until(lambda: trouble(store))
        broker.start()
        await until(lambda: _is(trouble(store), "broker-refused"))
        broker.end()
        await until(lambda: _is(trouble(store), "broker"))


async def _is(found: Awaitable[list[Incident]], kind: str) -> bool:
    return [one.kind for one in await found] == [kind]


async def test_a_login_that_is_right_is_let_in(closed: RealBroker, store: MemoryStore) -> None:
    async with listening(closed, store, login="hub", password=USERS["hub"]):
        await tell(closed, "pool/ph", at(9), login="pool", password=USERS["pool"])
        await until(lambda: store.history(GARDEN, "ph"))
    assert await trouble(store) == []


async def test_topics_that_the_broker_keeps_to_itself_are_said(tmp_path: Path, store: MemoryStore) -> None:
    broker = RealBroker("amqtt", tmp_path, readable="other/#")
    broker.start()
    try:
        async with running(listener(broker, store)):
            (incident,) = await until(lambda: trouble(store))
    finally:
        broker.end()
    assert incident.kind == "broker-refused"
    assert "does not let the hub listen to pool/ph, pool/+/all, pool/raw." in incident.what


async def test_it_comes_back_ever_more_rarely_never_twice_alike_and_within_a_minute(
    tmp_path: Path, store: MemoryStore
) -> None:
    waits: list[float] = []

    async def wait(seconds: float) -> None:
        waits.append(seconds)
        await soon(0)

    async with running(listener(RealBroker("amqtt", tmp_path), store, sleep=wait)):
        await until(lambda: _true(len([one for one in waits if one > 30]) > 3))
    tries = [one for one in waits if one != 1.0]  # the others look whether it is ours to listen
    assert all(min(2**n, LONGEST_WAIT_S) / 2 <= one <= min(2**n, LONGEST_WAIT_S) for n, one in enumerate(tries, 1))
    assert len(set(tries)) == len(tries)


async def _true(value: bool) -> bool:
    return value
