"""What is given again without reading the question: over real connections, to the hub's whole application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from margelle.cli import server
from margelle.domain.access import Membership
from margelle.serve.api import NAME
from margelle.serve.app import Api, build
from margelle.serve.repeats import Repeats
from margelle.serve.sign_in import FaceDesk
from margelle.store.sqlite import SqliteStore
from margelle.store.vault import Vault
from tests.conftest import NOW
from tests.house import ANNA, GARDEN
from tests.serve.api.hub import Hub, furnished, no_reports
from tests.serve.api.test_kept import orp
from tests.serve.vendors import NoActions
from tests.store.things import KEY

LATEST = f"/api/v1/latest?probe={GARDEN}&quantity=orp"
RANGE = f"/api/v1/measurements?probe={GARDEN}&quantity=orp"


class Served:
    """A hub that listens, whose clock stands, and which counts what was given again."""

    def __init__(self, hub: Hub, path: Path, requests_per_minute: int) -> None:
        self.hub, self.path, self.now = hub, path, NOW
        api = Api(no_reports, requests_per_minute=requests_per_minute, metrics=True)
        self.app = build(hub.store, [], {}, self.clock, NoActions(), api=api, pages=False)
        self.repeats: Repeats = self.app.state.repeats
        self.again = 0
        told: Callable[[bytes], tuple[bytes, bytes] | None] = self.repeats.told

        def counted(asked: bytes) -> tuple[bytes, bytes] | None:
            found = told(asked)
            self.again += found is not None
            return found

        self.repeats.told = counted
        self.port = 0

    def clock(self) -> datetime:
        return self.now

    def request(self, path: str, *, token: str = "", method: str = "GET", more: str = "") -> bytes:
        head = f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token or self.hub.token}\r\n{more}\r\n"
        return head.encode()

    async def ask(self, *requests: bytes) -> list[tuple[int, bytes, bytes]]:
        """Status, head and body of the answers to requests on one connection, each sent once the one before was answered."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        found = []
        for request in requests:
            writer.write(request)
            found.append(await answer(reader, head_only=request.startswith(b"HEAD")))
        writer.close()
        return found


async def answer(reader: asyncio.StreamReader, *, head_only: bool = False) -> tuple[int, bytes, bytes]:
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    (length,) = [int(line[16:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length: ")]
    return int(head.split(b" ")[1]), head, b"" if head_only else await reader.readexactly(length)


@asynccontextmanager
async def served(path: Path, requests_per_minute: int = 0) -> AsyncIterator[Served]:
    store = SqliteStore(path, Vault(KEY))
    hub = await furnished(store)
    await store.add([orp(n, 600.0 + n % 7) for n in range(100)], NOW)
    found = Served(hub, path, requests_per_minute)
    stop, bound = asyncio.Event(), server.bind("127.0.0.1", 0)
    found.port = bound.getsockname()[1]
    serving = asyncio.create_task(server.serve(found.app, bound, stop, repeats=found.repeats))
    try:
        yield found
    finally:
        stop.set()
        await serving
        await store.close()


@pytest.fixture
async def hub(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path / "margelle.sqlite") as found:
        yield found


async def test_the_same_question_has_the_same_answer_without_being_read(hub: Served) -> None:
    for path in (LATEST, RANGE):
        first, again = await hub.ask(*[hub.request(path)] * 2)
        assert first[0] == 200
        assert again[2] == first[2]
        assert sorted(again[1].split(b"\r\n")) == sorted(first[1].split(b"\r\n"))
    assert hub.again == 2
    assert hub.repeats._traffic is not None
    assert hub.repeats._traffic.counts().requests == {"api": {200: 4}}, "all of them are counted"


async def test_a_new_point_is_told_at_once_whoever_has_kept_it(hub: Served) -> None:
    other = SqliteStore(hub.path, Vault(KEY))
    for n, store in enumerate((hub.hub.store, other)):
        await hub.ask(*[hub.request(LATEST), hub.request(RANGE)] * 2)
        await store.add([orp(200 + n, 333.0 + n)], NOW)
        ((_, _, latest), (_, _, points)) = await hub.ask(hub.request(LATEST), hub.request(RANGE))
        assert f'"value":{333.0 + n}'.encode() in latest
        assert f'"value":{333.0 + n}'.encode() in points
    await other.close()
    assert hub.again == 6


async def test_whoever_may_not_see_any_more_is_told_nothing(hub: Served) -> None:
    store, key = hub.hub.store, await hub.hub.key("read", user="ben@example.org")
    other = SqliteStore(hub.path, Vault(KEY))
    request = hub.request(LATEST, token=key)
    for taker in (store, other):
        await store.put_membership(Membership("ben@example.org", "site", "own:garden", "viewer", NOW))
        assert [status for status, *_ in await hub.ask(request, request)] == [200, 200]
        await taker.remove_membership("ben@example.org", "own:garden")
        assert [status for status, *_ in await hub.ask(request)] == [404]
    await store.put_membership(Membership("ben@example.org", "site", "own:garden", "viewer", NOW))
    assert [status for status, *_ in await hub.ask(request, request)] == [200, 200]
    (grant,) = await other.grants(user="ben@example.org")
    await other.take_grant(grant.digest)
    assert [status for status, *_ in await hub.ask(request)] == [401]
    await other.close()
    assert hub.again == 3


async def test_a_key_that_expires_opens_nothing_any_more(hub: Served) -> None:
    key, _ = await FaceDesk(NAME, hub.hub.store, hub.clock).issue_named(
        "access", ANNA, "short", life_s=10, scopes=("read",)
    )
    request = hub.request(RANGE, token=key)
    assert [status for status, *_ in await hub.ask(request, request)] == [200, 200]
    hub.now = NOW + timedelta(seconds=10)
    assert [status for status, *_ in await hub.ask(request)] == [401]


async def test_the_latest_values_end_with_their_second_and_a_range_with_its_hour(hub: Served) -> None:
    await hub.ask(*[hub.request(LATEST), hub.request(RANGE)] * 2)
    assert hub.again == 2
    hub.now = NOW + timedelta(seconds=1)
    await hub.ask(hub.request(LATEST), hub.request(RANGE))
    assert hub.again == 3
    for later in (timedelta(hours=1), timedelta()):  # and where the clock is set back
        hub.now = NOW + later
        await hub.ask(hub.request(LATEST), hub.request(RANGE))
        assert hub.again == 3


async def test_the_quota_counts_what_is_given_again(tmp_path: Path) -> None:
    async with served(tmp_path / "margelle.sqlite", requests_per_minute=4) as hub:
        told = await hub.ask(*[hub.request(LATEST)] * 5)
        assert [status for status, *_ in told] == [200] * 4 + [429]
        assert [b"r=%d;t=60" % n in head for n, (_, head, _) in zip((3, 2, 1, 0), told, strict=False)] == [True] * 4
        assert hub.again == 3


@pytest.mark.parametrize(
    ("method", "more", "body"),
    [
        ("HEAD", "", b""),
        ("GET", "Content-Length: 3\r\n", b"abc"),
        ("GET", "Transfer-Encoding: chunked\r\n", b"3\r\nabc\r\n0\r\n\r\n"),
        ("GET", "Connection: close\r\n", b""),
    ],
)
async def test_what_is_more_than_a_question_is_read_each_time(hub: Served, method: str, more: str, body: bytes) -> None:
    request = hub.request(LATEST, method=method, more=more)
    for _ in range(2):
        reader, writer = await asyncio.open_connection("127.0.0.1", hub.port)
        writer.write(request)
        if body:
            await writer.drain()
            await asyncio.sleep(0)
        writer.write(body)
        assert (await answer(reader, head_only=method == "HEAD"))[0] == 200
        if "close" not in more:
            writer.write(hub.request("/api/v1/me"))
            assert (await answer(reader))[0] == 200
        writer.close()
    assert hub.again == 0


async def test_questions_that_come_together_are_answered_in_their_order(hub: Served) -> None:
    one, other = hub.request(LATEST), hub.request("/api/v1/me")
    alone = [body for _, _, body in await hub.ask(one, other)]
    reader, writer = await asyncio.open_connection("127.0.0.1", hub.port)
    writer.write(one + other + one)
    assert [(await answer(reader))[2] for _ in range(3)] == [alone[0], alone[1], alone[0]]
    writer.write(one[:40])
    await asyncio.sleep(0.01)
    writer.write(one[40:])
    assert (await answer(reader))[2] == alone[0]
    assert hub.again == 0
    writer.write(one)
    assert (await answer(reader))[2] == alone[0]
    assert hub.again == 1
    writer.close()


async def test_there_is_never_too_much_of_it(hub: Served) -> None:
    await hub.ask(hub.request(LATEST))
    hub.repeats._answers.most = 4 * hub.repeats._answers.weight
    for n in range(20):
        await hub.ask(hub.request(f"{LATEST}&limit={n + 1}"))
    assert 0 < len(hub.repeats._answers) < 5
    assert 0 < hub.repeats._answers.weight <= hub.repeats._answers.most


async def test_what_was_asked_counts_as_well_as_what_was_answered(hub: Served) -> None:
    await hub.ask(hub.request(LATEST))
    before = hub.repeats._answers.weight
    await hub.ask(*[hub.request(LATEST, more=f"X: {n}{'a' * 3000}\r\n") for n in range(3)])
    assert hub.repeats._answers.weight >= 4 * before + 3 * 3000


@asynccontextmanager
async def connected(hub: Served) -> AsyncIterator[tuple[bytes, asyncio.StreamReader, asyncio.StreamWriter]]:
    """A request whose answer is at hand, and a connection on which nothing was asked yet; in the end nothing more was given again."""
    known = hub.request(LATEST)
    await hub.ask(known, known)
    assert hub.again == 1
    reader, writer = await asyncio.open_connection("127.0.0.1", hub.port)
    try:
        yield known, reader, writer
        status, _, body = await answer(reader)
    finally:
        writer.close()
    assert (status, hub.again) == (200, 1)
    assert b"orp" not in body


async def test_what_goes_on_with_a_head_is_no_request(hub: Served) -> None:
    """A packet had one request and the beginning of the next, whose header's value is a request that was answered before."""
    async with connected(hub) as (known, reader, writer):
        writer.write(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\nGET /livez HTTP/1.1\r\nX-A: ")
        assert (await answer(reader))[0] == 200
        writer.write(known)


async def test_a_body_that_comes_after_its_answer_is_no_request(hub: Served) -> None:
    async with connected(hub) as (known, reader, writer):
        writer.write(b"POST /api/v1/nothing HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(known))
        assert (await answer(reader))[0] == 404
        writer.write(known)
        with pytest.raises(TimeoutError):  # a second answer to one request
            await asyncio.wait_for(reader.read(1), 0.2)
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
