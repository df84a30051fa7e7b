"""A hub with Lily among its vendors: Lily's cloud as its document prints it, the real collector, and every face over what it kept."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from msgspec import Struct
from starlette.applications import Starlette

from margelle.collect.loop import Collector
from margelle.domain.site import Account, User
from margelle.net.budget import Budget
from margelle.net.http import CloudHttp
from margelle.net.oauth import TokenKeeper
from margelle.ports import Answer, Request, Store
from margelle.serve.app import build
from margelle.serve.sign_in import FaceDesk, hash_password
from margelle.store import open_store
from margelle.store.vault import Vault
from margelle.vendors import VENDORS
from tests import hostile
from tests.asgi import Response, call
from tests.collect.cloud import VirtualClock
from tests.conftest import NOW
from tests.evidence import exchange
from tests.fourth.lily import LILY
from tests.hostile import Call, HostileCloud
from tests.serve.vendors import NoActions

LOGIN, PASSWORD = "ada@pool.example", "half moon"
PASSWORD_HASH = hash_password(PASSWORD)
ALL = {**VENDORS, LILY.name: LILY}


class House(Struct):
    """The store, and all faces over it; `tokens` are Ada's, by face."""

    store: Store
    app: Starlette
    tokens: dict[str, str]

    async def get(self, face: str, path: str, scheme: str = "Bearer", **query: str) -> Response:
        """Ask a face as Ada."""
        target = f"/{face}{path}" + (f"?{urlencode(query)}" if query else "")
        return await call(self.app, "GET", target, {"authorization": f"{scheme} {self.tokens[face]}"})

    async def lily(self, path: str, **query: str) -> Response:
        """Ask Lily's own face as Ada."""
        return await self.get("lily", f"/v1{path}", "Key", **query)

    async def post(self, path: str, form: Mapping[str, str]) -> Response:
        """Post a form."""
        headers = {"content-type": "application/x-www-form-urlencoded"}
        return await call(self.app, "POST", path, headers, urlencode(form).encode())


@asynccontextmanager
async def open_house(*, quotas: bool = False) -> AsyncIterator[House]:
    """A house in which Ada may sign in, and nothing has been collected."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(f"{folder}/hub.sqlite", Vault.open(Path(folder) / "key"))
        try:
            await store.put_user(User(LOGIN, PASSWORD_HASH))
            app = build(store, list(ALL.values()), {}, lambda: NOW, NoActions(), pages=False, quotas=quotas)
            desks = {name: FaceDesk(name, store, lambda: NOW) for name in ALL}
            tokens = {name: await desk.issue("access", LOGIN, life_s=None) for name, desk in desks.items()}
            yield House(store, app, tokens)
        finally:
            await store.close()


def lily_cloud(server: HostileCloud, **answers: Any) -> None:
    """Let `server` answer as the document prints; an answer called `keys`, `buoys` or `samples` may be another one."""

    async def samples(said: Call) -> None:
        asked = dict(said.seen.query)
        name = "samples" if asked.get("sensor") == "ph" else "samples-newest" if not asked else None
        await hostile.answer(200, exchange("lily", name).response.text.encode() if name else b"[]")(said)

    documented = {name: exchange("lily", name).response for name in ("keys", "buoys")}
    said = {name: hostile.answer(one.status, one.text.encode()) for name, one in documented.items()}
    for name, path in (("keys", "/v1/keys"), ("buoys", "/v1/buoys"), ("samples", "/v1/buoys/4031/samples")):
        server.always({**said, "samples": samples, **answers}[name], path)
    server.always(hostile.json([]), "/v1/buoys/4077/samples")


async def collect(house: House, server: HostileCloud, rounds: int = 1) -> None:
    """Sign Ada in at Lily's cloud, and collect what is due, over TCP."""
    account = Account("lily-1", "lily", LOGIN, LOGIN, server.url)
    clock = VirtualClock(NOW)
    with tempfile.TemporaryDirectory() as folder:
        http = CloudHttp(account.id, house.store, Budget(Path(folder) / "budget.sqlite", account.id, ()), clock)
        keeper = TokenKeeper(account.id, house.store, clock)
        try:
            await house.store.put_account(account)
            await keeper.keep(await LILY.connect(server.url, http, clock).sign_in(LOGIN, PASSWORD))
            collector = Collector(house.store, ALL, lambda _: http, lambda _: keeper, clock)
            for _ in range(rounds):
                due = await collector.round()
                clock.now = max(due or clock.now, clock.now)
        finally:
            await http.close()


class Documented:
    """Lily's cloud behind a client alone: answers by name, or as told, and keeps what it was asked."""

    def __init__(self, **answers: Answer | Exception) -> None:
        self.answers = answers
        self.requests: list[Request] = []

    async def ask(self, request: Request) -> Answer:
        self.requests.append(request)
        told = self.answers.get(request.name)
        if isinstance(told, Exception):
            raise told
        name = "samples-newest" if request.name == "samples" and not request.query else request.name
        said = exchange("lily", name).response
        return told or Answer(said.status, {}, said.text.encode(), NOW)
