"""What the parent of several workers remembers of what they have counted, and what they say to each other."""

from __future__ import annotations

import asyncio
import socket
from typing import Any, cast

import msgspec
import pytest

from margelle.cli.crew import Crew, _Place
from margelle.cli.line import LONGEST_BYTES, MOST_BYTES, Line, Message, Wire
from margelle.cli.worker import VARIABLE, Post, Role, Worker
from margelle.errors import ConfigError
from margelle.serve import traffic
from margelle.serve.traffic import Counts


class Fake:
    """A worker that ends while it is asked, if it is `mortal`."""

    def __init__(self, crew: Crew, counts: Counts, *, mortal: bool = False) -> None:
        self.crew, self.counts, self.mortal = crew, counts, mortal
        self.told: list[Message] = []
        self.tells: bytes | None = None
        crew._workers.add(cast("Worker", self))

    async def question(self, _topic: str, _told: bytes) -> bytes | None:
        if not self.mortal:
            return self.tells or self.counts.told()
        self.crew._past = traffic.total((self.crew._past, self.counts.ended()))
        self.crew._workers.discard(cast("Worker", self))
        return None

    def send(self, message: Message) -> None:
        self.told.append(message)


def counted(livez: int) -> Counts:
    return Counts({"livez": {200: livez}})


async def scraped(crew: Crew, asker: Any, own: int) -> dict[int, int]:
    """What a scrape tells that `asker` answers, which has counted so many itself."""
    asker.counts = Counts()
    await crew._answer(asker, Message("ask", 1, traffic.TOPIC, (counted(own).told(),)))
    others = [Counts.of(one) for one in asker.told[-1].told]
    return traffic.total((counted(own), *others)).requests["livez"]


async def test_a_worker_that_ends_while_it_is_asked_is_counted_once() -> None:
    crew = Crew(2, (), 1.0)
    asker, _ = Fake(crew, Counts()), Fake(crew, counted(5), mortal=True)
    assert await scraped(crew, asker, 2) == {200: 7}
    assert await scraped(crew, asker, 3) == {200: 8}


async def test_what_a_scraped_worker_has_told_of_itself_is_remembered_of_it() -> None:
    crew = Crew(2, (), 1.0)
    asker = Fake(crew, Counts())
    await scraped(crew, asker, 2)
    assert asker.counts == counted(2)


async def test_notes_to_a_process_that_hangs_are_dropped_and_questions_are_not() -> None:
    ours, theirs = socket.socketpair()
    wire, told = await Wire.over(ours), bytes(10_000)
    for _ in range(1000):
        wire.send(Message("note", topic="requests api", told=(told,)))
    waiting = wire._writer.transport.get_write_buffer_size()
    assert MOST_BYTES < waiting < MOST_BYTES + 2 * len(told)
    wire.send(Message("question", 1, "counts", (told,)))
    assert wire._writer.transport.get_write_buffer_size() > waiting
    wire._writer.transport.abort()
    theirs.close()


ALIEN = b"\x00\x00\x00\x03\x93\xa5x"
"""A message, in a frame like others, that cannot be read."""


async def ends() -> tuple[Wire, Wire]:
    """Both ends of a line."""
    ours, theirs = socket.socketpair()
    return await Wire.over(ours), await Wire.over(theirs)


async def test_a_message_that_cannot_be_read_is_left_out_and_said(caplog: pytest.LogCaptureFixture) -> None:
    ours, theirs = await ends()
    theirs._writer.write(ALIEN)
    unknown = msgspec.msgpack.encode(["dance", 1, "counts", []])
    theirs._writer.write(len(unknown).to_bytes(4, "big") + unknown)
    theirs.send(Message("ready"))
    assert await ours.receive() == Message("ready")
    assert [one.levelname for one in caplog.records] == ["WARNING"] * 2
    assert "cannot be read here and is left out" in caplog.text
    await theirs.close()
    assert await ours.receive() is None
    await ours.close()


async def test_a_line_that_is_out_of_step_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    ours, theirs = await ends()
    theirs._writer.write((LONGEST_BYTES + 1).to_bytes(4, "big") + b"...")
    assert await ours.receive() is None
    assert "out of step" in caplog.text
    await ours.close()
    await theirs.close()


async def test_what_a_worker_cannot_take_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    parent, wire = await ends()
    line, heard = Line(wire), list[bytes]()

    def hear(told: bytes) -> None:
        heard.append(msgspec.msgpack.decode(told, type=bytes))

    line.hear("requests", hear)
    line.answer("counts", lambda told: told[5:].decode("ascii").encode())
    listening = asyncio.create_task(line.run())
    for told in (b"\xff", msgspec.msgpack.encode(b"one")):
        parent.send(Message("note", topic="requests", told=(told,)))
    parent.send(Message("note", topic="requests"))
    parent.send(Message("question", 7, "counts", (b"12345\xff",)))
    assert await parent.receive() == Message("answer", 7, "counts")
    assert heard == [b"one"]
    assert caplog.text.count("is left out here") == 3
    await parent.close()
    await listening
    await line.close()


async def test_counts_of_another_version_are_left_out_of_a_scrape(caplog: pytest.LogCaptureFixture) -> None:
    crew = Crew(2, (), 1.0)
    asker, other = Fake(crew, Counts()), Fake(crew, counted(5))
    await scraped(crew, asker, 1)
    newer = Counts({"livez": {200: 6}}, {"livez": ([1, 2], 0.5)})
    other.tells = newer.told()
    assert await scraped(crew, asker, 2) == {200: 7}, "the last that was understood"
    assert "cannot be read here" in caplog.text


class Hanging:
    """A process that does not end when it is asked to, only when it is killed."""

    pid, returncode = 77, None

    def __init__(self) -> None:
        self.killed, self.asked = asyncio.Event(), 0

    def terminate(self) -> None:
        self.asked += 1

    def kill(self) -> None:
        self.killed.set()

    async def wait(self) -> int:
        await self.killed.wait()
        return -9


@pytest.mark.parametrize("role", ["keeper", "server"])
async def test_a_worker_that_hangs_while_it_is_renewed_is_killed_and_that_is_said(
    role: Role, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("margelle.cli.crew._SPARE_S", 0.0)
    (ours, theirs), process = await ends(), Hanging()
    crew, old = Crew(1, (), 0.0), Worker(role, cast("Any", process), ours)
    new = Worker(role, cast("Any", Hanging()), ours)

    async def begin(_: Role) -> Worker:
        return new

    monkeypatch.setattr(crew, "begin", begin)
    place = _Place(crew, old)
    async with asyncio.timeout(20):
        await place.renew()
        await process.killed.wait()
        await asyncio.gather(*crew._tasks)
    assert process.asked == 1
    assert place._worker is new
    assert f"A worker ({role}, process 77) does not end, and is killed" in caplog.text
    await ours.close()
    await theirs.close()


@pytest.mark.parametrize(
    "told",
    [
        "",
        "x",
        '{"role":"cook","line":3,"sockets":[],"first":true}',
        '{"role":"server","line":0,"sockets":[],"first":true}',
        '{"role":"keeper","line":987654321,"sockets":[-1],"first":true}',
        '{"role":"keeper","line":99999999999999999999,"sockets":[],"first":true}',
    ],
)
def test_who_is_told_to_be_a_worker_by_no_hub_says_so(monkeypatch: pytest.MonkeyPatch, told: str) -> None:
    monkeypatch.setenv(VARIABLE, told)
    with pytest.raises(ConfigError, match=VARIABLE):
        Post.taken()
