"""One account's line: its asks are made strictly one after another, as its plan says."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from margelle.collect import plan, progress
from margelle.collect.circuit import Circuit
from margelle.collect.failure import SIGN_IN
from margelle.collect.gather import Gather
from margelle.collect.meter import Meter
from margelle.collect.plan import Ask
from margelle.collect.progress import Hold, Progress, States
from margelle.domain.quantity import Catalogue
from margelle.domain.site import Account
from margelle.ports import Clock, PacedHttp, Store, Tokens, Vendor

REST: Final = timedelta(seconds=30)
"""At the earliest so long after a round the next one; within a round nothing is asked twice."""

_log = logging.getLogger(__name__)


class Line:
    """Collects from one account. `due_at` is when it wants its next round; None: at once."""

    def __init__(
        self,
        account: Account,
        vendor: Vendor,
        http: PacedHttp,
        tokens: Tokens,
        circuit: Circuit,
        *,
        store: Store,
        clock: Clock,
        catalogue: Catalogue,
        states: States,
    ) -> None:
        self.account = account
        self.due_at: datetime | None = None
        self._vendor = vendor
        self._circuit = circuit
        self._meter = Meter(http)
        self._source = vendor.source(account, self._meter, tokens)
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._states = states
        self._gather: Gather | None = None
        self._lift = False
        self._wanted = False
        self._anew = False
        self._left: set[tuple[str, str]] = set()

    @property
    def waits_for_user(self) -> bool:
        """Whether it was told to sign in again, and has not been woken since."""
        hold = self._gather.progress.hold if self._gather is not None and not self._lift else None
        return hold is not None and hold.kind == SIGN_IN

    def wake(self) -> None:
        """The user has signed in again: try at once what waits for them."""
        self.due_at, self._lift = None, True

    def want(self) -> None:
        """A user wants the newest values at once."""
        self.due_at, self._wanted = None, True

    def look_again(self) -> None:
        """What the cloud has is discovered anew at once, though it was lately: a part of it may have been missed."""
        self.due_at, self._anew = None, True

    async def advance(self, stopping: Callable[[], bool], crowded: Callable[[], bool] = lambda: False) -> None:
        """Ask all that is due now, and set `due_at`: at once where other accounts are `crowded`, and only what is not fresh is left."""
        gather, begun = await self._ready(), False
        asked, self._left = self._left, set()
        while (ask := await self._next(gather, asked)) is not None and not stopping():
            if begun and ask.rank not in plan.URGENT and crowded():
                self.due_at, self._left = self._clock(), asked
                return
            begun = True
            asked.add((ask.act, ask.where))
            failures, before = gather.progress.failures, self._meter.asked
            await gather.perform(ask)
            self._tell(gather.progress, failures, asked=self._meter.asked > before)
            await self._save(gather)

    async def _next(self, gather: Gather, asked: set[tuple[str, str]]) -> Ask | None:
        """What is due now and was not asked in this round; where there is nothing, `due_at` is set."""
        now = self._clock()
        lost = await gather.give_up(now)
        if lost:
            _log.warning("%s: %d gaps can no longer be filled", self.account.id, len(lost))
            await self._save(gather)
        gather.progress.note_filling(now)
        spending = gather.spending(now)
        asks = plan.asks(self.account.id, gather.progress, spending, now)
        if self._wanted:
            wanted = [ask for ask in plan.wanted_now(asks, spending, now) if (ask.act, ask.where) not in asked]
            if wanted:
                return wanted[0]
            self._wanted = False
        self.due_at = max(min(ask.due_at for ask in asks), now + REST)
        ask = next((ask for ask in asks if ask.due_at <= now and (ask.act, ask.where) not in asked), None)
        if ask is None or (until := self._circuit.wait_until(self.account.id, now)) is None:
            return ask
        self.due_at = until
        gather.progress.hold = Hold(until, "unavailable")
        await self._save(gather)
        return None

    def _tell(self, known: Progress, failures: int, *, asked: bool) -> None:
        """Tell the other accounts of the cloud how it was, if it was `asked`, when before this account had seen it fail so many times in a row."""
        if known.failures > failures:
            self._circuit.failed(self.account.id, self._clock())
        elif known.failures == 0 and asked:
            self._circuit.answered()

    async def _ready(self) -> Gather:
        if self._gather is None:
            gather = Gather(
                self.account,
                self._source,
                self._meter,
                await progress.load(self._store, self.account.id),
                store=self._store,
                clock=self._clock,
                catalogue=self._catalogue,
                states=self._states,
            )
            await gather.resume()
            self._gather = gather
        known = self._gather.progress
        if progress.rewind(known, self._clock()):  # kept at once, or whoever starts next would wait all over again
            await self._save(self._gather)
        if self._lift:
            progress.lift(known)
            self._lift = False
        if self._anew:
            known.look_again()
            self._anew = False
        return self._gather

    async def _save(self, gather: Gather) -> None:
        if (
            await self._store.account(self.account.id) is not None
        ):  # else it was removed meanwhile, and its notes with it
            await progress.save(self._store, self.account.id, gather.progress, self._clock())
