"""What the parent of several workers remembers of what they have counted."""

from __future__ import annotations

from typing import Any, cast

from margelle.cli.crew import Crew
from margelle.cli.line import Message
from margelle.cli.worker import Worker
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
