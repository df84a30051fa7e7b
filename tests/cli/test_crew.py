"""What the parent of several workers remembers of what they have counted, and what they say to each other."""

from __future__ import annotations

import socket
from typing import Any, cast

import pytest

from margelle.cli.crew import Crew
from margelle.cli.line import MOST_BYTES, Message, Wire
from margelle.cli.worker import VARIABLE, Post, Worker
from margelle.errors import ConfigError
from margelle.serve import traffic
from margelle.serve.traffic import Counts


class Fake:
    """A worker that ends while it is asked, if it is `mortal`."""

    def __init__(self, crew: Crew, counts: Counts, *, mortal: bool = False) -> None:
        self.crew, self.counts, self.mortal = crew, counts, mortal
        self.told: list[Message] = []
        crew._workers.add(cast("Worker", self))

    async def question(self, _topic: str, _told: bytes) -> bytes | None:
        if not self.mortal:
            return self.counts.told()
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


@pytest.mark.parametrize("told", ["", "x", '{"role":"cook","line":3,"sockets":[],"first":true}'])
def test_who_is_told_to_be_a_worker_by_no_hub_says_so(monkeypatch: pytest.MonkeyPatch, told: str) -> None:
    monkeypatch.setenv(VARIABLE, told)
    with pytest.raises(ConfigError, match=VARIABLE):
        Post.taken()
