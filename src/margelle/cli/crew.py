"""The parent of a hub in several processes: it holds the sockets, and keeps as many workers going as the settings say.

One of them, the keeper, collects, listens to the broker, folds and reviews; the others serve. The parent opens no store and answers nothing.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import msgspec

from margelle.cli import systemd
from margelle.cli.line import Message, Wire
from margelle.cli.server import until
from margelle.cli.worker import VARIABLE, Gone, Post, Role, Worker
from margelle.errors import MargelleError
from margelle.ports import understood
from margelle.serve import traffic
from margelle.serve.traffic import Counts

START_S: Final = 60.0
"""So long a worker may take until it is ready."""

QUICK_S: Final = 10.0
"""A worker that ends sooner than this after its start has ended at once."""

MOST_QUICK: Final = 5
"""After so many at once, one after another at the same place, the hub gives up."""

_REST_S: Final = 0.2
_SPARE_S: Final = 5.0
_log: Final = logging.getLogger("margelle.cli")


class Crew:
    """All workers of a hub. `sockets` listen already; they belong to the crew, which closes them when it ends."""

    def __init__(self, servers: int, sockets: Sequence[socket.socket], patience_s: float) -> None:
        self._servers, self._sockets, self._patience_s = servers, sockets, patience_s
        self._workers: set[Worker] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._past = Counts()

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop`. SIGHUP renews every worker. Raises Gone where the first ones do not start, MargelleError where others end again and again."""
        places: list[_Place] = []
        try:
            async with _hangups() as hangups:  # from the start: to a process that does not mind it, it is the end
                if await until(stop, self._begin(places)):
                    await self._keep(places, hangups, stop)
        finally:
            systemd.notify("STOPPING=1")
            await self._end()

    async def _begin(self, places: list[_Place]) -> None:
        """The first worker at each place: the keeper, which brings the store up to date, and then the servers."""
        places.append(_Place(self, await self.begin("keeper", first=True)))
        first = await asyncio.gather(*(self.begin("server", first=True) for _ in range(self._servers)))
        places += [_Place(self, worker) for worker in first]

    async def _keep(self, places: Sequence[_Place], hangups: asyncio.Event, stop: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as group:
            keeping = [group.create_task(place.keep()) for place in places]
            keeping.append(group.create_task(self._renew(places, hangups)))
            systemd.notify("READY=1")
            await stop.wait()
            for task in keeping:
                task.cancel()

    async def begin(self, role: Role, *, first: bool = False) -> Worker:
        """A new worker that is ready. Raises Gone where it ends before, or takes too long."""
        ours, theirs = socket.socketpair()
        numbers = tuple(one.fileno() for one in self._sockets)
        post = Post(role, theirs.fileno(), numbers, first)
        environ = {name: value for name, value in os.environ.items() if name != systemd.VARIABLE}
        with theirs:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *sys.orig_argv[1:],
                env=environ | {VARIABLE: msgspec.json.encode(post).decode()},
                pass_fds=(theirs.fileno(), *numbers),
                start_new_session=True,  # Ctrl-C is for the parent, which tells the others
            )
        worker = Worker(role, process, await Wire.over(ours))
        self._workers.add(worker)
        self._do(self._hear(worker))
        await _first_of(worker.ready.wait(), process.wait(), within_s=START_S)
        if worker.ready.is_set():
            return worker
        code = process.returncode
        if code is None:
            _log.error("A worker (process %d) is not ready after %g s", process.pid, START_S)
            process.kill()
            code = await process.wait()
        raise Gone(code)

    def let_go(self, worker: Worker) -> None:
        """Have a worker end, by and by."""
        self._do(self.dismiss(worker))

    async def dismiss(self, worker: Worker) -> None:
        """Have a worker end, and wait for it, as long as it may take: one that hangs is killed."""
        worker.leave()
        try:
            await asyncio.wait_for(worker.process.wait(), self._patience_s + _SPARE_S)
        except TimeoutError:
            _log.warning("A worker (%s, process %d) does not end, and is killed", worker.role, worker.process.pid)
            with suppress(ProcessLookupError):
                worker.process.kill()
            await worker.process.wait()

    async def _renew(self, places: Sequence[_Place], hangups: asyncio.Event) -> None:
        """At every hang-up a new worker at each place: the servers first, each ready before the one of before leaves."""
        while True:
            await hangups.wait()
            hangups.clear()
            _log.info("Renewing %d workers", len(places))
            try:
                for place in (*places[1:], places[0]):
                    await place.renew()
            except Gone as gone:
                _log.error("A new worker %s, so those of before go on", gone)
            else:
                _log.info("All workers are new")

    # --- what they say to each other

    async def _hear(self, worker: Worker) -> None:
        while (message := await worker.receive()) is not None:
            if message.kind == "ready":
                worker.ready.set()
            elif message.kind == "counted":
                (worker.counts,) = understood(traffic.TOPIC, [message.first], Counts.of) or [worker.counts]
            elif message.kind == "note":
                for other in self._others(worker):
                    other.send(message)
            elif message.kind == "ask":
                self._do(self._answer(worker, message))
        await worker.close()  # one that lives yet, and is not understood any more, ends by it
        await worker.process.wait()
        self._past = traffic.total((self._past, worker.counts.ended()))
        self._workers.discard(worker)

    async def _answer(self, asker: Worker, message: Message) -> None:
        others = self._others(asker)
        told = await asyncio.gather(*(other.question(message.topic, message.first) for other in others))
        found = [one for one in told if one is not None]
        if message.topic == traffic.TOPIC:
            for one, said in zip((asker, *others), (message.first, *told), strict=True):
                if said is not None:
                    (one.counts,) = understood(message.topic, [said], Counts.of) or [one.counts]
            there = [other for other in others if other in self._workers]  # what has ended meanwhile is in the past
            found = [*(other.counts.told() for other in there), self._past.told()]
        asker.send(Message("answers", message.n, message.topic, tuple(found)))

    def _others(self, worker: Worker) -> list[Worker]:
        return [one for one in self._workers if one is not worker]

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _end(self) -> None:
        """Have all workers end, and wait for them, as long as they may take."""
        for one in self._sockets:  # whoever comes after the last worker is refused
            one.close()
        await asyncio.gather(*(self.dismiss(worker) for worker in list(self._workers)))
        await asyncio.gather(*self._tasks, return_exceptions=True)


class _Place:
    """Where there is always one worker."""

    def __init__(self, crew: Crew, worker: Worker) -> None:
        self._crew, self._worker, self._quick = crew, worker, 0
        self._turn = asyncio.Lock()

    async def keep(self) -> None:
        """Begin a new worker whenever one has ended that was not to leave. Raises MargelleError where that happens at once, again and again."""
        while True:
            worker = self._worker
            await worker.process.wait()
            async with self._turn:
                if self._worker is worker:
                    await self._begin_again(worker)

    async def renew(self) -> None:
        """A new worker in the place of the present one. Raises Gone where it does not start; a server of before then goes on."""
        async with self._turn:
            old = self._worker
            if old.role == "keeper":  # of which there is one at a time
                await self._crew.dismiss(old)
                self._worker = await self._crew.begin(old.role)
            else:
                self._worker = await self._crew.begin(old.role)
                self._crew.let_go(old)

    async def _begin_again(self, old: Worker) -> None:
        code, pid, lived_s = old.process.returncode, old.process.pid, time.monotonic() - old.begun_s
        how = f"was killed by {signal.Signals(-code).name}" if code and code < 0 else f"ended with {code}"
        _log.error("A worker (%s, process %d) %s after %.0f s and is begun again", old.role, pid, how, lived_s)
        self._quick = self._quick + 1 if lived_s < QUICK_S else 0
        while True:
            if self._quick >= MOST_QUICK:
                raise MargelleError(
                    f"A worker ({old.role}) has ended {self._quick} times at once.", hint="Its log above says why."
                )
            await asyncio.sleep(_REST_S * 2**self._quick if self._quick else 0)
            try:
                self._worker = await self._crew.begin(old.role)
            except Gone as gone:
                _log.error("A new worker (%s) %s", old.role, gone)
                self._quick += 1
            else:
                return


@asynccontextmanager
async def _hangups() -> AsyncIterator[asyncio.Event]:
    """An event that is set at every SIGHUP."""
    loop, hangup = asyncio.get_running_loop(), asyncio.Event()
    loop.add_signal_handler(signal.SIGHUP, hangup.set)
    try:
        yield hangup
    finally:
        loop.remove_signal_handler(signal.SIGHUP)


async def _first_of(*works: Coroutine[Any, Any, Any], within_s: float) -> None:
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await asyncio.wait(tasks, timeout=within_s, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
