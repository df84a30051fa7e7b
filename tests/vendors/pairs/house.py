"""A hub that collected from foreign evidence, and every face over it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

from msgspec import Struct
from msgspec.structs import replace
from starlette.applications import Starlette

from margelle.collect.loop import Collector
from margelle.domain.site import User
from margelle.ports import Store
from margelle.serve.app import build
from margelle.serve.sign_in import hash_password
from margelle.store.memory import MemoryStore
from tests.vendors.fakes import FakeHttp, FakeTokens, Script
from tests.vendors.ondilo.house import FakeActions
from tests.vendors.parties import PARTIES, Caller, Party

LOGIN, PASSWORD = "john@doe.org", "p&ss w+rd é"
HASH = hash_password(PASSWORD)
Answers = Mapping[str, Script | list[Script]]
NOTHING: Final[Answers] = {}
ROUNDS: Final = 20
"""More than any party's evidence needs."""


async def collect(
    store: Store, party: Party, moment: int = -1, answers: Answers = NOTHING, *, realm: str = "", name: str = ""
) -> None:
    """Let the vendor's own source collect what was told at a moment, but for `answers`, until nothing more is due."""
    at = party.moments[moment]
    account = party.account(LOGIN, realm)
    account = replace(account, id=name or account.id)
    if await store.account(account.id) is None:
        await store.put_account(account)
    http = FakeHttp(**{**at.answers, **answers})
    vendor = replace(party.vendor, pace=(), source=party.source)
    collector = Collector(store, {party.name: vendor}, lambda _: http, lambda _: FakeTokens(), lambda: at.now)
    for _ in range(ROUNDS):
        due = await collector.round()
        if due is None or due > at.now:
            return
    raise AssertionError(f"{party.name} is never done")


class House(Struct):
    """The store, every face over it, and the time."""

    store: Store
    app: Starlette
    now: list[datetime]

    async def at(self, face: Party, login: str = LOGIN) -> Caller:
        """Somebody who signed in at a face."""
        return Caller(face, self.app, await face.sign_in(self.app, login, PASSWORD))


def faces(store: Store, now: list[datetime], settings: Mapping[str, Mapping[str, object]] | None = None) -> House:
    """Every face over a store."""
    of = {party.name: party.settings for party in PARTIES} if settings is None else settings
    vendors = [party.vendor for party in PARTIES]
    return House(store, build(store, vendors, of, lambda: now[0], FakeActions(store), pages=False), now)


async def house(*parties: Party, moment: int = 0, answers: Answers = NOTHING) -> House:
    """A hub of one user that collected from these parties at a moment of each, but for `answers`; it is the last one's instant."""
    store = MemoryStore()
    await store.put_user(User(LOGIN, HASH, "John", "Doe"))
    for party in parties:
        await collect(store, party, moment, answers)
    return faces(store, [parties[-1].moments[moment].now])
