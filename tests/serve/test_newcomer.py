"""Who may claim a hub that knows nobody."""

from __future__ import annotations

from datetime import timedelta

import pytest

from margelle.domain.site import User
from margelle.errors import BadInput, Conflict, Limited, Refused
from margelle.serve.newcomer import MEMO, Newcomers, offer
from margelle.store.memory import MemoryStore
from tests.conftest import NOW

EMAIL, PASSWORD = "anna@example.org", "l'eau du bassin"


class Hub:
    def __init__(self) -> None:
        self.store, self.now = MemoryStore(), NOW
        self.newcomers = Newcomers(self.store, lambda: self.now)

    async def join(self, code: str, email: str = EMAIL, password: str = PASSWORD, address: str = "192.0.2.7") -> User:
        return await self.newcomers.join(code, email, password, address, language="fr")


async def test_whoever_has_the_code_is_the_first_user_and_the_hubs_operator() -> None:
    hub = Hub()
    code = await offer(hub.store)
    user = await hub.join(f" {code.lower()} ")
    assert (user.email, user.operator, user.language) == (EMAIL, True, "fr")
    assert await hub.store.user(EMAIL) == user
    assert [(entry.act, entry.subject) for entry in await hub.store.audit()] == [("join", EMAIL)]


async def test_the_code_is_good_once_and_only_the_last_one_is() -> None:
    hub = Hub()
    earlier, code = await offer(hub.store), await offer(hub.store)
    with pytest.raises(Refused):
        await hub.join(earlier)
    await hub.join(code)
    with pytest.raises(Conflict):
        await hub.join(code, "eve@example.org")
    assert await hub.store.memo(MEMO) == b""
    assert await offer(hub.store) == ""


async def test_the_code_itself_is_kept_nowhere() -> None:
    hub = Hub()
    code = await offer(hub.store)
    assert code.replace("-", "").encode() not in (await hub.store.memo(MEMO) or b"")


async def test_where_no_code_was_offered_none_is_good() -> None:
    hub = Hub()
    for code in ("", "-", "AAAA-AAAA"):
        with pytest.raises(Refused):
            await hub.join(code)


async def test_who_guesses_waits_and_others_do_not() -> None:
    hub = Hub()
    code = await offer(hub.store)
    for _ in range(10):
        with pytest.raises(Refused):
            await hub.join("AAAA-AAAA")
    with pytest.raises(Limited) as limited:
        await hub.join(code)
    assert limited.value.retry_after_s == 900
    await hub.join(code, address="192.0.2.8")


async def test_guessing_from_everywhere_is_limited_too() -> None:
    hub = Hub()
    code = await offer(hub.store)
    for n in range(300):
        with pytest.raises(Refused):
            await hub.join("AAAA-AAAA", address=f"198.51.100.{n}")
    with pytest.raises(Limited):
        await hub.join(code, address="192.0.2.8")
    hub.now += timedelta(minutes=16)
    await hub.join(code)


@pytest.mark.parametrize(("email", "password"), [("anna", PASSWORD), (EMAIL, "short"), (EMAIL, "password")])
async def test_what_cannot_be_a_login_is_refused_and_the_code_stays_good(email: str, password: str) -> None:
    hub = Hub()
    code = await offer(hub.store)
    with pytest.raises(BadInput):
        await hub.join(code, email, password)
    assert not await hub.store.users()
    await hub.join(code)
