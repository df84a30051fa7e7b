"""The layout in which measurements are kept, against the plain table (series, at) that most would choose, in one run."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, Final, TypeVar

import msgspec
from cryptography.fernet import Fernet

from bench.report import Line
from bench.water import QUANTITIES, hours
from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.series import by_day
from margelle.domain.unit import Unit
from margelle.store.chunk import Column
from margelle.store.row import row
from margelle.store.sqlite import SqliteStore
from margelle.store.vault import Vault

SINCE = datetime(2026, 1, 1, tzinfo=UTC)
NOW = SINCE + timedelta(days=400)
PROBES, HOURS = 1000, 12
ROUNDS = 3
READS = 50
_PATIENCE_S: Final = 0.3
T = TypeVar("T")
PLAIN = "sqlite3, one row a point, keyed (series, at), FULL"
MONTH = (SINCE + timedelta(days=100), SINCE + timedelta(days=130))
DAYS = (date(2026, 1, 1), date(2027, 1, 1))
_HOURLY, _MINUTE = "hourly", "by the minute"


class Plain:
    """A plain table, as compact as a row table can be: numbers for series and origins, raw texts only where they differ."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._db = sqlite3.connect(path, isolation_level=None)
        self._db.executescript(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -16000; PRAGMA wal_autocheckpoint = 4000;"
            "CREATE TABLE series (id INTEGER PRIMARY KEY, probe TEXT, quantity TEXT, UNIQUE (probe, quantity));"
            "CREATE TABLE point (series INTEGER, at INTEGER, value REAL, raw TEXT, unit TEXT, origin TEXT, doubts TEXT,"
            " PRIMARY KEY (series, at)) WITHOUT ROWID"
        )
        self._series: dict[tuple[str, str], int] = {}

    def add(self, points: Sequence[Measurement]) -> None:
        rows = []
        for point in points:
            key = (point.probe, point.quantity)
            if key not in self._series:
                self._series[key] = len(self._series) + 1
                self._db.execute("INSERT INTO series VALUES (?, ?, ?)", (self._series[key], *key))
            at_us, value, raw, _, _, doubts = row(point)
            rows.append((self._series[key], at_us, value, raw, None, None, doubts))
        self._db.execute("BEGIN IMMEDIATE")
        sql = "INSERT INTO point VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"
        self._db.executemany(sql, rows)
        self._db.execute("COMMIT")

    def history(
        self, probe: str, quantity: str, since: datetime, until: datetime, limit: int = -1
    ) -> list[Measurement]:
        sql = (
            "SELECT at, value, raw, coalesce(unit, '[pH]'), coalesce(origin, 'ondilo/measures'), doubts FROM point"
            " WHERE series = ? AND at >= ? AND at < ? ORDER BY at LIMIT ?"
        )
        bounds = (int(since.timestamp() * 1e6), int(until.timestamp() * 1e6))
        found = self._db.execute(sql, (self._series[probe, quantity], *bounds, limit)).fetchall()
        return Column.of(found).measurements(probe, quantity)

    def latest(self, probe: str) -> list[Measurement]:
        sql = (
            "SELECT at, value, raw, coalesce(unit, '[pH]'), coalesce(origin, 'ondilo/measures'), doubts FROM point"
            " WHERE series = ? ORDER BY at DESC LIMIT 1"
        )
        return [
            one
            for quantity in QUANTITIES
            for one in Column.of(self._db.execute(sql, (self._series[probe, quantity],)).fetchall()).measurements(
                probe, quantity
            )
        ]

    def size(self) -> int:
        self._db.execute("VACUUM")
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return self.path.stat().st_size

    def close(self) -> None:
        self._db.close()


def measure(folder: Path) -> list[Line]:
    """Taking in, folding, room, and reading."""
    return [*_ingest(folder), *_reads(folder)]


def growth(folder: Path) -> list[Line]:
    """The same questions of one probe with 10 and 100 times the data around it, against the smallest store."""
    stores = [asyncio.run(_grown(folder / f"{probes}.sqlite", probes)) for probes in (10, 100, 1000)]
    lines = []
    for times, store in zip((10, 100), stores[1:], strict=True):
        for name, ask in _questions(store).items():
            peers = _questions(stores[0])[name]
            line = Line(f"{name}, {times} times the data", "answers/s", [], [], "the same, 50 000 points")
            for _ in range(ROUNDS):
                line.ours.append(_rate(ask))
                line.peers.append(_rate(peers))
            lines.append(line)
    return lines


async def _grown(path: Path, probes: int) -> SqliteStore:
    store = SqliteStore(path, Vault(Fernet.generate_key()))
    for n in range(probes):
        await store.add(list(hours(f"p{n}", SINCE, 720)), NOW)
    return store


def _questions(store: SqliteStore) -> dict[str, Callable[[], object]]:
    return {
        "a month of one series": lambda: _now(store.history("p5", "ph", SINCE, SINCE + timedelta(days=30))),
        "its days": lambda: _now(store.statistics("p5", "ph", date(2026, 1, 1), date(2026, 2, 1))),
        "the newest values": lambda: _fresh_latest(store, "p5"),
    }


def _ingest(folder: Path) -> Iterator[Line]:
    points = list(_live())
    for size in (1_000, 10_000):
        batches = [points[i : i + size] for i in range(0, len(points), size)]
        speed = Line(f"taking in batches of {size:,}, of 7,000 series", "points/s", [], [], PLAIN)
        fold = Line("folding it, where nothing was folded before", "points/s", [], [], f"taking in batches of {size:,}")
        for n in range(ROUNDS):
            ours, theirs, folded = _taken_in(folder, f"{size} {n}", batches)
            speed.ours.append(len(points) / ours)
            speed.peers.append(len(points) / theirs)
            fold.ours.append(len(points) / folded)
            fold.peers.append(len(points) / ours)
        yield speed
        yield fold


def _taken_in(folder: Path, name: str, batches: Sequence[list[Measurement]]) -> tuple[float, float, float]:
    """The seconds that taking in takes us, that it takes the plain table, and that folding takes."""
    store, plain = _store(folder / f"ours {name}"), Plain(folder / f"plain {name}")
    ours = _spent(lambda: [_now(store.add(batch, NOW)) for batch in batches])
    theirs = _spent(lambda: [*map(plain.add, batches)])
    folded = _spent(lambda: _fold(store))
    assert _now(store.count()) == sum(map(len, batches))
    _now(store.close())
    plain.close()
    return ours, theirs, folded


def _live() -> Iterator[Measurement]:
    """Hour by hour, what each probe tells."""
    told = [list(hours(f"ondilo:{n}/ico", SINCE, HOURS)) for n in range(PROBES)]
    for hour in range(HOURS):
        for of_probe in told:
            yield from of_probe[hour * len(QUANTITIES) : (hour + 1) * len(QUANTITIES)]


def _minutes(count: int) -> Iterator[Measurement]:
    dice, value = Random(7), 7.2
    for n in range(count):
        value = round(min(max(value + dice.gauss(0, 0.01), 6.8), 7.8), 2)
        doubts = (Doubt("vendor", "out of water"),) if dice.random() < 0.005 else ()
        at = SINCE + timedelta(minutes=n, seconds=dice.randrange(5))
        yield Measurement(_MINUTE, "ph", at, value, repr(value), Unit.PH, "baxo/historics", doubts)


def _reads(folder: Path) -> Iterator[Line]:
    store, plain = _store(folder / "ours"), Plain(folder / "plain")
    hourly, minutes = list(hours(_HOURLY, SINCE, 24 * 365)), list(_minutes(60 * 24 * 365))
    for points in (hourly, minutes):
        for n in range(0, len(points), 5_000):
            _now(store.add(points[n : n + 5_000], NOW))
            plain.add(points[n : n + 5_000])
    _fold(store)
    _now(store.compact())
    total = len(hourly) + len(minutes)
    size = Line("room on disk, a year of two probes", "bytes/point", [], [], PLAIN, better="lower")
    size.ours.append((folder / "ours").stat().st_size / total)
    size.peers.append(plain.size() / total)
    yield size
    yield from _against_plain(store, plain)


def _against_plain(store: SqliteStore, plain: Plain) -> Iterator[Line]:
    page = (SINCE, SINCE + timedelta(days=365), 10_000)
    works: list[tuple[str, float, str, Callable[[], object], Callable[[], object]]] = [
        (
            "the newest values of 7 quantities, made anew",
            1,
            "answers/s",
            lambda: _fresh_latest(store, _HOURLY),
            lambda: plain.latest(_HOURLY),
        ),
        (
            "the same, nothing stored meanwhile",
            1,
            "answers/s",
            lambda: _now(store.latest(_HOURLY, NOW)),
            lambda: plain.latest(_HOURLY),
        ),
        (
            "a month of one hourly series as measurements",
            720,
            "points/s",
            lambda: _now(store.history(_HOURLY, "ph", *MONTH)),
            lambda: plain.history(_HOURLY, "ph", *MONTH),
        ),
        (
            "the same as columns",
            720,
            "points/s",
            lambda: _now(store.columns(_HOURLY, "ph", *MONTH)),
            lambda: plain.history(_HOURLY, "ph", *MONTH),
        ),
        (
            "the same as measurements in JSON",
            720,
            "points/s",
            lambda: msgspec.json.encode(_now(store.history(_HOURLY, "ph", *MONTH))),
            lambda: msgspec.json.encode(plain.history(_HOURLY, "ph", *MONTH)),
        ),
        (
            "10,000 rows of the series by the minute",
            10_000,
            "points/s",
            lambda: _now(store.history(_MINUTE, "ph", *page)),
            lambda: plain.history(_MINUTE, "ph", *page),
        ),
        (
            "a year of days, hourly",
            1,
            "answers/s",
            lambda: _now(store.statistics(_HOURLY, "ph", *DAYS)),
            lambda: by_day(plain.history(_HOURLY, "ph", *page[:2])),
        ),
        (
            "a year of days, by the minute",
            1,
            "answers/s",
            lambda: _now(store.statistics(_MINUTE, "ph", *DAYS)),
            lambda: by_day(plain.history(_MINUTE, "ph", *page[:2])),
        ),
    ]
    for name, each, unit, ours, theirs in works:
        line = Line(name, unit, [], [], PLAIN)
        for _ in range(ROUNDS):
            line.ours.append(_rate(ours) * each)
            line.peers.append(_rate(theirs) * each)
        yield line


def _store(path: Path) -> SqliteStore:
    return SqliteStore(path, Vault(Fernet.generate_key()))


def _fold(store: SqliteStore) -> None:
    while _now(store.fold(everything=True)).more:
        pass


def _fresh_latest(store: SqliteStore, probe: str) -> object:
    """The newest values as after a change: not those that were put together before."""
    store._snapshots.clear()
    store._heads.forget()
    return _now(store.latest(probe, NOW))


def _now(coroutine: Coroutine[Any, Any, T]) -> T:
    """What a store's coroutine returns; it never waits."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
    raise AssertionError("a store waited")


def _rate(ask: Callable[[], object]) -> float:
    """How often it can be asked in a second of this process's processor time."""
    asked, spent = 0, 0.0
    while asked < READS and spent < _PATIENCE_S:
        spent += _spent(ask)
        asked += 1
    return asked / spent


def _spent(work: Callable[[], object]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin
