from __future__ import annotations

import pytest

from margelle.domain.access import Membership, Role, Scope
from margelle.errors import Forbidden, NotFound
from margelle.serve.caller import caller
from margelle.store.memory import MemoryStore
from tests.store.things import NOW, account, discovery, user

ANA, BO = user("ana@example.org"), user("bo@example.org")


async def begin(role: Role | None) -> MemoryStore:
    """Ana owns a pool; Bo may have a role there."""
    store = MemoryStore()
    for each in (ANA, BO):
        await store.put_user(each)
    await store.put_account(account("home", ANA.email))
    await store.put_discovery("home", discovery(1), NOW)
    if role:
        await store.put_membership(Membership(BO.email, "site", "ondilo:1", role, NOW))
    return store


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        ("viewer", {"read"}),
        ("technician", {"read", "measure", "intervene", "control"}),
        ("owner", {"read", "measure", "intervene", "control", "manage"}),
    ],
)
async def test_a_role_allows_what_it_allows_and_nothing_else(role: Role, allowed: set[Scope]) -> None:
    who = await caller(await begin(role), BO)
    scopes: tuple[Scope, ...] = ("read", "measure", "intervene", "control", "manage")
    assert {scope for scope in scopes if who.may(scope, "ondilo:1")} == allowed
    for scope in scopes:
        if scope in allowed:
            who.demand(scope, "ondilo:1")
        else:
            with pytest.raises(Forbidden, match=role):
                who.demand(scope, "ondilo:1")


async def test_whoever_has_no_role_does_not_hear_that_there_is_a_site() -> None:
    who = await caller(await begin(None), BO)
    for site in ("ondilo:1", "ondilo:9"):
        with pytest.raises(NotFound, match=f"no site '{site}'"):
            who.demand("read", site)


async def test_a_key_is_good_for_its_scopes_only() -> None:
    who = await caller(await begin(None), ANA, frozenset({"measure"}))
    who.demand("measure", "ondilo:1")
    with pytest.raises(NotFound):
        who.demand("read", "ondilo:1")
    reader = await caller(await begin(None), ANA, frozenset({"read"}))
    with pytest.raises(Forbidden, match="not good for 'measure'"):
        reader.demand("measure", "ondilo:1")


async def test_the_only_user_is_the_operator_and_of_several_who_was_made_one() -> None:
    store = await begin(None)
    with pytest.raises(Forbidden):
        (await caller(store, BO)).demand_operator()
    await store.remove_user(BO.email)
    (await caller(store, ANA)).demand_operator()
    with pytest.raises(Forbidden):
        (await caller(store, ANA, frozenset({"read"}))).demand_operator()
