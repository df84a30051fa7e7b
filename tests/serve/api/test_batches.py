"""What several requests have sent is kept together, and each hears what became of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

from margelle.domain.access import Membership, Role
from margelle.domain.measurement import Measurement
from margelle.domain.quantity import CATALOGUE
from margelle.domain.site import User
from margelle.domain.unit import Unit
from margelle.errors import StoreError
from margelle.intake.point import Arrival
from margelle.ports import Added, Mark
from margelle.serve.api.batches import MOST_SENDERS, Batches, Intake
from margelle.serve.caller import caller
from margelle.store.memory import MemoryStore
from tests.conftest import NOW
from tests.house import GARDEN
from tests.serve.api.hub import furnished

BEN = "ben@example.org"


class Failing(MemoryStore):
    """Keeps nothing: each time it fails in another way."""

    def __init__(self, failures: Sequence[Exception]) -> None:
        super().__init__()
        self.failures = [*failures]

    async def add(
        self,
        measurements: Sequence[Measurement],
        now: datetime,
        reviewed: Sequence[Measurement] = (),
        *,
        seen: Mapping[str, Mark] | None = None,
    ) -> Added:
        raise self.failures.pop(0)


def arrival(value: float) -> Arrival:
    return Arrival(1, Measurement(GARDEN, "orp", NOW, value, f"{value:g}", Unit.MILLIVOLT, "own/http"))


async def test_whatever_goes_wrong_with_one_request_none_of_those_beside_it_waits_for_ever() -> None:
    store = Failing([StoreError("The disk is full."), RuntimeError("a fault of ours"), StoreError("The disk is full.")])
    batches = Batches(store, lambda: NOW, CATALOGUE)
    sent = (batches.keep(key, [arrival(600.0)]) for key in ("anna", "ben"))
    async with asyncio.timeout(60):
        first, second = await asyncio.gather(*sent, return_exceptions=True)
    assert isinstance(first, RuntimeError)
    assert isinstance(second, StoreError)


async def test_whoever_may_send_no_more_when_the_body_has_come_may_not_send_the_next_one_either() -> None:
    store = MemoryStore()
    await furnished(store)
    await store.put_membership(Membership(BEN, "site", "own:garden", "technician", NOW))
    user = await store.user(BEN)
    assert user is not None
    admitted = await caller(store, user)
    await store.put_membership(Membership(BEN, "site", "own:garden", "viewer", NOW))
    intake = Intake(store, lambda: NOW, CATALOGUE)
    for asking in (admitted, await caller(store, user)):
        assert GARDEN not in await intake.probes(asking)


async def test_of_many_senders_only_the_one_who_was_longest_away_is_looked_up_again() -> None:
    asked: list[str] = []

    class Noting(MemoryStore):
        async def roles(self, user: str) -> dict[str, Role]:
            asked.append(user)
            return await super().roles(user)

    store, senders = Noting(), [f"{n}@example.org" for n in range(MOST_SENDERS + 1)]
    for email in senders:
        await store.put_user(User(email, ""))
    callers = [await caller(store, user) for email in senders if (user := await store.user(email))]
    intake = Intake(store, lambda: NOW, CATALOGUE)
    for one in callers[:-1]:
        await intake.probes(one)
    await intake.probes(callers[0])
    await intake.probes(callers[-1])
    asked.clear()
    for one in (callers[0], *callers[2:]):
        await intake.probes(one)
    assert asked == []
    await intake.probes(callers[1])
    assert asked == [senders[1]]
