"""A token is renewed in good time, once, kept before it is used, and asked for no more once it was refused."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from margelle.errors import Limited, Malformed, MargelleError, Refused, StoreError, Unavailable, Unreachable
from margelle.net.oauth import LONGEST_S, TokenKeeper
from margelle.ports import Token
from margelle.store.memory import MemoryStore
from tests.net.conftest import ACCOUNT, HandClock

LIFE_S = 3600


class Cloud:
    """Renews tokens: access-1, access-2, … `says` are errors that it raises first; `gate` holds every answer back."""

    def __init__(self, clock: HandClock, *says: MargelleError, refresh: str = "") -> None:
        self.clock = clock
        self.says = list(says)
        self.refresh = refresh
        self.asked: list[Token] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.life_s: float | None = LIFE_S

    async def renew(self, token: Token) -> Token:
        self.asked.append(token)
        number = len(self.asked)
        await self.gate.wait()
        if self.says:
            raise self.says.pop(0)
        expires_at = None if self.life_s is None else self.clock() + timedelta(seconds=self.life_s)
        return Token(f"access-{number}", self.refresh, expires_at)


@pytest.fixture
def cloud(clock: HandClock) -> Cloud:
    return Cloud(clock)


Keeper = Callable[[], TokenKeeper]


@pytest.fixture
def another(store: MemoryStore, clock: HandClock) -> Keeper:
    """A keeper as another process, or this one after a restart, has it."""
    return lambda: TokenKeeper(ACCOUNT, store, clock)


@pytest.fixture
async def keeper(another: Keeper, clock: HandClock) -> TokenKeeper:
    """With a token that lives for an hour from now."""
    keeper = another()
    await keeper.keep(Token("access-0", "refresh-0", clock() + timedelta(seconds=LIFE_S)))
    return keeper


async def test_a_token_that_is_good_is_handed_out(keeper: TokenKeeper, cloud: Cloud) -> None:
    assert await keeper.access(cloud.renew) == "access-0"
    assert cloud.asked == []


async def test_without_a_token_the_user_must_sign_in(another: Keeper, cloud: Cloud) -> None:
    with pytest.raises(Refused, match=ACCOUNT) as error:
        await another().access(cloud.renew)
    assert "Sign in" in error.value.hint
    assert cloud.asked == []


@pytest.mark.parametrize(
    ("seconds", "access"), [(LIFE_S - 301, "access-0"), (LIFE_S - 300, "access-1"), (LIFE_S * 9, "access-1")]
)
async def test_a_token_is_renewed_five_minutes_before_its_end(
    keeper: TokenKeeper, cloud: Cloud, clock: HandClock, seconds: float, access: str
) -> None:
    clock.forward(seconds)
    assert await keeper.access(cloud.renew) == access


async def test_a_token_without_an_end_is_good_until_the_cloud_rejects_it(
    another: Keeper, cloud: Cloud, clock: HandClock
) -> None:
    keeper = another()
    await keeper.keep(Token("for-ever"))
    clock.forward(10**8)
    assert await keeper.access(cloud.renew) == "for-ever"
    await keeper.reject("for-ever")
    assert await keeper.access(cloud.renew) == "access-1"


async def test_a_short_life_is_used_and_not_renewed_at_every_request(
    keeper: TokenKeeper, cloud: Cloud, clock: HandClock
) -> None:
    cloud.life_s = 60
    clock.forward(LIFE_S)
    for _ in range(45):
        await keeper.access(cloud.renew)
        clock.forward(1)
    assert len(cloud.asked) == 1
    assert await keeper.access(cloud.renew) == "access-2"


async def test_the_refresh_token_is_kept_when_none_comes(keeper: TokenKeeper, cloud: Cloud, clock: HandClock) -> None:
    for _ in range(3):
        clock.forward(LIFE_S)
        await keeper.access(cloud.renew)
    assert [token.refresh for token in cloud.asked] == ["refresh-0"] * 3


async def test_a_new_refresh_token_replaces_the_old_one(keeper: TokenKeeper, clock: HandClock) -> None:
    cloud = Cloud(clock, refresh="refresh-1")
    for _ in range(2):
        clock.forward(LIFE_S)
        await keeper.access(cloud.renew)
    assert [token.refresh for token in cloud.asked] == ["refresh-0", "refresh-1"]


async def test_of_many_who_ask_one_renews(keeper: TokenKeeper, cloud: Cloud, clock: HandClock) -> None:
    clock.forward(LIFE_S)
    assert set(await asyncio.gather(*(keeper.access(cloud.renew) for _ in range(50)))) == {"access-1"}
    assert len(cloud.asked) == 1


async def test_a_refusal_reaches_everybody_who_asked(keeper: TokenKeeper, clock: HandClock) -> None:
    cloud = Cloud(clock, Refused("no"))
    clock.forward(LIFE_S)
    outcomes = await asyncio.gather(*(keeper.access(cloud.renew) for _ in range(5)), return_exceptions=True)
    assert all(isinstance(outcome, Refused) for outcome in outcomes)
    assert len(cloud.asked) == 1


async def test_a_rejected_token_is_renewed_once(keeper: TokenKeeper, cloud: Cloud) -> None:
    await keeper.reject("access-0")
    assert await keeper.access(cloud.renew) == "access-1"
    await keeper.reject("access-0")
    assert await keeper.access(cloud.renew) == "access-1"


async def test_a_cloud_that_gives_the_rejected_token_again_is_not_asked_for_ever(
    keeper: TokenKeeper, clock: HandClock
) -> None:
    asked = []

    async def renew(token: Token) -> Token:
        asked.append(token)
        return token

    await keeper.reject("access-0")
    assert [await keeper.access(renew) for _ in range(3)] == ["access-0"] * 3
    assert len(asked) == 1


# --- durable ---------------------------------------------------------------------------------------------------------


async def test_a_token_outlives_its_keeper_and_is_a_secret(
    keeper: TokenKeeper, another: Keeper, cloud: Cloud, clock: HandClock, store: MemoryStore
) -> None:
    clock.forward(LIFE_S)
    await keeper.access(cloud.renew)
    assert await another().access(cloud.renew) == "access-1"
    assert len(cloud.asked) == 1
    assert b"access-1" in (await store.secret(f"{ACCOUNT}/token") or b"")


async def test_a_token_that_cannot_be_kept_is_not_used_and_not_lost(
    keeper: TokenKeeper, cloud: Cloud, clock: HandClock, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(name: str, value: bytes) -> None:
        raise StoreError("The disk is full.")

    clock.forward(LIFE_S)
    with monkeypatch.context() as patch:
        patch.setattr(store, "put_secret", full)
        for _ in range(2):
            with pytest.raises(StoreError):
                await keeper.access(cloud.renew)
    assert await keeper.access(cloud.renew) == "access-1"
    assert len(cloud.asked) == 1


async def test_a_token_that_could_not_be_kept_gives_way_to_a_later_sign_in_by_another_process(
    keeper: TokenKeeper,
    another: Keeper,
    cloud: Cloud,
    clock: HandClock,
    store: MemoryStore,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def full(name: str, value: bytes) -> None:
        raise StoreError("The disk is full.")

    clock.now += timedelta(seconds=LIFE_S)
    with monkeypatch.context() as disk, pytest.raises(StoreError):
        disk.setattr(store, "put_secret", full)
        await keeper.access(cloud.renew)
    await another().keep(Token("signed-in", "r", None))
    assert await keeper.access(cloud.renew) == "signed-in"
    assert await another().access(cloud.renew) == "signed-in"


async def test_a_caller_who_is_cancelled_does_not_lose_the_token_that_was_given(
    keeper: TokenKeeper, another: Keeper, cloud: Cloud, clock: HandClock
) -> None:
    clock.forward(LIFE_S)
    cloud.gate.clear()
    asking = asyncio.create_task(keeper.access(cloud.renew))
    await asyncio.wait({asking}, timeout=0)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    cloud.gate.set()
    await keeper.close()
    assert len(cloud.asked) == 1
    assert await another().access(cloud.renew) == "access-1"


async def test_a_refusal_that_nobody_waited_for_is_remembered_quietly(
    keeper: TokenKeeper, clock: HandClock, caplog: pytest.LogCaptureFixture
) -> None:
    cloud = Cloud(clock, Refused("no"))
    clock.forward(LIFE_S)
    cloud.gate.clear()
    asking = asyncio.create_task(keeper.access(cloud.renew))
    await asyncio.wait({asking}, timeout=0)
    asking.cancel()
    cloud.gate.set()
    await keeper.close()
    with pytest.raises(Refused):
        await keeper.access(cloud.renew)
    assert len(cloud.asked) == 1
    assert caplog.records == []


@pytest.mark.parametrize(
    "secret",
    [b"", b"\xff", b"[]", b'{"access": 1}', b'{"access": "a", "refresh": "b", "expires_at": "never", "kept_at": ""}'],
)
async def test_a_secret_that_cannot_be_read_asks_the_user_and_does_not_show_it(
    another: Keeper, cloud: Cloud, store: MemoryStore, secret: bytes
) -> None:
    await store.put_secret(f"{ACCOUNT}/token", secret)
    with pytest.raises(Refused, match="cannot be read"):
        await another().access(cloud.renew)


# --- refusals and failures -------------------------------------------------------------------------------------------


async def test_a_refused_renewal_is_not_asked_for_again(keeper: TokenKeeper, another: Keeper, clock: HandClock) -> None:
    cloud = Cloud(clock, Refused("no"))
    clock.forward(LIFE_S)
    for one in (keeper, keeper, another(), another()):
        with pytest.raises(Refused):
            await one.access(cloud.renew)
    assert len(cloud.asked) == 1


async def test_a_new_sign_in_ends_a_refusal_in_every_process(
    keeper: TokenKeeper, another: Keeper, clock: HandClock
) -> None:
    cloud = Cloud(clock, Refused("no"))
    clock.forward(LIFE_S)
    with pytest.raises(Refused):
        await keeper.access(cloud.renew)
    await another().keep(Token("signed-in", "refresh-9", clock() + timedelta(seconds=LIFE_S)))
    assert await keeper.access(cloud.renew) == "signed-in"
    clock.forward(LIFE_S)
    assert await keeper.access(cloud.renew) == "access-2"
    assert cloud.asked[1].refresh == "refresh-9"


async def test_a_rejected_token_whose_renewal_is_refused_is_not_handed_out_again(
    keeper: TokenKeeper, clock: HandClock
) -> None:
    cloud = Cloud(clock, Refused("no"))
    await keeper.reject("access-0")
    for _ in range(2):
        with pytest.raises(Refused):
            await keeper.access(cloud.renew)
    assert len(cloud.asked) == 1


TROUBLES = [
    Unavailable("500"),
    Unreachable("gone"),
    Limited("429", retry_after_s=90),
    Limited("429", retry_after_s=float("9" * 30)),
    Malformed("a page"),
]


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_a_failed_renewal_is_tried_again(keeper: TokenKeeper, clock: HandClock, trouble: MargelleError) -> None:
    cloud = Cloud(clock, trouble)
    clock.forward(LIFE_S)
    with pytest.raises(type(trouble)):
        await keeper.access(cloud.renew)
    assert await keeper.access(cloud.renew) == "access-2"


@pytest.mark.parametrize("trouble", TROUBLES)
async def test_the_old_token_serves_while_it_lives_and_the_cloud_is_left_alone_a_while(
    keeper: TokenKeeper, clock: HandClock, trouble: MargelleError
) -> None:
    cloud = Cloud(clock, trouble)
    clock.forward(LIFE_S - 200)
    assert [await keeper.access(cloud.renew) for _ in range(3)] == ["access-0"] * 3
    assert len(cloud.asked) == 1
    clock.forward(min(trouble.retry_after_s or 60, LONGEST_S))
    assert await keeper.access(cloud.renew) == "access-2"


async def test_a_rejected_token_does_not_serve_though_it_would_live(keeper: TokenKeeper, clock: HandClock) -> None:
    cloud = Cloud(clock, Unavailable("500"))
    await keeper.reject("access-0")
    with pytest.raises(Unavailable):
        await keeper.access(cloud.renew)
    assert await keeper.access(cloud.renew) == "access-2"


async def test_an_empty_token_is_no_token(keeper: TokenKeeper, clock: HandClock) -> None:
    async def renew(token: Token) -> Token:
        return Token("")

    clock.forward(LIFE_S)
    with pytest.raises(Malformed):
        await keeper.access(renew)


# --- two processes ---------------------------------------------------------------------------------------------------


async def test_what_another_process_renewed_is_not_renewed_again(
    keeper: TokenKeeper, another: Keeper, cloud: Cloud, clock: HandClock
) -> None:
    other = another()
    assert await other.access(cloud.renew) == "access-0"
    clock.forward(LIFE_S)
    await keeper.access(cloud.renew)
    assert await other.access(cloud.renew) == "access-1"
    assert len(cloud.asked) == 1


async def test_a_refusal_because_another_process_was_quicker_is_none(
    keeper: TokenKeeper, another: Keeper, clock: HandClock
) -> None:
    other = another()

    async def renew_too_late(token: Token) -> Token:
        await other.keep(Token("of-the-other", "refresh-1", clock() + timedelta(seconds=LIFE_S)))
        raise Refused("That refresh token was used before.")

    clock.forward(LIFE_S)
    assert await keeper.access(renew_too_late) == "of-the-other"
    assert await another().access(renew_too_late) == "of-the-other"


async def test_a_sign_in_during_a_renewal_wins(keeper: TokenKeeper, another: Keeper, clock: HandClock) -> None:
    async def renew_slowly(token: Token) -> Token:
        await keeper.keep(Token("signed-in", "refresh-9", clock() + timedelta(seconds=LIFE_S)))
        return Token("renewed", "", clock() + timedelta(seconds=LIFE_S))

    clock.forward(LIFE_S)
    assert await keeper.access(renew_slowly) == "signed-in"
    assert await another().access(renew_slowly) == "signed-in"


async def test_a_keeper_with_nothing_to_do_closes(another: Keeper) -> None:
    await another().close()


async def test_a_rejected_password_that_is_entered_once_more_is_tried_again_in_every_process(
    another: Keeper, clock: HandClock
) -> None:
    async def never(_: Token) -> Token:
        raise Refused("A password cannot be renewed.")

    running, signing_in = another(), another()
    await running.keep(Token("password"))
    clock.now += timedelta(minutes=1)
    await running.reject("password")
    with pytest.raises(Refused):
        await running.access(never)
    clock.now += timedelta(minutes=1)
    await signing_in.keep(Token("password"))
    assert await running.access(never) == "password"
    await running.reject("password")
    with pytest.raises(Refused):
        await running.access(never)
