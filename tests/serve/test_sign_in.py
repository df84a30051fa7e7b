from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest
from argon2 import PasswordHasher

from margelle.domain.site import User
from margelle.errors import BadInput, Limited, Refused, StoreError
from margelle.ports import Rate
from margelle.serve import sign_in
from margelle.serve.sign_in import Attempts, FaceDesk, digest, hash_password
from margelle.store.memory import MemoryStore
from tests.conftest import NOW

HASH = hash_password("Été à la piscine + 100 %")


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def store() -> MemoryStore:
    store = MemoryStore()
    await store.put_user(User("doe@example.org", HASH, "John", "Doe"))
    await store.put_user(User("roe@example.org", HASH))
    return store


@pytest.fixture
def desk(store: MemoryStore, clock: Clock) -> FaceDesk:
    return FaceDesk("ondilo", store, clock)


async def refused(desk: FaceDesk, login: str = "doe@example.org", address: str = "192.0.2.1") -> None:
    with pytest.raises(Refused):
        await desk.sign_in(login, "wrong", address)


def test_a_hash_is_argon2id_with_the_agreed_parameters_and_a_salt_of_its_own() -> None:
    assert HASH.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert hash_password("x") != hash_password("x")


@pytest.mark.parametrize("password", ["", "x" * 1025, "half a \ud83c"])
def test_a_password_that_cannot_be_kept_is_refused_when_it_is_chosen(password: str) -> None:
    with pytest.raises(BadInput):
        hash_password(password)


@pytest.mark.parametrize(
    "password",
    ["Été à la piscine + 100 %", "E\u0301te\u0301 a\u0300 la piscine + 100 %"],
    ids=["composed", "decomposed"],
)
async def test_the_same_letters_are_the_same_password_however_they_are_encoded(desk: FaceDesk, password: str) -> None:
    assert (await desk.sign_in("doe@example.org", password, "")).firstname == "John"


@pytest.mark.parametrize(
    "password",
    ["été à la piscine + 100 %", "Été à la piscine + 100 % ", "Été à la piscine   100 %", "", "\ud83c", "x" * 2000],
)
async def test_any_other_password_is_refused(desk: FaceDesk, password: str) -> None:
    with pytest.raises(Refused) as refusal:
        await desk.sign_in("doe@example.org", password, "")
    assert password not in str(refusal.value) or not password


async def test_a_login_is_found_whatever_its_case_and_surrounding_blanks(desk: FaceDesk) -> None:
    assert (await desk.sign_in(" DOE@Example.org ", "Été à la piscine + 100 %", "")).email == "doe@example.org"


async def test_an_unknown_user_costs_the_same_hash_and_gets_the_same_answer(
    desk: FaceDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified: list[str] = []

    def matches(kept: str, password: str) -> bool:
        verified.append(kept)
        return False

    monkeypatch.setattr(sign_in, "_matches", matches)
    messages = []
    for login in ("doe@example.org", "nobody@example.org"):
        with pytest.raises(Refused) as refusal:
            await desk.sign_in(login, "guess", "192.0.2.1")
        messages.append(str(refusal.value))
    assert messages[0] == messages[1]
    known, unknown = verified
    assert known.split("$")[:4] == unknown.split("$")[:4], "the same work"


def test_nobodys_hash_is_one_that_argon2_takes_the_trouble_to_verify() -> None:
    with pytest.raises(Exception, match="does not match"):
        PasswordHasher().verify(sign_in._NOBODYS_HASH, "anything")


async def test_after_ten_refusals_a_login_has_to_wait_even_with_the_right_password(
    desk: FaceDesk, clock: Clock
) -> None:
    for n in range(10):
        await refused(desk, address=f"192.0.2.{n}")
    with pytest.raises(Limited) as limited:
        await desk.sign_in("DOE@example.org", "Été à la piscine + 100 %", "198.51.100.1")
    assert limited.value.retry_after_s == 900
    assert (await desk.sign_in("roe@example.org", "Été à la piscine + 100 %", "198.51.100.1")).email
    clock.forward(900)
    assert (await desk.sign_in("doe@example.org", "Été à la piscine + 100 %", "198.51.100.1")).email


async def test_a_success_makes_up_for_the_logins_refusals(desk: FaceDesk) -> None:
    for n in range(12):
        await refused(desk, address=f"192.0.2.{n}")
        if n == 8:
            await desk.sign_in("doe@example.org", "Été à la piscine + 100 %", "192.0.2.200")


async def test_an_address_that_tries_many_logins_has_to_wait_and_a_success_does_not_help_it(
    store: MemoryStore, clock: Clock
) -> None:
    desk = FaceDesk("ondilo", store, clock, Attempts(store, by_address=Rate(3, 900)))
    for n in range(3):
        await refused(desk, login=f"user{n}@example.org")
        if n < 2:
            await desk.sign_in("roe@example.org", "Été à la piscine + 100 %", "192.0.2.1")
    with pytest.raises(Limited):
        await desk.sign_in("roe@example.org", "Été à la piscine + 100 %", "192.0.2.1")
    await desk.sign_in("roe@example.org", "Été à la piscine + 100 %", "192.0.2.2")


async def test_the_addresses_of_one_ipv6_household_count_as_one(store: MemoryStore, clock: Clock) -> None:
    desk = FaceDesk("ondilo", store, clock, Attempts(store, by_address=Rate(2, 900)))
    await refused(desk, login="a", address="2001:db8:1:2::1")
    await refused(desk, login="b", address="2001:db8:1:2:ffff::9")
    with pytest.raises(Limited):
        await desk.sign_in("c", "wrong", "2001:db8:1:2::77")
    await refused(desk, login="c", address="2001:db8:1:3::1")


async def test_refusals_are_counted_over_all_faces_together(store: MemoryStore, clock: Clock) -> None:
    attempts = Attempts(store, by_login=Rate(2, 900))
    await refused(FaceDesk("ondilo", store, clock, attempts))
    await refused(FaceDesk("pages", store, clock, attempts))
    with pytest.raises(Limited):
        await FaceDesk("ondilo", store, clock, attempts).sign_in("doe@example.org", "x", "192.0.2.9")


async def test_guessing_at_the_same_moment_gives_no_more_guesses(store: MemoryStore, clock: Clock) -> None:
    desk = FaceDesk("ondilo", store, clock, Attempts(store, by_login=Rate(3, 900)))
    tries = (desk.sign_in("doe@example.org", f"guess {n}", f"192.0.2.{n}") for n in range(12))
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert [type(each) for each in outcomes].count(Refused) == 3
    assert [type(each) for each in outcomes].count(Limited) == 9


async def test_a_crowd_at_the_door_is_asked_to_come_back_instead_of_filling_the_memory(
    store: MemoryStore, clock: Clock
) -> None:
    desk = FaceDesk("ondilo", store, clock)
    tries = (desk.sign_in(f"{n}@example.org", "guess", f"192.0.{n}.1") for n in range(40))
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    limited = [each for each in outcomes if isinstance(each, Limited)]
    assert len(limited) == 8
    assert limited[0].retry_after_s == 2


async def test_the_loop_goes_on_while_a_password_is_checked(desk: FaceDesk) -> None:
    checking = asyncio.ensure_future(desk.sign_in("doe@example.org", "Été à la piscine + 100 %", ""))
    turns = 0
    while not checking.done():
        turns += 1
        await asyncio.sleep(0)
    assert turns > 10


async def test_an_older_hash_is_made_stronger_at_the_next_success_only(store: MemoryStore, desk: FaceDesk) -> None:
    weak = User("old@example.org", PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash("secret"))
    await store.put_user(weak)
    await refused(desk, "old@example.org")
    assert await store.user("old@example.org") == weak
    await desk.sign_in("old@example.org", "secret", "")
    user = await store.user("old@example.org")
    assert user is not None
    assert user.password_hash.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    await desk.sign_in("old@example.org", "secret", "")


async def test_signing_in_works_where_the_stronger_hash_cannot_be_kept(clock: Clock) -> None:
    class ReadOnly(MemoryStore):
        async def put_user(self, user: User) -> None:
            raise StoreError("read-only")

    store = ReadOnly()
    weak = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash("secret")
    await MemoryStore.put_user(store, User("old@example.org", weak))
    assert (await FaceDesk("ondilo", store, clock).sign_in("old@example.org", "secret", "")).password_hash == weak


async def test_a_user_whose_hash_is_broken_is_refused_like_any_other(store: MemoryStore, desk: FaceDesk) -> None:
    await store.put_user(User("broken@example.org", "not a hash"))
    await refused(desk, "broken@example.org")


async def test_a_token_is_forty_digits_and_the_store_knows_only_its_digest(store: MemoryStore, desk: FaceDesk) -> None:
    token = await desk.issue("access", "doe@example.org", life_s=3600)
    assert len(token) == 40
    assert int(token, 16)
    grant = await store.grant(digest(token))
    assert grant is not None
    assert token not in repr(grant)
    assert await store.grant(token) is None


async def test_a_token_names_its_holder_until_it_expires(desk: FaceDesk, clock: Clock) -> None:
    token = await desk.issue("access", "doe@example.org", life_s=3600)
    for seconds, holds in ((0, True), (3599, True), (1, False), (10, False)):
        clock.forward(seconds)
        assert (await desk.holder("access", token) is not None) is holds


async def test_a_token_without_a_life_holds_for_ever(desk: FaceDesk, clock: Clock) -> None:
    token = await desk.issue("refresh", "doe@example.org", life_s=None)
    clock.forward(10 * 365 * 86400)
    assert await desk.holder("refresh", token) is not None


async def test_a_token_is_good_for_its_kind_and_its_face_only(store: MemoryStore, desk: FaceDesk, clock: Clock) -> None:
    token = await desk.issue("access", "doe@example.org", life_s=3600)
    assert await desk.holder("access", token) is not None
    assert await desk.holder("refresh", token) is None
    assert await FaceDesk("pages", store, clock).holder("access", token) is None


@pytest.mark.parametrize("token", ["", "0" * 40, "é", "\ud83c", "x" * 100_000])
async def test_nobody_holds_an_invented_token(desk: FaceDesk, token: str) -> None:
    assert await desk.holder("access", token) is None


async def test_a_removed_user_holds_nothing_from_then_on(store: MemoryStore, desk: FaceDesk) -> None:
    token = await desk.issue("access", "doe@example.org", life_s=None)
    assert await desk.holder("access", token) is not None
    await store.remove_user("doe@example.org")
    assert await desk.holder("access", token) is None


async def test_a_holder_is_read_once_until_something_is_stored(
    store: MemoryStore, desk: FaceDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = await desk.issue("access", "doe@example.org", life_s=None)
    reads: list[str] = []
    read = store.grant

    async def counted(key: str) -> Any:
        reads.append(key)
        return await read(key)

    monkeypatch.setattr(store, "grant", counted)
    for _ in range(5):
        assert await desk.holder("access", token) is not None
    assert len(reads) == 1
    await store.put_user(User("doe@example.org", HASH, "Jane"))
    holder = await desk.holder("access", token)
    assert holder is not None
    assert holder.firstname == "Jane"
    assert len(reads) == 2


async def test_a_revoked_token_is_nobodys(store: MemoryStore, desk: FaceDesk, clock: Clock) -> None:
    token = await desk.issue("access", "doe@example.org", life_s=None)
    await FaceDesk("pages", store, clock).revoke(token)
    assert await desk.holder("access", token) is not None, "another face cannot revoke it"
    await desk.revoke(token)
    assert await desk.holder("access", token) is None


async def test_a_code_is_good_once_and_keeps_where_it_was_given_to(desk: FaceDesk) -> None:
    code = await desk.issue(
        "code", "doe@example.org", life_s=60, redirect_uri="https://app.example/cb", client_id="customer_api"
    )
    grant = await desk.take_code(code)
    assert grant is not None
    assert (grant.user, grant.redirect_uri, grant.client_id) == (
        "doe@example.org",
        "https://app.example/cb",
        "customer_api",
    )
    assert await desk.take_code(code) is None


async def test_of_two_who_bring_a_code_at_once_one_gets_it(desk: FaceDesk) -> None:
    code = await desk.issue("code", "doe@example.org", life_s=60)
    grants = await asyncio.gather(desk.take_code(code), desk.take_code(code))
    assert sum(grant is not None for grant in grants) == 1


async def test_an_expired_code_an_access_token_and_another_faces_code_are_no_codes(
    store: MemoryStore, desk: FaceDesk, clock: Clock
) -> None:
    code = await desk.issue("code", "doe@example.org", life_s=60)
    assert await FaceDesk("pages", store, clock).take_code(code) is None
    access = await desk.issue("access", "doe@example.org", life_s=None)
    assert await desk.take_code(access) is None
    assert await desk.holder("access", access) is not None, "and it was not used up"
    clock.forward(60)
    assert await desk.take_code(code) is None
