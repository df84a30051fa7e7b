"""How many requests we allow ourselves, kept on disk: neither a restart nor a second process forgets one."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import cast
from weakref import WeakValueDictionary

import apsw

from margelle.errors import BadInput, Limited, StoreError
from margelle.net import limit
from margelle.net.limit import Learned
from margelle.ports import Rate, Spending, Spent

BUSY_MS = 5_000
PAUSE_S = 900.0
LONGEST_PAUSE_S = 86_400.0

_SCHEMA = """
CREATE TABLE IF NOT EXISTS taken(
    number INTEGER PRIMARY KEY, name TEXT NOT NULL, at_us INTEGER NOT NULL, uptime_us INTEGER, act TEXT NOT NULL DEFAULT ''
);
CREATE INDEX IF NOT EXISTS taken_of ON taken(name, number);
CREATE TABLE IF NOT EXISTS pause(name TEXT PRIMARY KEY, until_us INTEGER NOT NULL, length_us INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS learned(
    name TEXT PRIMARY KEY, requests INTEGER NOT NULL, at_us INTEGER NOT NULL, number INTEGER NOT NULL
) WITHOUT ROWID;
"""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


# The hub of a thousand accounts has a thousand budgets, and may not have a thousand files open.
_OPEN: WeakValueDictionary[Path, apsw.Connection] = WeakValueDictionary()


def uptime_s() -> float:
    """Seconds since this machine started, sleep included where it can tell: a clock that nobody sets."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Budget:
    """At most so many requests in any window of each rate, counted under `name` in the file at `path` (None: in memory only).

    Only the order of the requests and the newest few of them count, so nothing is ever forgotten because a clock says that it is old.
    A clock that went back finds requests in its future: they are taken as made now. So there are never more requests than allowed, and a
    wait is never longer than the longest window. A clock that jumps forward is believed, unless `uptime` (such as `uptime_s`) is given:
    then the age of a request is the time that the machine has run since, and the clock is asked only for what was before its start.
    """

    def __init__(
        self, path: Path | None, name: str, rates: Sequence[Rate], *, uptime: Callable[[], float] | None = None
    ) -> None:
        if any(rate.requests < 1 or rate.seconds <= 0 for rate in rates):
            raise BadInput("A request budget's rates must allow at least one request, in more than no time.")
        self._rates = tuple(rates)
        self._name = name
        self._uptime = uptime
        self._where = str(path or "memory")
        with self._told():
            self._db = _connection(path)

    def take(self, now: datetime, act: str = "") -> float:
        """0.0 if a request may be made now: it is counted then, on disk, with what it is for. Else the seconds to wait, and nothing is counted."""
        with self._transaction() as db:
            moment = self._settled(now)
            wait_us = self._wait_us(moment[0])
            if wait_us == 0:
                db.execute(
                    "INSERT INTO taken(name, at_us, uptime_us, act) VALUES (?, ?, ?, ?)", (self._name, *moment, act)
                )
                self._forget()
        return wait_us / 1e6

    def remaining(self, now: datetime) -> dict[Rate, int]:
        """By rate, how many requests may still be made now; all 0 while the cloud wants a pause."""
        with self._transaction():
            now_us, _ = self._settled(now)
            paused = self._pause_us(now_us) > 0
            return {rate: 0 if paused else rate.requests - self._used(rate, now_us) for rate in self._rates}

    def spending(self, now: datetime) -> Spending:
        """What was spent in the longest window, and what the cloud seems to allow in it."""
        if not self._rates:
            return Spending()
        rate = self._longest
        with self._transaction() as db:
            now_us, _ = self._settled(now)
            sql = "SELECT at_us, act FROM taken WHERE name = ? ORDER BY number DESC LIMIT ?"
            rows = [*db.execute(sql, (self._name, rate.requests))]
            learned, left_us = self._learned(), self._pause_us(now_us)
        since_us = now_us - round(rate.seconds * 1e6)
        return Spending(
            window_s=rate.seconds,
            full=rate.requests,
            allowed=limit.allowed(rate.requests, learned, now),
            spent=tuple(Spent(_at(at_us), act) for at_us, act in reversed(rows) if at_us > since_us),
            paused_until=now + timedelta(microseconds=left_us) if left_us else None,
            refused_at=learned.at if learned else None,
        )

    def learn(self, limited: Limited, now: datetime) -> None:
        """The cloud said that its quota is used up: take nothing until its `retry_after_s`, or for a quarter of an hour if it named none.

        Unless that is only a moment, or a pause already, its real limit is taken to be lower than we thought; that lowers what `spending`
        says is allowed, for the plan to keep to, and not what can be taken: a user's own act is worth another try.
        """
        named_s = PAUSE_S if limited.retry_after_s is None else limited.retry_after_s
        length_us = round(min(max(named_s, 0.0), LONGEST_PAUSE_S) * 1e6)
        with self._transaction() as db:
            now_us, _ = self._settled(now)
            paused_us = self._pause_us(now_us)
            if self._rates and not paused_us and named_s >= limit.MOMENT_S:
                self._lower(now, now_us)
            if length_us > paused_us:
                db.execute("REPLACE INTO pause VALUES (?, ?, ?)", (self._name, now_us + length_us, length_us))

    def close(self) -> None:
        """Let go of the file, which is closed with its last budget."""
        self._db = apsw.Connection("")
        self._db.close()

    @property
    def _longest(self) -> Rate:
        return max(self._rates, key=lambda rate: rate.seconds)

    def _lower(self, now: datetime, now_us: int) -> None:
        """Once for refusals in a row: the first tells how many requests were too many, the next only that the cloud still sulks."""
        rate = self._longest
        last = self._db.execute("SELECT max(number) FROM taken WHERE name = ?", (self._name,)).get or 0
        since = "SELECT count(*) FROM taken WHERE name = ?1 AND number > (SELECT number FROM learned WHERE name = ?1)"
        known = self._learned()
        allowed = limit.allowed(rate.requests, known, now)
        if known is None or self._db.execute(since, (self._name,)).get > 1:
            allowed = limit.lowered(rate.requests, allowed, self._used(rate, now_us))
        self._db.execute("REPLACE INTO learned VALUES (?, ?, ?, ?)", (self._name, allowed, now_us, last))

    def _learned(self) -> Learned | None:
        row = self._db.execute("SELECT requests, at_us FROM learned WHERE name = ?", (self._name,)).get
        return Learned(row[0], _at(row[1])) if row else None

    def _settled(self, now: datetime) -> tuple[int, int | None]:
        """Now by both clocks, after every request was given an age that is not in the future."""
        now_us = _us(now)
        uptime_us = round(self._uptime() * 1e6) if self._uptime else None
        self._db.execute(
            "UPDATE pause SET until_us = ?1 + length_us WHERE name = ?2 AND until_us > ?1 + length_us",
            (now_us, self._name),
        )
        self._db.execute("UPDATE learned SET at_us = ?1 WHERE name = ?2 AND at_us > ?1", (now_us, self._name))
        if uptime_us is None:
            self._db.execute("UPDATE taken SET at_us = ?1 WHERE name = ?2 AND at_us > ?1", (now_us, self._name))
        else:
            self._agree(now_us, uptime_us)
        return now_us, uptime_us

    def _agree(self, now_us: int, uptime_us: int) -> None:
        """What was asked before the machine started is as old as the clock says; from then on, only the uptime tells its age."""
        self._db.execute(
            "UPDATE taken SET uptime_us = ?2 - max(0, ?1 - at_us) WHERE name = ?3 AND (uptime_us IS NULL OR uptime_us > ?2)",
            (now_us, uptime_us, self._name),
        )
        self._db.execute(
            "UPDATE taken SET at_us = ?1 - (?2 - uptime_us) WHERE name = ?3 AND at_us != ?1 - (?2 - uptime_us)",
            (now_us, uptime_us, self._name),
        )

    def _wait_us(self, now_us: int) -> int:
        """How long until every rate allows one more: until the oldest of its last `requests` has left the window."""
        waits = [self._pause_us(now_us)]
        for rate in self._rates:
            ages = self._ages_us(rate, now_us)
            if len(ages) >= rate.requests:
                waits.append(round(rate.seconds * 1e6) - ages[-1])
        return max(0, *waits)

    def _used(self, rate: Rate, now_us: int) -> int:
        return sum(age < round(rate.seconds * 1e6) for age in self._ages_us(rate, now_us))

    def _ages_us(self, rate: Rate, now_us: int) -> list[int]:
        """The ages of the last `requests` requests, newest first."""
        sql = "SELECT ?1 - at_us FROM taken WHERE name = ?2 ORDER BY number DESC LIMIT ?3"
        return [cast("int", age) for (age,) in self._db.execute(sql, (now_us, self._name, rate.requests))]

    def _pause_us(self, now_us: int) -> int:
        """What is left of the pause that the cloud wants."""
        left = self._db.execute("SELECT until_us - ? FROM pause WHERE name = ?", (now_us, self._name)).get
        return max(0, left or 0)

    def _forget(self) -> None:
        """Requests older than the last ones that any rate counts."""
        most = max((rate.requests for rate in self._rates), default=0)
        self._db.execute(
            "DELETE FROM taken WHERE name = ?1 AND number <= "
            "(SELECT number FROM taken WHERE name = ?1 ORDER BY number DESC LIMIT 1 OFFSET ?2)",
            (self._name, most),
        )

    @contextmanager
    def _transaction(self) -> Iterator[apsw.Connection]:
        """One process at a time, from the count to the entry."""
        with self._told():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")

    @contextmanager
    def _told(self) -> Iterator[None]:
        """SQLite's errors in our words. Where nothing can be counted, nothing may be asked."""
        try:
            yield
        except apsw.Error as error:
            what = f"The request budget in {self._where} cannot be kept ({type(error).__name__.removesuffix('Error').lower()}: {error})."
            raise StoreError(
                what, hint="Check the disk and the file's permissions; a corrupt file may be removed."
            ) from error


def _connection(path: Path | None) -> apsw.Connection:
    """The connection to the file at `path`: one for all budgets of this process."""
    place = path.absolute() if path else None
    if place and (known := _OPEN.get(place)):
        return known
    if place:
        _made(place)
    connection = apsw.Connection(str(place or ":memory:"))
    connection.set_busy_timeout(BUSY_MS)
    with suppress(apsw.BusyError):  # another process is just doing it, or it holds a transaction of the older way
        connection.pragma("journal_mode", "wal")
    connection.pragma("synchronous", "full")
    connection.execute(f"BEGIN IMMEDIATE; {_SCHEMA} COMMIT")
    _grown(connection)
    if place:
        _OPEN[place] = connection
    return connection


def _grown(connection: apsw.Connection) -> None:
    """Give a file of before what it lacks: what its requests were for."""
    connection.execute("BEGIN IMMEDIATE")
    if "act" not in {column for (column,) in connection.execute("SELECT name FROM pragma_table_info('taken')")}:
        connection.execute("ALTER TABLE taken ADD COLUMN act TEXT NOT NULL DEFAULT ''")
    connection.execute("COMMIT")


def _made(place: Path) -> None:
    """Make the file, for its owner only, where there is none; what is wrong with it, SQLite says."""
    with suppress(OSError):
        os.close(os.open(place, os.O_RDWR | os.O_CREAT, 0o600))


def _at(at_us: int) -> datetime:
    return _EPOCH + timedelta(microseconds=at_us)


def _us(now: datetime) -> int:
    return round(now.timestamp() * 1e6)
