"""The collector: keeps every account's line going, side by side, and waits between."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from margelle.collect import failure, holder
from margelle.collect.circuit import Circuit
from margelle.collect.claims import Claims
from margelle.collect.crowd import admitted, apart, cloud_of
from margelle.collect.failure import SIGN_IN
from margelle.collect.line import REST, Line
from margelle.collect.progress import States, none_is_on_or_off
from margelle.domain.quantity import CATALOGUE, Catalogue
from margelle.domain.site import Account
from margelle.errors import ConfigError, MargelleError, StoreError
from margelle.phrase import Phrase
from margelle.ports import Clock, PacedHttp, Store, Tokens, Vendor
from margelle.waiting import Pause, first_of, pause

News = Callable[[], Awaitable[Collection[str]]]
"""Tells, each time, of which vendors the settings have changed since the last time."""

NOTICE_S: Final = 5.0
"""So often it is looked whether an account was added, signed in again or removed."""

GRACE_S: Final = 1.0
"""How long, after a stop, the requests that are under way may take to end by themselves. They only read, and are made again."""

_IDLE: Final = timedelta(minutes=10)
_MOMENT_S: Final = 0.05
_DAY: Final = timedelta(days=1)
_log = logging.getLogger(__name__)


async def _no_news() -> Collection[str]:
    return ()


class Collector:
    """Collects from the accounts of a store, which it shares with every other collector that runs on it.

    Accounts are asked side by side, each one strictly in a line, and no cloud waits for another. Where more are due than one cloud is asked
    for at once, the fresh values of all come before the past of any. `http_for` and `tokens_for` are called
    once for an account, and again when its login or cloud is changed, or when `news` tells that its vendor's
    settings have. What is only on or off by `states` has no gaps. `name` tells this collector from others; none: one that no other has.
    """

    def __init__(  # noqa: PLR0917 - the hub's parts, in the order in which a reading meets them
        self,
        store: Store,
        vendors: Mapping[str, Vendor],
        http_for: Callable[[Account], PacedHttp],
        tokens_for: Callable[[Account], Tokens],
        clock: Clock,
        catalogue: Catalogue = CATALOGUE,
        *,
        receipts_days: int = 30,
        pause: Pause = pause,
        name: str = "",
        news: News = _no_news,
        states: States = none_is_on_or_off,
    ) -> None:
        self._store = store
        self._claims = Claims(store, name or holder.new())
        self._vendors = vendors
        self._http_for = http_for
        self._tokens_for = tokens_for
        self._clock = clock
        self._catalogue = catalogue
        self._receipts_days = receipts_days
        self._pause = pause
        self._news = news
        self._states = states
        self._accounts: dict[str, Account] = {}
        self._lines: dict[str, Line] = {}
        self._circuits: dict[str, Circuit] = {}
        self._due: dict[str, datetime] = {}
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._wanted: set[str] = set()
        self._looked_at: datetime | None = None
        self._pruned_at: datetime | None = None
        self._version: int | None = None
        self._is_running = False
        self._crowded: frozenset[str] = frozenset()

    @property
    def leads(self) -> bool:
        """Whether it is for this collector to do what only one of all that share a store may do: it has the first of all accounts."""
        return self._claims.have_first and self._claims.are_ours(self._clock())

    async def round(self, stop: asyncio.Event | None = None) -> datetime | None:
        """Ask all that is due now, each account once. Returns when something will be due next; None where there is no account."""
        stopping = stop.is_set if stop is not None else _never
        try:
            await self._take_stock(self._clock())
            asked = self._begin(stopping)
            while self._asking:
                await first_of(self._asking.values(), NOTICE_S)
                if self._claims.are_due(now := self._clock()):
                    await self._take_stock(now)
                asked |= self._begin(stopping, asked)
        finally:
            await self._stop_asking(0)
        return self._next_due

    def ask_now(self, account: str) -> bool:
        """Have the newest values of an account asked for in its next turn, within seconds; False where it is not ours."""
        if account not in self._accounts:
            return False
        self._wanted.add(account)
        self._due[account] = self._clock()
        return True

    def look_again(self) -> None:
        """Have what all clouds have discovered anew in the next round, for what was missed of it."""
        for name, line in self._lines.items():
            line.look_again()
            self._due[name] = self._clock()

    async def run(self, stop: asyncio.Event) -> None:
        """Collect until `stop` is set. What was asked for when it is set may still be answered, for a moment."""
        self._is_running = True
        try:
            while not stop.is_set():
                due = await self._turn(stop)
                await self._rest(due, stop)
        finally:
            await self._end()

    # --- turns

    async def _turn(self, stop: asyncio.Event) -> datetime:
        """Begin what is due now. Returns until when nothing need be done, if nothing happens before."""
        now = self._clock()
        try:
            if not self._has_looked(now):
                self._looked_at = now
                if await self._has_news(now):
                    await self._take_stock(now)
            self._begin(stop.is_set)
        except StoreError as error:
            _log.error("The store cannot be used, the collector waits: %s", error)
            self._version = None
            return now + REST
        except Exception:
            _log.exception("An unexpected error, the collector waits")
            self._version = None
            return now + 10 * REST
        return self._next_due or now + _IDLE

    async def _rest(self, until: datetime, stop: asyncio.Event) -> None:
        """Wait until then, or until an account has been asked, or it is time to look around."""
        left_s = min((until - self._clock()).total_seconds(), NOTICE_S)
        if self._asking:
            stopped = asyncio.create_task(stop.wait())
            await first_of([*self._asking.values(), stopped], max(left_s, _MOMENT_S))
            stopped.cancel()
        else:
            await self._pause(max(left_s, _MOMENT_S), stop)

    async def _end(self) -> None:
        """Let what is under way end by itself, for a moment, and give the accounts back."""
        await self._stop_asking(GRACE_S)
        with suppress(StoreError):
            await self._claims.release()

    async def _stop_asking(self, grace_s: float) -> None:
        tasks = list(self._asking.values())
        if tasks:
            await asyncio.wait(tasks, timeout=grace_s)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # --- what there is to collect from

    def _has_looked(self, now: datetime) -> bool:
        """Whether it was looked around a moment ago. With many accounts, something is stored all the time."""
        return self._looked_at is not None and self._looked_at <= now < self._looked_at + timedelta(seconds=NOTICE_S)

    async def _has_news(self, now: datetime) -> bool:
        """Whether anything may have changed since stock was taken, or the accounts are to be claimed again."""
        before, self._version = self._version, await self._store.version()
        return before != self._version or self._claims.are_due(now)

    async def _take_stock(self, now: datetime) -> None:
        """Find out which accounts are ours, and which of them a user has added, changed, removed or signed in again."""
        await self._prune(now)
        set_back = self._claims.are_later_than(now)
        await self._claims.renew(now, tuple(self._asking))
        self._version = await self._store.version()  # our own claim is no news, and what changes from now on is
        accounts = await self._claims.accounts()
        if set_back:  # the clock was, and every time counted on the one of before
            self._due = self._apart(accounts.values(), now)
        self._take_over(accounts, now)
        self._renew(await self._news(), now)
        for name in accounts:
            if await self._has_signed_in(name):
                self._due[name] = now

    def _take_over(self, accounts: dict[str, Account], now: datetime) -> None:
        """These accounts are ours now, all at once: each of them is due some time, or is being asked."""
        for name in self._accounts.keys() - accounts:
            self._lines.pop(name, None)
            self._due.pop(name, None)
        self._due |= self._apart([one for one in accounts.values() if self._is_new(one)], now)
        self._accounts = accounts

    def _renew(self, vendors: Collection[str], now: datetime) -> None:
        """The accounts of these vendors are asked by new sources from now on."""
        for name, account in self._accounts.items():
            if account.vendor in vendors:
                self._lines.pop(name, None)
                self._due[name] = now

    def _is_new(self, account: Account) -> bool:
        """Whether nothing is planned for the account as it is now."""
        known = self._accounts.get(account.id)
        is_planned = account.id in self._due or account.id in self._asking
        return known is None or _login(known) != _login(account) or not is_planned

    def _apart(self, accounts: Iterable[Account], now: datetime) -> dict[str, datetime]:
        """When accounts that are begun with together are due; in a single round, which waits for nothing, all at once."""
        return apart(accounts, now) if self._is_running else {account.id: now for account in accounts}

    def _goes_on(self, account: str) -> bool:
        """Whether an account that is being asked is still ours, and has not been paused or removed meanwhile."""
        return account in self._accounts and self._claims.are_ours(self._clock())

    async def _has_signed_in(self, account: str) -> bool:
        """Whether the line waits for its user to sign in, and whoever took the new sign-in has ended the incident."""
        line = self._lines.get(account)
        if line is None or not line.waits_for_user:
            return False
        incidents = await self._store.incidents(account, open_only=True)
        if any(one.kind == SIGN_IN for one in incidents):
            return False
        line.wake()
        return True

    # --- asking

    @property
    def _next_due(self) -> datetime | None:
        return min(self._due.values(), default=None)

    def _begin(self, stopping: Callable[[], bool], but: Collection[str] = ()) -> set[str]:
        """Ask the accounts that are due (`but` these), those that wait longest first, and no cloud for too many at once."""
        now = self._clock()
        begun: set[str] = set()
        if stopping() or not self._claims.are_ours(now):
            return begun
        asking = [self._accounts[name] for name in self._asking if name in self._accounts]
        due = [name for name, at in self._due.items() if at <= now and name not in self._asking and name not in but]
        may, crowded = admitted((self._accounts[name] for name in sorted(due, key=self._due.__getitem__)), asking)
        self._crowded = crowded if self._is_running else frozenset()
        for account in may:
            begun.add(account.id)
            del self._due[account.id]
            self._asking[account.id] = asyncio.create_task(self._advance(account, stopping))
        return begun

    async def _advance(self, account: Account, stopping: Callable[[], bool]) -> None:
        """Ask one account all that is due. Whatever happens in it stays in it."""
        try:
            due = await self._asked(account, stopping)
        finally:
            del self._asking[account.id]
        if account.id in self._accounts:
            self._due.setdefault(account.id, due or self._clock())

    async def _asked(self, account: Account, stopping: Callable[[], bool]) -> datetime | None:
        """When the account is due again."""
        try:
            line = self._line(account)
            if account.id in self._wanted:
                self._wanted.remove(account.id)
                line.want()
            await line.advance(
                lambda: stopping() or not self._goes_on(account.id), lambda: cloud_of(account) in self._crowded
            )
        except MargelleError as error:
            _log.error("%s cannot be collected now: %s", account.id, error)
            kind = "store" if isinstance(error, StoreError) else "failed"
            return await self._set_back(account, kind, str(error), error.phrase)
        except Exception as error:
            _log.exception("An unexpected error while collecting %s", account.id)
            what = f"An unexpected {type(error).__name__}: {error!s:.200}"
            return await self._set_back(account, "bug", what, failure.bug(error))
        return line.due_at

    async def _set_back(self, account: Account, kind: str, what: str, phrase: Phrase | None) -> datetime:
        now = self._clock()
        try:
            await self._store.note_incident(failure.incident(account.id, account.id, kind, what, now, phrase=phrase))
        except StoreError as error:
            _log.error("That cannot be recorded either: %s", error)
        return now + 10 * REST

    def _line(self, account: Account) -> Line:
        line = self._lines.get(account.id)
        if line is None or _login(line.account) != _login(account):
            vendor = self._vendors.get(account.vendor)
            if vendor is None:
                raise ConfigError(f"{account.id} is of {account.vendor!r}, which this hub does not know.")
            changed = line is not None
            cloud = cloud_of(account)
            circuit = self._circuits.setdefault(cloud, Circuit(cloud))
            line = Line(
                account,
                vendor,
                self._http_for(account),
                self._tokens_for(account),
                circuit,
                store=self._store,
                clock=self._clock,
                catalogue=self._catalogue,
                states=self._states,
            )
            if changed:
                line.wake()
            self._lines[account.id] = line
        return line

    async def _prune(self, now: datetime) -> None:
        """Once a day, let the store forget what it need not keep."""
        if self._pruned_at is None or not self._pruned_at <= now < self._pruned_at + _DAY:
            await self._store.prune(now, receipts_days=self._receipts_days)
            self._pruned_at = now


def _never() -> bool:
    return False


def _login(account: Account) -> tuple[str, str, str, str, str]:
    """What of an account makes it another line."""
    return account.vendor, account.owner, account.login, account.base_url, account.realm
