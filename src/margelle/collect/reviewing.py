"""Judging anew what is kept, where a rule has changed: piece by piece, resumable, beside everything else."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from margelle.domain.quantity import CATALOGUE, Catalogue
from margelle.domain.site import Probe, SiteKind
from margelle.domain.verdict import stamp
from margelle.errors import StoreError
from margelle.intake.beside import PIECE, review_piece
from margelle.ports import Clock, Store
from margelle.waiting import Pause, pause

MEMO: Final = "review"

REST_S: Final = 0.1
"""A hub rests so long after each piece: the review takes a few percent of its time."""

_RETRY_S: Final = 60.0
_SAVE_EVERY: Final = 20
_log = logging.getLogger(__name__)


class Progress(Struct, frozen=True):
    """How far a review has come: under which rules, up to which instant of which probe, how many points it has read and judged otherwise."""

    stamp: str
    probe: str = ""
    until: datetime | None = None
    read: int = 0
    changed: int = 0
    share: float = 0.0
    done: bool = False


class Reviewer:
    """Judges all that a store keeps by the present rules. It may be killed at any moment, and another goes on where it was."""

    def __init__(self, store: Store, clock: Clock, catalogue: Catalogue = CATALOGUE) -> None:
        self._store, self._clock, self._catalogue = store, clock, catalogue
        self._stamp = stamp(catalogue)

    async def progress(self) -> Progress:
        """How far the review by the present rules has come. A store without any measurement has nothing to review."""
        said = await self._store.memo(MEMO)
        known = msgspec.json.decode(said, type=Progress) if said else None
        if known is not None and known.stamp == self._stamp:
            return known
        if known is None and not await self._store.count():
            return await self._save(Progress(self._stamp, share=1.0, done=True))
        return Progress(self._stamp)

    async def steps(self, *, again: bool = False) -> AsyncIterator[Progress]:
        """Review what is left to review, or everything `again`; says after each piece how far it has come. Raises StoreError."""
        state = Progress(self._stamp) if again else await self.progress()
        if state.done:
            return
        probes = await self._store.probes()
        for n, probe in enumerate(probes):
            if probe.id < state.probe:
                continue
            async for piece in self._probe(probe, state, n, len(probes)):
                state = piece
                yield state
        yield await self._save(replace(state, probe="", until=None, share=1.0, done=True))

    async def run(self, stop: asyncio.Event, wait: Pause = pause) -> None:
        """Review in the background what is left, until `stop`. A store that fails is tried again later."""
        while not stop.is_set():
            try:
                await self._all(stop, wait)
            except StoreError as error:
                _log.error("The store cannot be used, the review waits: %s", error)
                await wait(_RETRY_S, stop)
            else:
                return

    async def _all(self, stop: asyncio.Event, wait: Pause) -> None:
        known, begun = await self._store.memo(MEMO) is not None, False
        async for state in self.steps():
            if not begun:
                why = "The rules have changed" if known else "By which rules it was judged is not known"
                _log.info("%s: what is kept is judged anew, in the background", why)
            begun = True
            if state.done:
                _log.info("Judged anew: %d measurements, %d of them otherwise", state.read, state.changed)
            await wait(REST_S, stop)
            if stop.is_set():
                return

    async def _probe(self, probe: Probe, state: Progress, n: int, probes: int) -> AsyncIterator[Progress]:
        """Review one probe, from where it was left."""
        kind = await self._kind(probe)
        quantities = await self._store.quantities(probe.id)
        begin = state.until if probe.id == state.probe else None
        since = await self._next(probe, quantities, begin)
        first, pieces = since, 0
        while since is not None and first is not None:
            until = since + PIECE
            read, changed = await review_piece(
                self._store, probe.id, quantities, kind, since, until, self._clock(), self._catalogue
            )
            passed = min(1.0, (until - first) / max(self._clock() - first, PIECE))
            state = replace(
                state,
                probe=probe.id,
                until=until,
                read=state.read + read,
                changed=state.changed + changed,
                share=(n + passed) / probes,
            )
            since, pieces = await self._next(probe, quantities, until), pieces + 1
            if pieces % _SAVE_EVERY == 1:
                await self._save(state)
            yield state

    async def _next(self, probe: Probe, quantities: Sequence[str], since: datetime | None) -> datetime | None:
        """The instant of the probe's first measurement from `since` on."""
        heads = [await self._store.history(probe.id, quantity, since, None, 1) for quantity in quantities]
        return min((point.at for head in heads for point in head), default=None)

    async def _kind(self, probe: Probe) -> SiteKind:
        site = await self._store.site(probe.site)
        return site.kind if site is not None else "other"

    async def _save(self, state: Progress) -> Progress:
        await self._store.put_memo(MEMO, msgspec.json.encode(state))
        return state
