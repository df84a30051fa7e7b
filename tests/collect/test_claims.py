"""However collectors are killed and come back, no account has nobody for longer than a minute."""

from __future__ import annotations

import heapq
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from random import Random

from margelle.collect.claims import CLAIM_EVERY, LEASE_S, Claims
from margelle.collect.loop import NOTICE_S
from margelle.domain.site import Account, User
from margelle.store.memory import MemoryStore

NOW = datetime.fromisoformat("2026-07-01T09:17:00+00:00")
SECOND = timedelta(seconds=1)
MINUTE = 60 * SECOND
NOTICE = NOTICE_S * SECOND
HOUR = 3600 * SECOND
HOURS, KILLED, ASKING, STARTS = 1, 0.02, 0.2, -1


async def store_of(accounts: int) -> MemoryStore:
    store = MemoryStore()
    await store.put_user(User("u", "x"))
    for n in range(accounts):
        await store.put_account(Account(f"account-{n}", "flipr", "u", "u", "http://cloud.test"))
    return store


async def held(*claims: Claims) -> list[str]:
    return sorted([account for one in claims for account in await one.accounts()])


async def test_a_collector_that_comes_back_has_an_account_again_with_its_second_claim() -> None:
    store = await store_of(3)
    one, two, killed, back = (Claims(store, name) for name in ("one", "two", "killed", "back"))
    for claims in (one, two, killed, one, two, killed):
        await claims.renew(NOW, ())
    everyone = await held(one, two, killed)
    assert len(everyone) == 3
    taken_at = NOW + LEASE_S * SECOND
    for claims in (one, two):
        await claims.renew(taken_at, ())
    assert await held(one, two) == everyone, "taken in time"
    await back.renew(taken_at + SECOND, ())
    for claims in (one, two):
        await claims.renew(taken_at + CLAIM_EVERY, ())
    assert len(await held(one, two, back)) == 2, "given back"
    await back.renew(taken_at + SECOND + CLAIM_EVERY, ())
    assert (len(await held(back)), await held(one, two, back)) == (1, everyone)


async def waits(seed: int) -> AsyncIterator[timedelta]:
    """How long nobody had an account, each time: since it was last had, or since a collector was last killed. Each claims when its own time has come."""
    dice, killed_at, starts = Random(seed), NOW, 0
    store = await store_of(accounts := dice.randint(1, 7))
    everyone = {f"account-{n}" for n in range(accounts)}
    free, working = dict.fromkeys(everyone, NOW), dict[int, Claims]()
    turns = [(NOW + dice.random() * CLAIM_EVERY, STARTS) for _ in range(dice.randint(2, 4))]
    while turns[0][0] < NOW + HOURS * HOUR:
        now, n = heapq.heappop(turns)
        if n == STARTS:
            n, starts = starts, starts + 1
            working[n] = Claims(store, f"{n}")
        if len(working) > 1 and dice.random() < KILLED:
            del working[n]
            killed_at = now
            heapq.heappush(turns, (now + dice.uniform(1, 300) * SECOND, STARTS))
        else:
            asking = [account for account in await working[n].accounts() if dice.random() < ASKING]
            await working[n].renew(now, asking)
            heapq.heappush(turns, (now + CLAIM_EVERY + dice.random() * NOTICE, n))
        has = set(await held(*working.values()))
        for account in has & free.keys():
            yield now - max(free.pop(account), killed_at)
        free |= dict.fromkeys(everyone - has - free.keys(), now)


async def test_a_minute_after_the_last_collector_was_killed_all_accounts_have_somebody() -> None:
    found = [wait for seed in range(20) async for wait in waits(seed)]
    assert len(found) > 200
    assert LEASE_S * SECOND < max(found) <= LEASE_S * SECOND + CLAIM_EVERY + NOTICE <= MINUTE
