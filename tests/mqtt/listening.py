"""Listening to a real broker, and telling it things."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiomqtt

from margelle.domain.quantity import CATALOGUE
from margelle.mqtt.broker import Broker
from margelle.mqtt.listener import Listener
from margelle.mqtt.topics import Topics
from margelle.ports import Store
from tests.conftest import NOW
from tests.mqtt.brokers import PATIENCE_S, RealBroker

TOPICS = {"pool/ph": "own:garden ph", "pool/+/all": "own:garden", "pool/raw": "own:garden temperature degF"}


async def soon(_: float) -> None:
    """A wait, in the time of a test."""
    await asyncio.sleep(0.02)


def listener(broker: RealBroker, store: Store, login: str = "", password: str = "", **more: Any) -> Listener:
    """One that comes back at once."""
    there = Broker("127.0.0.1", broker.port, login=login, password=password)
    return Listener(there, Topics(TOPICS, CATALOGUE), store, lambda: NOW, **{"sleep": soon} | more)


@asynccontextmanager
async def running(one: Listener) -> AsyncIterator[Listener]:
    stop = asyncio.Event()
    task = asyncio.create_task(one.run(stop))
    try:
        yield one
    finally:
        stop.set()
        await asyncio.wait_for(task, PATIENCE_S)


@asynccontextmanager
async def listening(broker: RealBroker, store: Store, **more: Any) -> AsyncIterator[Listener]:
    async with running(listener(broker, store, **more)) as one:
        await asyncio.wait_for(one.subscribed.wait(), PATIENCE_S)
        yield one


async def tell(
    broker: RealBroker, topic: str, payload: str, *, retain: bool = False, login: str = "", password: str = ""
) -> None:
    async with aiomqtt.Client("127.0.0.1", broker.port, username=login or None, password=password or None) as client:
        await client.publish(topic, payload, qos=1, retain=retain)


async def until(what: Callable[[], Awaitable[Any]]) -> Any:
    async with asyncio.timeout(PATIENCE_S):
        while not (found := await what()):  # noqa: ASYNC110 - what happens at a broker sets no event
            await asyncio.sleep(0.01)
        return found
