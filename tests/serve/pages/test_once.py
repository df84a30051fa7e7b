"""Two taps on one button do one thing."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
from starlette.requests import Request
from starlette.responses import Response as Answer

from margelle.errors import Conflict, StoreError
from margelle.ports import Clock, Store
from margelle.serve.pages import once
from margelle.serve.pages.once import BUSY, LIFE, MOST, Once
from margelle.store.memory import MemoryStore
from margelle.store.sqlite import SqliteStore
from margelle.store.vault import Vault
from tests.asgi import Response
from tests.conftest import NOW
from tests.serve.pages.test_backstage import ADA, EVE, OPS, SITE, Hub
from tests.store.things import KEY

SITE_FORM = {"name": "Pond", "kind": "tank", "volume": "", "time_zone": "Europe/Paris"}


@pytest.fixture
async def hub(tmp_path: Path) -> Hub:
    return await Hub(tmp_path).furnish()


def numbers(page: Response) -> list[str]:
    return re.findall(r'name="once" value="([^"]+)"', page.text)


async def sent(hub: Hub, path: str, user: str = ADA, **form: str) -> Response:
    return await hub.ask(user, "POST", path, urlencode(form).encode())


async def own_names(hub: Hub) -> list[str]:
    return sorted(site.name for site in await hub.store.sites() if site.vendor == "own")


async def test_a_site_added_with_two_taps_is_one(hub: Hub) -> None:
    (number,) = numbers(await hub.ask(ADA, "GET", "/connect/site"))
    answers = await asyncio.gather(*(sent(hub, "/connect/site", once=number, **SITE_FORM) for _ in range(3)))
    (site,) = [each.id for each in await hub.store.sites() if each.name == "Pond"]
    assert {(one.status, one.headers["location"]) for one in answers} == {(303, f"/sites/{site}?said=site_added")}
    assert await own_names(hub) == ["Pond"]
    assert [one.act for one in await hub.store.audit()] == ["add site"]


async def test_another_number_another_content_another_person_and_another_day_are_other_forms(hub: Hub) -> None:
    (number,) = numbers(await hub.ask(ADA, "GET", "/connect/site"))
    (second,) = numbers(await hub.ask(ADA, "GET", "/connect/site"))
    await sent(hub, "/connect/site", once=number, **SITE_FORM)
    await sent(hub, "/connect/site", once=second, **SITE_FORM)
    await sent(hub, "/connect/site", once=number, **SITE_FORM | {"name": "Well"})
    await sent(hub, "/connect/site", EVE, once=number, **SITE_FORM)
    assert await own_names(hub) == ["Pond", "Pond", "Pond", "Well"]
    hub.now += LIFE
    await sent(hub, "/connect/site", once=number, **SITE_FORM)
    assert len(await own_names(hub)) == 5


async def test_a_key_made_with_two_taps_is_one_and_its_secret_is_shown_by_the_last_answer(hub: Hub) -> None:
    form = {"name": "Grafana", "scope.read": "on", "days": "30"}
    (number,) = numbers(await hub.ask(ADA, "GET", "/me/keys"))
    first, second = [await sent(hub, "/me/keys", once=number, **form) for _ in range(2)]
    (secret,) = re.findall(r'<code id="secret"[^>]*>([0-9a-f]{40})</code>', first.text)
    assert secret in second.text
    assert len([one for one in await hub.store.grants(user=ADA) if one.name == "Grafana"]) == 1


@pytest.mark.parametrize(
    ("user", "path", "many"),
    [
        (OPS, "/people", 1),
        (OPS, "/people/organisations", 1),
        (ADA, f"/sites/{SITE}/people", 2),
        (ADA, "/connect/flipr", 1),
        (ADA, "/connect/site", 1),
        (ADA, "/me/keys", 1),
    ],
)
async def test_every_form_that_adds_something_has_a_number_of_its_own(
    hub: Hub, user: str, path: str, many: int
) -> None:
    pages = [await hub.ask(user, "GET", path) for _ in range(2)]
    found = [number for page in pages for number in numbers(page)]
    assert len(found) == len(set(found)) == 2 * many


async def asked(once: Once, body: bytes, take: object, *, number: str = "n", who: str = ADA) -> Answer:
    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    scope = {"type": "http", "method": "POST", "path": "/x", "query_string": b"", "headers": [], "server": ("a", 80)}
    return await once.answer(Request(scope, receive), who, {"once": number}, take)  # type: ignore[arg-type]


async def test_what_was_refused_is_taken_when_it_is_sent_again() -> None:
    answers: list[Answer | Conflict] = [Answer(status_code=400), Conflict("not now"), Answer(status_code=303)]

    async def take() -> Answer:
        found = answers.pop(0)
        if isinstance(found, Conflict):
            raise found
        return found

    here = Once(MemoryStore(), lambda: NOW)
    assert (await asked(here, b"a", take)).status_code == 400
    with pytest.raises(Conflict):
        await asked(here, b"a", take)
    assert (await asked(here, b"a", take)).status_code == 303
    assert (await asked(here, b"a", take)).status_code == 303
    assert answers == []


async def test_a_form_without_a_number_is_taken_each_time() -> None:
    taken: list[int] = []

    async def take() -> Answer:
        taken.append(1)
        return Answer()

    here = Once(MemoryStore(), lambda: NOW)
    for _ in range(2):
        await asked(here, b"a", take, number="")
    assert len(taken) == 2


async def test_what_strangers_send_is_remembered_by_the_process_and_has_an_end() -> None:
    now, store = NOW, MemoryStore()
    here = Once(store, lambda: now)

    async def take() -> Answer:
        return Answer()

    for n in range(MOST + 50):
        await asked(here, str(n).encode(), take, who="")
    remembered = here._strangers._taken
    assert len(remembered) <= MOST + 1
    assert store._forms == {}
    now += LIFE + timedelta(seconds=1)
    await asked(here, b"later", take, who="")
    assert len(here._strangers._taken) == 1


class Worker:
    """One of several processes of a hub, which is about a form until `go` is set."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.go, self.begun, self.taken, self.waited = asyncio.Event(), asyncio.Event(), 0, asyncio.Event()
        self.once = Once(store, clock, self._rest)
        self.refusal: Exception | None = None

    async def _rest(self) -> None:
        self.waited.set()
        await asyncio.sleep(0)

    async def take(self) -> Answer:
        self.taken += 1
        self.begun.set()
        await self.go.wait()
        if self.refusal:
            raise self.refusal
        answer = Answer(b"the key is abc", 201)
        answer.set_cookie("flash", "done")
        answer.set_cookie("other", "too")
        return answer


@pytest.fixture(params=["memory", "sqlite"])
async def stores(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[Store, Store]]:
    """What two processes have open."""
    one: Store = MemoryStore()
    two = one
    if request.param == "sqlite":
        one, two = (SqliteStore(tmp_path / "margelle.sqlite", Vault(KEY)) for _ in range(2))
    yield one, two
    await one.close()
    await two.close()


async def test_two_workers_that_each_get_one_of_two_taps_do_one_thing(stores: tuple[Store, Store]) -> None:
    first, second = (Worker(store, lambda: NOW) for store in stores)
    async with asyncio.TaskGroup() as group:
        one = group.create_task(asked(first.once, b"a", first.take))
        await first.begun.wait()
        two = group.create_task(asked(second.once, b"a", second.take))
        await second.waited.wait()
        first.go.set()
    assert (first.taken, second.taken) == (1, 0)
    assert two.result().body == one.result().body == b"the key is abc"
    assert two.result().status_code == 201
    assert two.result().raw_headers == one.result().raw_headers


async def test_what_one_worker_has_refused_another_takes(stores: tuple[Store, Store]) -> None:
    first, second = (Worker(store, lambda: NOW) for store in stores)
    first.refusal = Conflict("not now")
    second.go.set()
    one = asyncio.create_task(asked(first.once, b"a", first.take))
    await first.begun.wait()
    two = asyncio.create_task(asked(second.once, b"a", second.take))
    await second.waited.wait()
    first.go.set()
    with pytest.raises(Conflict):
        await one
    assert (await two).status_code == 201


async def test_a_form_that_a_worker_took_and_never_answered_is_taken_by_another_after_a_while(
    stores: tuple[Store, Store],
) -> None:
    now = NOW
    first, second = (Worker(store, lambda: now) for store in stores)
    second.go.set()
    one = asyncio.create_task(asked(first.once, b"a", first.take))  # and is killed: it never comes back
    await first.begun.wait()
    two = asyncio.create_task(asked(second.once, b"a", second.take))
    await second.waited.wait()
    assert second.taken == 0
    now += BUSY
    assert (await two).status_code == 201
    first.go.set()
    await one


async def test_a_form_that_is_done_is_not_undone_by_a_store_that_fails_after_it() -> None:
    class Failing(MemoryStore):
        async def answer_form(self, *_: object) -> None:
            raise StoreError("The disk is full.")

    worker = Worker(Failing(), lambda: NOW)
    worker.go.set()
    assert (await asked(worker.once, b"a", worker.take)).status_code == 201


def test_numbers_are_not_guessed() -> None:
    assert len({once.number() for _ in range(1000)}) == 1000
