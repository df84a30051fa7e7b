"""Whatever happens, in whatever order, SQLite and PostgreSQL keep what the store in memory keeps."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Coroutine, Iterator
from datetime import datetime, timedelta
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from msgspec.structs import replace

from margelle.domain.access import Membership, Organisation, Role, SubjectKind
from margelle.domain.measurement import Doubt, DoubtKind, Measurement
from margelle.domain.unit import Unit
from margelle.ports import Repaired
from margelle.store.layout import answers, arrival, folding, rollup, stretch
from margelle.store.memory import MemoryStore
from margelle.store.postgres import PostgresStore
from margelle.store.postgres import chunks as read_chunks
from margelle.store.sqlite import SqliteStore, chunks
from margelle.store.vault import Vault
from tests.postgres import empty
from tests.store.things import FAULT, KEY, NOW, account, discovery, incident, recommendation, site

T = TypeVar("T")

PROBE = "ondilo:1/ico"
DAYS = NOW.date() - timedelta(days=6), NOW.date() + timedelta(days=4)
ZONES = st.sampled_from(["UTC", "Europe/Paris", "America/Los_Angeles"])
INSTANTS = st.one_of(
    st.integers(-5, 5).map(lambda n: NOW + n * timedelta(minutes=5)),
    st.integers(-40, 20).map(lambda n: NOW + n * timedelta(hours=3)),
)
NUMBERS = st.one_of(
    st.sampled_from([0.0, -0.0, 7.2, 25.0, 1e22, -1e300, 5e-324, 2.0**53 + 2]),
    st.floats(allow_nan=False, allow_infinity=False),
)
SPELLINGS = st.one_of(
    st.sampled_from(
        [
            "7.20",
            "7.2",
            "1e2",
            "100",
            "100.0",
            "-0.0",
            "-0",
            "0",
            "9" * 400,
            "+7",
            " 7",
            "NaN",
            "nan",
            "sNaN",
            "",
            "\0",
            "é\u2028",
        ]
    ),
    NUMBERS.map(repr),
    st.integers().map(str),
    st.text(max_size=8),
)
DOUBTS = st.lists(
    st.builds(Doubt, st.sampled_from(["vendor", "range", "future", "jump"]), st.sampled_from(["a", 'é"\\'])), max_size=2
)
POINTS = st.builds(
    Measurement,
    probe=st.sampled_from([PROBE, "p2"]),
    quantity=st.sampled_from(["ph", "orp"]),
    at=INSTANTS,
    value=st.one_of(st.none(), NUMBERS, st.sampled_from([7.2, 7.3])),
    raw=SPELLINGS,
    raw_unit=st.sampled_from([Unit.PH, Unit.MILLIVOLT]),
    origin=st.sampled_from(["ondilo/measures", "ondilo/lastmeasures"]),
    doubts=DOUBTS.map(tuple),
)


@pytest.fixture(autouse=True, scope="module")
def small_limits() -> Iterator[None]:
    """Chunks of a few points, and folding after a few pieces, so that everything happens often."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name, value in (
            (chunks, "CAPACITY", 6),
            (read_chunks, "CAPACITY", 6),
            (folding, "CAPACITY", 6),
            (folding, "STRETCH", 6),
            (arrival, "MANY", 5),
            (arrival, "WAITING", 4),
            (answers, "MANY_DAYS", 2),
            (rollup, "MANY", 8),
            (stretch, "MANY", 5),
        ):
            patch.setattr(module, name, value)
        yield


def open_both(folder: str) -> tuple[MemoryStore, SqliteStore]:
    return MemoryStore(), SqliteStore(Path(folder) / "m.sqlite", Vault(KEY))


def now(coroutine: Coroutine[Any, Any, T]) -> T:
    """What a store's coroutine returns; it never waits."""
    try:
        coroutine.send(None)
    except StopIteration as stop:
        return stop.value  # type: ignore[no-any-return]
    raise AssertionError("a store waited")


async def all_of(asked: AsyncIterator[T]) -> list[T]:
    """All that an asynchronous iterator gives."""
    return [one async for one in asked]


@given(st.lists(POINTS, max_size=8, unique_by=lambda point: (point.probe, point.quantity, point.at)))
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_a_vendor_wrote_is_read_back_to_the_letter(points: list[Measurement]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder) / "m.sqlite", Vault(KEY))
        now(store.add(points, NOW))
        for point in points:
            assert_exact(now(store.history(point.probe, point.quantity)), point)
        now(store.close())


def test_postgresql_reads_it_back_to_the_letter_too(url: str) -> None:
    with asyncio.Runner() as runner:
        store = PostgresStore(url, Vault(KEY))
        runner.run(store.count())

        @given(st.lists(POINTS, max_size=8, unique_by=lambda point: (point.probe, point.quantity, point.at)))
        @settings(max_examples=50, deadline=None)
        def keep_and_read(points: list[Measurement]) -> None:
            empty(url)
            runner.run(store.add(points, NOW))
            for point in points:
                assert_exact(runner.run(store.history(point.probe, point.quantity)), point)

        keep_and_read()
        runner.run(store.close())


def assert_exact(history: list[Measurement], point: Measurement) -> None:
    (kept,) = [m for m in history if m.at == point.at]
    assert (kept, kept.raw, kept.raw_unit) == (point, point.raw, point.raw_unit)
    assert repr(kept.value) == repr(None if point.value is None else point.value + 0.0)


class BothStores(RuleBasedStateMachine):
    """The same acts on the store in memory and on another, over which there are two hubs: now the one acts, now the other, and either is begun anew."""

    def __init__(self) -> None:
        super().__init__()
        self.memory, self.other, self.idle = MemoryStore(), self.open(), self.open()
        self.at = NOW

    def open(self) -> SqliteStore | PostgresStore:
        raise NotImplementedError

    def wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return now(coroutine)

    def both(self, act: str, *args: Any, **more: Any) -> None:
        said = []
        for store in (self.memory, self.other):
            try:
                said.append(self.wait(getattr(store, act)(*args, **more)))
            except Exception as error:
                said.append((type(error), str(error)))
        assert said[0] == said[1], act

    @rule(points=st.lists(POINTS, max_size=6))
    def add(self, points: list[Measurement]) -> None:
        self.both("add", points, self.at)

    @rule(points=st.lists(POINTS, max_size=2), reviewed=st.lists(POINTS, max_size=6))
    def review(self, points: list[Measurement], reviewed: list[Measurement]) -> None:
        self.both("add", points, self.at, reviewed)

    @rule(step=st.integers(-3, 5))
    def pass_time(self, step: int) -> None:
        self.at += step * timedelta(minutes=4)

    @rule(
        probe=st.sampled_from([PROBE, "p2"]),
        quantity=st.sampled_from(["ph", "orp"]),
        which=st.integers(0, 5),
        kind=st.sampled_from(["withdrawn", "jump", None]),
    )
    def judge(self, probe: str, quantity: str, which: int, kind: DoubtKind | None) -> None:
        """A cloud withdraws what is kept, a rule doubts it, or all doubts are taken back."""
        history = self.wait(self.memory.history(probe, quantity))
        if history:
            doubts = (Doubt(kind, "told at another instant"),) if kind else ()
            self.both("add", [], self.at, [replace(history[which % len(history)], doubts=doubts)])

    @rule(
        probe=st.sampled_from([PROBE, "p2"]),
        which=st.integers(0, 5),
        value=st.sampled_from([7.2, 7.3, None]),
        origin=st.sampled_from(["ondilo/measures", "ondilo/measures/again"]),
    )
    def correct(self, probe: str, which: int, value: float | None, origin: str) -> None:
        """What is kept comes again: the same, from somewhere nearer, or otherwise."""
        history = self.wait(self.memory.history(probe, "ph"))
        if history:
            old = history[which % len(history)]
            new = replace(old, origin=origin) if value == old.value else replace(old, value=value, raw=str(value))
            self.both("add", [new, old], self.at)

    @rule()
    def take_turns(self) -> None:
        self.other, self.idle = self.idle, self.other

    @rule()
    def open_again(self) -> None:
        self.wait(self.other.close())
        self.other = self.open()

    @rule()
    def repair(self) -> None:
        *_, repaired = self.wait(all_of(self.other.repair())) or [Repaired(0, (), 1.0)]
        assert repaired.left == ()

    @rule(everything=st.booleans())
    def fold(self, everything: bool) -> None:
        before = self.wait(self.other.version())
        folded = self.wait(self.other.fold(everything=everything))
        assert folded.points or self.wait(self.other.version()) == before
        if everything and not folded.more:
            assert self.wait(self.other.loose()) == 0

    @rule()
    def inspect(self) -> None:
        digests = []
        for store in (self.memory, self.other):
            *_, found = self.wait(all_of(store.inspect()))
            assert (found.faults, found.share) == ((), 1.0)
            digests.append(found)
        assert digests[0] == digests[1]

    @rule(days=st.integers(1, 12), zone=ZONES)
    def ask_statistics(self, days: int, zone: str) -> None:
        until = NOW.date() + timedelta(days=4)
        for probe, quantity in product((PROBE, "p2"), ("ph", "orp")):
            self.both("statistics", probe, quantity, until - timedelta(days=days), until, zone)

    @rule(since=INSTANTS, until=INSTANTS, limit=st.one_of(st.none(), st.integers(0, 3)), descending=st.booleans())
    def ask_history(self, since: datetime, until: datetime, limit: int | None, descending: bool) -> None:
        self.both("history", PROBE, "ph", since, until, limit, descending=descending)
        self.both("columns", PROBE, "ph", since, until)

    @rule(at=INSTANTS)
    def ask_revisions(self, at: datetime) -> None:
        self.both("revisions", PROBE, "ph", at)

    @rule(name=st.sampled_from(["a", "b"]), owner=st.sampled_from(["ana@example.org", "Bo@example.org"]))
    def put_account(self, name: str, owner: str) -> None:
        self.both("put_account", account(name, owner))

    @rule(name=st.sampled_from(["a", "b"]))
    def remove_account(self, name: str) -> None:
        self.both("remove_account", name)

    @rule(name=st.sampled_from(["a", "b"]), keys=st.sets(st.integers(1, 3)), faulty=st.booleans(), zone=ZONES)
    def discover(self, name: str, keys: set[int], faulty: bool, zone: str) -> None:
        sites = tuple(site(key, time_zone=zone) for key in keys)
        self.both("put_discovery", name, discovery(*keys, sites=sites, faults=(FAULT,) if faulty else ()), self.at)

    @rule(
        user=st.sampled_from(["cy@example.org", "Bo@example.org"]),
        subject=st.sampled_from(["ondilo:1", "ondilo:2", "club"]),
        role=st.sampled_from(["viewer", "technician", None]),
    )
    def share(self, user: str, subject: str, role: Role | None) -> None:
        if role is None:
            self.both("remove_membership", user, subject)
        else:
            kind: SubjectKind = "site" if ":" in subject else "organisation"
            self.both("put_membership", Membership(user, kind, subject, role, self.at))

    @rule(exists=st.booleans(), name=st.sampled_from(["a", "b"]), owns=st.booleans())
    def organise(self, exists: bool, name: str, owns: bool) -> None:
        if exists:
            self.both("put_organisation", Organisation("club", "The club"))
            self.both("put_account", account(name, "ana@example.org", organisation="club" if owns else ""))
        else:
            self.both("remove_organisation", "club")

    @rule(keys=st.sets(st.integers(1, 4)))
    def advise(self, keys: set[int]) -> None:
        self.both("put_recommendations", "ondilo:1", [recommendation(key) for key in keys])

    @rule(subject=st.sampled_from("abcdef"), preferred=st.one_of(st.none(), st.sampled_from([7, 1_000_001])))
    def give_persona(self, subject: str, preferred: int | None) -> None:
        self.both("persona", "ondilo", "site", subject, preferred)

    @rule(kind=st.sampled_from(["late", "refused"]), ends=st.booleans())
    def go_wrong(self, kind: str, ends: bool) -> None:
        if ends:
            self.both("end_incident", "home", "home", kind, self.at)
        else:
            self.both("note_incident", incident(kind, at=self.at))

    @rule()
    def prune(self) -> None:
        self.both("prune", self.at, receipts_days=30)

    @invariant()
    def both_answer_alike(self) -> None:
        for probe in (PROBE, "p2"):
            self.both("latest", probe, self.at)
            self.both("quantities", probe)
            self.both("history", probe, "ph")
            for zone in ("UTC", "Europe/Paris"):
                self.both("statistics", probe, "ph", *DAYS, zone)
        for user in (None, "ana@example.org", "bo@example.org", "cy@example.org"):
            self.both("sites", seen_by=user)
            self.both("sites", seen_by=user, account="a", gone=True)
            self.both("roles", user or "")
        self.both("memberships")
        self.both("organisations")
        self.both("accounts")
        self.both("accounts_of", "ondilo:1")
        self.both("devices", "ondilo:1/ico")
        self.both("recommendations", "ondilo:1", waiting=False)
        self.both("incidents")
        self.both("count")

    def teardown(self) -> None:
        self.wait(self.other.close())
        self.wait(self.idle.close())


class SqliteBeside(BothStores):
    def __init__(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        super().__init__()

    def open(self) -> SqliteStore:
        return SqliteStore(Path(self.folder.name) / "m.sqlite", Vault(KEY))

    def teardown(self) -> None:
        super().teardown()
        self.folder.cleanup()


class PostgresBeside(BothStores):
    url = ""
    runner: asyncio.Runner

    def __init__(self) -> None:
        empty(self.url)
        super().__init__()

    def open(self) -> PostgresStore:
        return PostgresStore(self.url, Vault(KEY))

    def wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(coroutine)


TestSqliteBeside = SqliteBeside.TestCase
TestSqliteBeside.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)


def test_postgresql_does_the_same(url: str) -> None:
    with asyncio.Runner() as runner:
        PostgresBeside.url, PostgresBeside.runner = url, runner
        run_state_machine_as_test(
            PostgresBeside, settings=settings(max_examples=10, stateful_step_count=25, deadline=None)
        )
