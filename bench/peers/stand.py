"""Servers side by side that were given the same, and are asked the same in turn."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from bench.peers.fleet import EXACT, SINCE, Told, count, exact
from bench.peers.hub import Hub
from bench.peers.peer import GENERATOR, SERVERS, Peer, asked, on_core
from bench.peers.question import Question, differences
from bench.peers.table import Aim, Figures, Line
from bench.process import cpu_s, load, memory_mb, memory_resident_mb, over

_EXACT: Final = 1000
_AGREED: Final = 64
_GROUPS: Final = 5
"""So many figures are told of a load."""


class Work(Struct, frozen=True):
    """Questions that are asked in turn by so many clients at once."""

    name: str
    questions: Sequence[Question]
    clients: int = 32
    aims: tuple[Aim, ...] = ()


class Stand:
    """Peers that run. `folder` takes what the load generator is given."""

    def __init__(self, peers: Sequence[Peer], folder: Path) -> None:
        self.peers, self._folder = peers, folder

    @property
    def names(self) -> list[str]:
        """Of the peers."""
        return [peer.name for peer in self.peers]

    def take(self, name: str, batches: Sequence[Sequence[Told]], aims: tuple[Aim, ...] = ()) -> Line:
        """Give every batch to each, to the hub past HTTP and while it does not run, and tell how fast they took it."""
        hubs = [peer for peer in self.peers if isinstance(peer, Hub)]
        for hub in hubs:
            hub.stop()
        line = self._taken(name, batches, aims, _straight)
        for hub in hubs:
            hub.start()
        return line

    def send(self, name: str, batches: Sequence[Sequence[Told]], aims: tuple[Aim, ...] = ()) -> Line:
        """Send every batch to each over HTTP."""
        return self._taken(name, batches, aims, lambda peer, batch: _sending(peer, peer.written(batch)))

    def _taken(
        self,
        name: str,
        batches: Sequence[Sequence[Told]],
        aims: tuple[Aim, ...],
        way: Callable[[Peer, Sequence[Told]], Callable[[], float]],
    ) -> Line:
        line = Line(name, "points/s; CPU a point", {peer.name: Figures() for peer in self.peers}, aims)
        size = max(1, len(batches) // _GROUPS)
        groups = [batches[n : n + size] for n in range(0, size * min(_GROUPS, len(batches)), size)]
        groups[-1] = [*groups[-1], *batches[size * len(groups) :]]
        for group in groups:
            spent = {peer.name: (0.0, 0.0) for peer in self.peers}
            for batch in group:
                for peer in self.peers:
                    work = way(peer, batch)
                    begin = time.perf_counter()
                    cpu_spent = work()
                    seconds, before = spent[peer.name]
                    spent[peer.name] = seconds + time.perf_counter() - begin, before + cpu_spent
            points = sum(map(count, group))
            for peer_name, (seconds, cpu_spent) in spent.items():
                line.by_peer[peer_name].values.append(points / seconds)
                line.by_peer[peer_name].cpu_us.append(cpu_spent / points * 1e6)
        return line

    def settle(self) -> None:
        """Let all bring what they have to where it stays."""
        for peer in self.peers:
            peer.settle()

    def agree(self, works: Sequence[Work]) -> None:
        """Ask everybody everything once, or as many of very many questions. Raises RuntimeError where an answer is not the first one's, or empty."""
        for work in works:
            for question in work.questions[:: max(1, len(work.questions) // _AGREED)]:
                answers = [peer.answer(question, asked(peer.port, peer.request(question))) for peer in self.peers]
                if not answers[0] or (question.points and len(answers[0]) != question.points):
                    raise RuntimeError(f"{work.name}: {len(answers[0])} rows for {question}")
                for peer, answer in zip(self.peers[1:], answers[1:], strict=True):
                    if said := differences(answers[0], answer):
                        raise RuntimeError(f"{work.name}: {peer.name} says otherwise of {question.probe}: {said}")

    def ask(self, work: Work, rounds: int, seconds: float) -> Line:
        """Answers a second, and what each costs."""
        line = Line(work.name, "answers/s; CPU an answer", {peer.name: Figures() for peer in self.peers}, work.aims)
        requests = {peer.name: [peer.request(question) for question in work.questions] for peer in self.peers}
        for _ in range(rounds):
            for peer in self.peers:
                self._round(peer, requests[peer.name], work.clients, seconds, line.by_peer[peer.name])
        return line

    def ask_after_each(self, work: Work, told: Sequence[Told], rounds: int, seconds: float) -> Line:
        """The same by a client that sends one of the readings `told`, of which none comes twice, after each answer. Counted are the answers."""
        line = Line(
            work.name, "answers/s; CPU an answer and what is stored", {peer.name: Figures() for peer in self.peers}
        )
        size = len(told) // rounds
        for n in range(rounds):
            some = told[n * size : (n + 1) * size]
            for peer in self.peers:
                asked = [peer.request(question) for question in work.questions]
                requests = [
                    one for k, reading in enumerate(some) for one in (asked[k % len(asked)], peer.to_store([reading]))
                ]
                figures = Figures()
                self._round(peer, requests, 1, seconds, figures)
                line.by_peer[peer.name].values.append(figures.values[0] / 2)
                line.by_peer[peer.name].cpu_us.append(figures.cpu_us[0] * 2)
        return line

    def ask_anew(self, work: Work, rounds: int) -> Line:
        """The same of servers that have just been started, each question once."""
        line = Line(work.name, "answers/s; CPU an answer", {peer.name: Figures() for peer in self.peers}, work.aims)
        for _ in range(rounds):
            for peer in self.peers:
                peer.stop()
                peer.start()
                requests = [peer.request(question) for question in work.questions]
                self._round(peer, requests, 1, 0, line.by_peer[peer.name])
        return line

    def _round(self, peer: Peer, requests: Sequence[str], clients: int, seconds: float, figures: Figures) -> None:
        before_s = cpu_of(peer)
        done = load(peer.port, requests, self._folder, connections=clients, seconds=seconds, core=GENERATOR)
        figures.values.append(done["requests"] / done["seconds"])
        figures.cpu_us.append((cpu_of(peer) - before_s) / done["requests"] * 1e6)
        figures.size = done["bytes"]

    def exact(self) -> Line:
        """How many values with all the digits that a float has come back to the last bit."""
        given = [*exact(_EXACT)]
        self.take("", [given])
        self.settle()
        question = Question("range", EXACT, "temperature", SINCE, given[-1].at_s + 1, _EXACT)
        line = Line("values of 17 digits that come back to the last bit", f"of {_EXACT:,}", {})
        for peer in self.peers:
            told = {row[0]: row[1] for row in peer.answer(question, asked(peer.port, peer.request(question)))}
            same = sum(told.get(one.at_s) == one.values["temperature"] for one in given)
            line.by_peer[peer.name] = Figures([same])
        return line

    def memory(self) -> list[Line]:
        """What they hold now."""
        return [
            Line(
                f"memory after all that ({kind})",
                "MB",
                {peer.name: Figures([over(peer.pids(), read)]) for peer in self.peers},
                better="lower",
            )
            for kind, read in (("RSS", memory_resident_mb), ("PSS", memory_mb))
        ]

    def sizes(self) -> dict[str, int]:
        """The room of each on disk."""
        return {peer.name: peer.size_bytes() for peer in self.peers}


def cpu_of(peer: Peer) -> float:
    """Processor time of all processes of a peer."""
    return over(peer.pids(), cpu_s)


def _straight(peer: Peer, batch: Sequence[Told]) -> Callable[[], float]:
    if not isinstance(peer, Hub):
        return _sending(peer, peer.written(batch))
    points, hub = peer.points(batch), peer

    def keep() -> float:
        database = hub.pids()[1:]
        before_s = time.process_time() + over(database, cpu_s)
        with on_core(SERVERS):
            hub.keep(points)
        return time.process_time() + over(database, cpu_s) - before_s

    return keep


def _sending(peer: Peer, body: bytes) -> Callable[[], float]:
    def send() -> float:
        before_s = cpu_of(peer)
        peer.send(body)
        return cpu_of(peer) - before_s

    return send
