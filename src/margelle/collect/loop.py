"""The collector: keeps every account's line going, side by side, and waits between."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Final

from margelle.collect import failure
from margelle.collect.failure import SIGN_IN
from margelle.collect.line import REST, Line
from margelle.domain.quantity import CATALOGUE, Catalogue
from margelle.domain.site import Account
from margelle.errors import ConfigError, MargelleError, StoreError
from margelle.ports import Clock, Http, Store, Tokens, Vendor

Pause = Callable[[float, asyncio.Event], Awaitable[None]]
"""`pause(seconds, event)`: returns after so many seconds, or when the event is set."""

AT_ONCE: Final = 8
"""So many accounts ask at the same time."""

NOTICE_S: Final = 5.0
"""So often it is looked whether an account was added, signed in again or removed."""

GRACE_S: Final = 1.0
"""How long, after a stop, the requests that are under way may take to end by themselves. They only read, and are made again."""

_IDLE: Final = timedelta(minutes=10)
_DAY: Final = timedelta(days=1)
_log = logging.getLogger(__name__)


async def pause(seconds: float, event: asyncio.Event) -> None:
    """Wait so many seconds, or until `event` is set."""
    with suppress(TimeoutError):
        await asyncio.wait_for(event.wait(), seconds)


class Collector:
    """Collects from all accounts of a store.

    Accounts are asked side by side, each one strictly in a line. `http_for` and `tokens_for` are called once for an account, and again
    when its login or cloud is changed.
    """

    def __init__(  # noqa: PLR0917 - the hub's parts, in the order in which a reading meets them
        self,
        store: Store,
        vendors: Mapping[str, Vendor],
        http_for: Callable[[Account], Http],
        tokens_for: Callable[[Account], Tokens],
        clock: Clock,
        catalogue: Catalogue = CATALOGUE,
        *,
        receipts_days: int = 30,
        pause: Pause = pause,
    ) -> None:
        self._store = store
        self._vendors = vendors
        self._http_for = http_for
        self._tokens_for = tokens_for
        self._clock = clock
        self._catalogue = catalogue
        self._receipts_days = receipts_days
        self._pause = pause
        self._lines: dict[str, Line] = {}
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._pruned_at: datetime | None = None

    async def round(self, stop: asyncio.Event | None = None) -> datetime | None:
        """Ask all that is due now. Returns when something will be due next; None where there is no account."""
        accounts = await self._store.accounts()
        now = self._clock()
        for name in set(self._lines) - {account.id for account in accounts}:
            del self._lines[name]
        await self._prune(now)
        stopping = stop.is_set if stop is not None else _never
        dues = await asyncio.gather(
            *(self._advance(account, stopping) for account in accounts if self._is_due(account, now))
        )
        dues += [line.due_at for line in self._lines.values()]
        return min((due for due in dues if due is not None), default=None)

    async def run(self, stop: asyncio.Event) -> None:
        """Collect until `stop` is set. What was asked for when it is set may still be answered, for a moment."""
        while not stop.is_set():
            due = await self._round_until(stop)
            if not stop.is_set():
                await self._wait(due, stop)

    async def _round_until(self, stop: asyncio.Event) -> datetime:
        now = self._clock()
        work = asyncio.create_task(self.round(stop))
        stopped = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({work, stopped}, return_when=asyncio.FIRST_COMPLETED)
            await asyncio.wait({work}, timeout=GRACE_S)
            return (await work if work.done() else None) or now + _IDLE
        except StoreError as error:
            _log.error("The store cannot be used, the collector waits: %s", error)
            return now + REST
        except Exception:
            _log.exception("An unexpected error in a round, the collector waits")
            return now + 10 * REST
        finally:
            stopped.cancel()
            work.cancel()
            await asyncio.gather(stopped, work, return_exceptions=True)

    async def _wait(self, due: datetime, stop: asyncio.Event) -> None:
        version = None  # of before the round: what was changed during it is noticed too
        while not stop.is_set():
            left_s = (due - self._clock()).total_seconds()
            if left_s <= 0:
                return
            await self._pause(min(left_s, NOTICE_S), stop)
            before, version = version, await self._version()
            if version != before and await self._wanted():
                return

    async def _version(self) -> int | None:
        try:
            return await self._store.version()
        except StoreError:
            return None

    async def _wanted(self) -> bool:
        """Whether a user has added, changed or removed an account, or has signed in again, so that a round is to begin now."""
        try:
            accounts = await self._store.accounts()
            signed_in = [line for line in self._lines.values() if await self._has_signed_in(line)]
        except StoreError:
            return False
        for line in signed_in:
            line.wake()
        known = {name: _login(line.account) for name, line in self._lines.items()}
        changed = known != {account.id: _login(account) for account in accounts if account.vendor in self._vendors}
        return changed or bool(signed_in)

    async def _has_signed_in(self, line: Line) -> bool:
        """Whether the line waits for its user to sign in, and whoever took the new sign-in has ended the incident."""
        if not line.waits_for_user:
            return False
        incidents = await self._store.incidents(line.account.id, open_only=True)
        return not any(one.kind == SIGN_IN for one in incidents)

    def _is_due(self, account: Account, now: datetime) -> bool:
        line = self._lines.get(account.id)
        return line is None or line.due_at is None or line.due_at <= now or _login(line.account) != _login(account)

    async def _advance(self, account: Account, stopping: Callable[[], bool]) -> datetime | None:
        """One account's part of a round. Whatever happens in it stays in it."""
        async with self._gate:
            try:
                line = self._line(account)
                await line.advance(stopping)
            except MargelleError as error:
                _log.error("%s cannot be collected now: %s", account.id, error)
                kind, what = ("store" if isinstance(error, StoreError) else "failed"), str(error)
            except Exception as error:
                _log.exception("An unexpected error while collecting %s", account.id)
                kind, what = "bug", f"An unexpected {type(error).__name__}: {error!s:.200}"
            else:
                return line.due_at
            return await self._set_back(account, kind, what)

    async def _set_back(self, account: Account, kind: str, what: str) -> datetime:
        now = self._clock()
        try:
            await self._store.note_incident(failure.incident(account.id, account.id, kind, what, now))
        except StoreError as error:
            _log.error("That cannot be recorded either: %s", error)
        due = now + 10 * REST
        if line := self._lines.get(account.id):
            line.due_at = due
        return due

    def _line(self, account: Account) -> Line:
        line = self._lines.get(account.id)
        if line is None or _login(line.account) != _login(account):
            vendor = self._vendors.get(account.vendor)
            if vendor is None:
                raise ConfigError(f"{account.id} is of {account.vendor!r}, which this hub does not know.")
            changed = line is not None
            http, tokens = self._http_for(account), self._tokens_for(account)
            line = Line(account, vendor, http, tokens, store=self._store, clock=self._clock, catalogue=self._catalogue)
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
