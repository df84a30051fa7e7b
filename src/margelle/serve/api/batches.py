"""What several requests have sent is kept together, in one transaction: it is on the disk once for all of them.

Keys take turns: while one transaction is made, what comes waits in a line for each key, and the next transaction takes from each line in turn.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Final

from margelle.domain.access import allows
from margelle.domain.quantity import Catalogue
from margelle.domain.site import OWN, Probe
from margelle.errors import MargelleError
from margelle.intake.keep import Outcome, keep
from margelle.intake.point import Arrival
from margelle.intake.quiet import Quiet
from margelle.ports import Clock, Store
from margelle.serve.api.capacity import Capacity
from margelle.serve.caller import Caller

MOST_BYTES: Final = 64 << 20
"""So much may be under way in one process where nobody says otherwise."""

MOST_SENDERS: Final = 100
"""Of so many it is remembered to which probes they may send."""

TOGETHER: Final = 10_000
"""So many points are kept in one transaction."""


class _Waiting:
    """What one request has sent, and what will have become of it."""

    def __init__(self, arrivals: Sequence[Arrival]) -> None:
        self.arrivals = arrivals
        self.outcomes: asyncio.Future[list[Outcome]] = asyncio.get_running_loop().create_future()


class Batches:
    """Keeps arrivals for all requests of a process."""

    def __init__(self, store: Store, clock: Clock, catalogue: Catalogue) -> None:
        self._store, self._clock, self._catalogue = store, clock, catalogue
        self._quiet = Quiet()
        self._lines: dict[str, deque[_Waiting]] = {}  # in the order in which the keys have their turns
        self._task: asyncio.Task[None] | None = None

    async def keep(self, key: str, arrivals: Sequence[Arrival]) -> list[Outcome]:
        """Keep what was sent with a key; it is on the disk when this returns. More than `TOGETHER` is kept part by part.

        Raises what the store raises: then nothing of this part is kept, and nothing of those behind it.
        """
        outcomes: list[Outcome] = []
        for start in range(0, len(arrivals), TOGETHER):
            one = _Waiting(arrivals[start : start + TOGETHER] if len(arrivals) > TOGETHER else arrivals)
            self._lines.setdefault(key, deque()).append(one)
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._work())
            outcomes += await asyncio.shield(one.outcomes)
        return outcomes

    async def _work(self) -> None:
        while self._lines:
            some = self._next()
            try:
                await self._keep(some)
            except MargelleError as error:
                await self._apart(some, error)
            except Exception as error:
                for one in some:
                    one.outcomes.set_exception(error)
            await asyncio.sleep(0)

    def _next(self) -> list[_Waiting]:
        """Of each key's line the first one, and so on, until there are enough points."""
        some: list[_Waiting] = []
        points = 0
        while self._lines and (not some or points < TOGETHER):
            key = next(iter(self._lines))
            line = self._lines.pop(key)
            if some and points + len(line[0].arrivals) > TOGETHER:
                self._lines = {key: line, **self._lines}  # it has the first turn of the next one
                break
            some.append(line.popleft())
            points += len(some[-1].arrivals)
            if line:
                self._lines[key] = line
        return some

    async def _keep(self, some: Sequence[_Waiting]) -> None:
        arrivals = some[0].arrivals if len(some) == 1 else [arrival for one in some for arrival in one.arrivals]
        outcomes = await keep(self._store, arrivals, self._clock(), self._catalogue, quiet=self._quiet)
        start = 0
        for one in some:
            end = start + len(one.arrivals)
            one.outcomes.set_result(outcomes[start:end])
            start = end

    async def _apart(self, some: Sequence[_Waiting], error: MargelleError) -> None:
        """What could not be kept together is kept one after another, so that nobody fails for what another has sent."""
        for one in some:
            try:
                if len(some) == 1:
                    raise error
                await self._keep([one])
            except Exception as own:
                one.outcomes.set_exception(own)


class Intake:
    """Where what is sent to the hub's own API waits and is kept; `most_bytes` of it at once."""

    def __init__(self, store: Store, clock: Clock, catalogue: Catalogue, most_bytes: int = MOST_BYTES) -> None:
        self.capacity = Capacity(most_bytes)
        self.batches = Batches(store, clock, catalogue)
        self.turn = asyncio.Lock()
        """Of large bodies one is read at a time."""
        self._store = store
        self._probes: dict[str, dict[str, Probe]] = {}  # by e-mail, true of the store's version
        self._version = -1

    async def probes(self, caller: Caller) -> dict[str, Probe]:
        """The probes to which somebody may send, by id: those of the hub's own sites."""
        version = await self._store.version(but_points=True)
        if version != self._version:
            self._probes.clear()
            self._version = version
        found = self._probes.pop(caller.user.email, None)  # and put behind the others
        if found is None:
            roles = await self._store.roles(caller.user.email)  # the caller's are from before the body came
            sites = await self._store.sites(seen_by=caller.user.email)
            own = {site.id for site in sites if site.vendor == OWN and allows(roles.get(site.id), "measure")}
            found = {probe.id: probe for probe in await self._store.probes() if probe.site in own}
        if version == self._version:
            self._probes[caller.user.email] = found
            if len(self._probes) > MOST_SENDERS:
                del self._probes[next(iter(self._probes))]
        return found
