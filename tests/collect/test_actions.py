"""A user's act on what is collected goes to the cloud first, and is recorded either way."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from margelle.collect.actions import ForwardedActions
from margelle.domain.access import Membership
from margelle.domain.site import Account, User
from margelle.errors import Conflict, NotFound, Unavailable
from margelle.ports import Answer, Request, Source
from margelle.store.memory import MemoryStore
from tests.collect.cloud import (
    HOUR,
    MINUTE,
    START,
    Cloud,
    FakeSource,
    Pool,
    VirtualClock,
    account,
    advice,
    collecting,
    stored,
)

ADA, BOB, EVE = (User(f"{name}@x.example", "-") for name in ("ada", "bob", "eve"))


class Hub:
    """A hub that has collected one pool, through the accounts of two users, with one recommendation."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.pool = Pool("1", [START - HOUR])
        self.cloud = Cloud(self.clock, self.pool)
        self.cloud.advice = (advice("71"),)
        self.store = MemoryStore()
        self.spoke: list[str] = []

    async def begin(self) -> ForwardedActions:
        self.store = await stored(account("a-bob", BOB.email), account("b-ada", "Ada@X.example"))
        await collecting(self.store, self.cloud).round()
        self.clock.now += MINUTE
        return ForwardedActions(self.store, self.source, self.clock)

    def source(self, one: Account) -> Source:
        self.spoke.append(one.id)
        return FakeSource(one, self.cloud, self.cloud)

    async def outcomes(self) -> list[tuple[str, str, str, str]]:
        return [(one.user, one.act, one.subject, one.outcome) for one in await self.store.audit()]


@pytest.fixture
def hub() -> Hub:
    return Hub()


async def test_a_validated_recommendation_goes_to_the_cloud_then_is_kept_and_recorded(hub: Hub) -> None:
    actions = await hub.begin()
    await actions.validate(advice("71"), hub.pool.site, ADA)
    assert hub.cloud.validated == ["fake:71"]
    kept = await hub.store.recommendation("fake:71")
    assert kept is not None
    assert (kept.status, kept.updated_at) == ("ok", START + MINUTE)
    assert await hub.outcomes() == [("ada@x.example", "validate", "fake:71", "done")]


@pytest.mark.parametrize(("user", "through"), [(ADA, "b-ada"), (BOB, "a-bob"), (EVE, "a-bob")])
async def test_it_speaks_through_the_users_own_account_if_there_is_one(hub: Hub, user: User, through: str) -> None:
    actions = await hub.begin()
    await hub.store.put_membership(Membership(EVE.email, "site", hub.pool.site.id, "technician", START))
    await actions.validate(advice("71"), hub.pool.site, user)
    assert hub.spoke == [through]


async def test_a_refusal_of_the_cloud_changes_nothing_here_and_is_recorded(hub: Hub) -> None:
    actions = await hub.begin()

    def trouble(act: str, subject: str) -> Any:
        raise Unavailable("The cloud answered 503: token=abc")

    hub.cloud.trouble = trouble
    with pytest.raises(Unavailable):
        await actions.validate(advice("71"), hub.pool.site, ADA)
    kept = await hub.store.recommendation("fake:71")
    assert kept is not None
    assert kept.status == "waiting"
    assert await hub.outcomes() == [
        ("ada@x.example", "validate", "fake:71", "failed: The cloud answered 503: token=***")
    ]


async def test_what_is_done_already_is_not_done_again(hub: Hub) -> None:
    actions = await hub.begin()
    await actions.validate(advice("71"), hub.pool.site, ADA)
    with pytest.raises(Conflict, match="not waiting"):
        await actions.validate(advice("71"), hub.pool.site, ADA)
    assert hub.cloud.validated == ["fake:71"]


async def test_an_unknown_recommendation_is_not_forwarded(hub: Hub) -> None:
    actions = await hub.begin()
    with pytest.raises(NotFound):
        await actions.validate(advice("99"), hub.pool.site, ADA)
    with pytest.raises(NotFound):
        await actions.validate(advice("71", site="fake:2"), hub.pool.site, ADA)
    assert hub.cloud.validated == []


async def test_a_site_that_nobody_collects_any_more_cannot_be_acted_on(hub: Hub) -> None:
    actions = await hub.begin()
    await hub.store.remove_account("a-bob")
    await hub.store.remove_account("b-ada")
    with pytest.raises(Conflict, match="No account collects"):
        await actions.validate(advice("71"), hub.pool.site, ADA)
    assert (await hub.outcomes())[0][3].startswith("failed:")


async def test_an_answer_that_was_under_way_when_it_was_done_does_not_undo_it(hub: Hub) -> None:
    actions = await hub.begin()
    hub.clock.now += 2 * HOUR

    class _Slow(Cloud):
        """Its user marks the recommendation while the list of those waiting is on its way."""

        async def ask(self, request: Request) -> Answer:
            if request.name == "advice" and not hub.cloud.validated:
                hub.clock.now += timedelta(seconds=1)
                await actions.validate(advice("71"), hub.pool.site, ADA)
                hub.clock.now += timedelta(seconds=1)
            elif request.name == "advice":  # the other user's account, a moment later
                self.advice = (advice("72"),)
            return await super().ask(request)

    slow = _Slow(hub.clock, hub.pool)
    slow.advice = (advice("71"), advice("72"))
    await collecting(hub.store, slow).round()
    assert hub.cloud.validated == ["fake:71"]
    kept = await hub.store.recommendations(hub.pool.site.id, waiting=False)
    assert {one.id: one.status for one in kept} == {"fake:71": "ok", "fake:72": "waiting"}


async def test_a_cloud_that_still_lists_what_was_done_earlier_is_believed(hub: Hub) -> None:
    actions = await hub.begin()
    await actions.validate(advice("71"), hub.pool.site, ADA)
    hub.clock.now += 2 * HOUR
    await collecting(hub.store, hub.cloud).round()
    assert [one.id for one in await hub.store.recommendations(hub.pool.site.id)] == ["fake:71"]
