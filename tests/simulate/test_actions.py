"""What a user does at a simulated cloud."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from margelle.domain.measurement import Measurement
from margelle.domain.site import Probe, Recommendation, Site, User
from margelle.domain.unit import Unit
from margelle.errors import Conflict, NotFound
from margelle.simulate.actions import LocalActions
from margelle.store.memory import MemoryStore

NOW = datetime(2026, 7, 14, 12, 30, tzinfo=UTC)
USER = User("demo@margelle.example", "x")
SITE = Site("ondilo:1", "ondilo", "1", "Pool")
THEN = NOW - timedelta(days=1)
ADVICE = Recommendation("ondilo:1/recommendation/7", "ondilo:1", "7", "Clean", "Please.", THEN, THEN)


async def cloud() -> tuple[MemoryStore, LocalActions]:
    store = MemoryStore()
    await store.put_recommendation(ADVICE)
    return store, LocalActions(store, lambda: NOW)


async def test_what_is_validated_is_done_and_recorded() -> None:
    store, actions = await cloud()
    await actions.validate(ADVICE, SITE, USER)
    assert await store.recommendation(ADVICE.id) == replace(ADVICE, status="ok", updated_at=NOW)
    (entry,) = await store.audit()
    assert (entry.user, entry.act, entry.subject, entry.outcome) == (USER.email, "validate", ADVICE.id, "done")


async def test_twice_is_a_conflict_and_changes_nothing() -> None:
    store, actions = await cloud()
    await actions.validate(ADVICE, SITE, USER)
    with pytest.raises(Conflict, match="not waiting"):
        await actions.validate(ADVICE, SITE, USER)
    assert len(await store.audit()) == 1


async def test_a_recommendation_of_another_pool_is_not_found() -> None:
    _, actions = await cloud()
    with pytest.raises(NotFound):
        await actions.validate(ADVICE, replace(SITE, id="ondilo:2"), USER)
    with pytest.raises(NotFound):
        await actions.validate(replace(ADVICE, id="ondilo:1/recommendation/8", key="8"), SITE, USER)


async def test_a_parameter_that_the_device_has_is_set_at_once_and_recorded() -> None:
    store, actions = await cloud()
    probe = Probe("baxo:1/device", "baxo:1", "baxo", "c/1")
    old = Measurement(probe.id, "baxo.SET", THEN, 1.0, "1", Unit.RATIO, "simulation")
    with pytest.raises(NotFound):
        await actions.write("SET", old, probe, USER)
    await store.add([old], THEN)
    await actions.write("SET", replace(old, value=2.0, raw="2"), probe, USER)
    assert (await store.latest(probe.id, NOW))["baxo.SET"] == replace(old, at=NOW, value=2.0, raw="2")
    (entry,) = await store.audit()
    assert (entry.user, entry.act, entry.subject, entry.outcome) == (USER.email, "write", f"{probe.id} SET", "'2'")
