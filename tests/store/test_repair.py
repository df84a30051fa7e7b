"""What follows from the points can always be made anew, in either database; and what cannot be read is left as it is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

import apsw
import pytest

from margelle.ports import Repaired
from margelle.store import open_copyable
from margelle.store.copying import Copyable
from margelle.store.layout import rollup, stretch
from margelle.store.vault import Vault
from tests.postgres import Server
from tests.store.things import HOUR, NOW, account, discovery, inspected, point, site

PROBE, OTHER = "ondilo:1/ico", "p2"
Tamper = Callable[[str], None]
EMPTY: Final = {"sqlite": "x'80'", "postgresql": "'\\x80'"}
BROKEN: Final = {"sqlite": "x'00'", "postgresql": "'\\x00'"}
TAMPERINGS: Final = (
    ("UPDATE head SET newest = {empty}, pieces = 9", f"{PROBE}: "),
    ("UPDATE year SET days = {broken}", f"{PROBE}: not all statistics of days can be read"),
    ("DELETE FROM year", f"{PROBE}: the statistics of orp in Europe/Paris are not those of its points"),
    ("UPDATE rolled SET until = until - 86400000000", f"{PROBE}: the statistics of ph in UTC"),
    ("UPDATE chunk SET count = count + 1", "has other points than it says"),
)


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def where(kind: str, path: Path, request: pytest.FixtureRequest) -> str:
    """The URL of an empty database."""
    return str(request.getfixturevalue("url")) if kind == "postgresql" else str(path)


@pytest.fixture
def tamper(kind: str, path: Path, request: pytest.FixtureRequest) -> Tamper:
    """Execute a statement behind the store's back."""

    def execute(sql: str) -> None:
        sql = sql.format(empty=EMPTY[kind], broken=BROKEN[kind])
        if kind == "postgresql":
            server: Server = request.getfixturevalue("server")
            server.run(sql, "shared")
            return
        connection = apsw.Connection(str(path))
        connection.execute(sql)
        connection.close()

    return execute


@pytest.fixture
async def store(where: str, vault: Vault) -> AsyncIterator[Copyable]:
    """A store with chunks, pieces, corrections and statistics of days of two probes."""
    store = open_copyable(where, vault)
    await store.put_account(account())
    await store.put_discovery("home", discovery(1, sites=(site(1, time_zone="Europe/Paris"),)), NOW)
    for name in (PROBE, OTHER):
        points = [point(n % 7, NOW + n * HOUR, q, probe=name) for n in range(1500) for q in ("ph", "orp")]
        await store.add(points, NOW)
        await store.add([point(9.5, NOW + 3 * HOUR, probe=name), point(9, NOW + 2000 * HOUR, probe=name)], NOW)
    yield store
    await store.close()


async def repaired(store: Copyable) -> Repaired:
    return [one async for one in store.repair()][-1]


@pytest.mark.parametrize(("sql", "told"), TAMPERINGS)
async def test_what_follows_from_the_points_is_made_anew(store: Copyable, tamper: Tamper, sql: str, told: str) -> None:
    true = await inspected(store)
    assert (true.points, true.revisions, true.faults) == (6002, 2, ())
    latest = await store.latest(PROBE, NOW + 3000 * HOUR)
    tamper(sql)
    found = await inspected(store)
    assert any(told in fault for fault in found.faults), found.faults
    assert await repaired(store) == Repaired(2, (), 1.0)
    assert await inspected(store) == true
    assert await store.latest(PROBE, NOW + 3000 * HOUR) == latest
    assert await store.count() == 6002


async def test_a_head_that_cannot_be_read_is_made_anew(store: Copyable, tamper: Tamper) -> None:
    true = await inspected(store)
    tamper("UPDATE head SET newest = {broken}")
    assert f"{PROBE}: not every point can be read" in (await inspected(store)).faults[0]
    assert await repaired(store) == Repaired(2, (), 1.0)
    assert await inspected(store) == true


async def test_a_head_that_is_not_there_is_made_in_postgresql(kind: str, store: Copyable, tamper: Tamper) -> None:
    if kind == "sqlite":  # whose rows refer to it
        with pytest.raises(apsw.ConstraintError):
            tamper("PRAGMA foreign_keys = ON; DELETE FROM head")
        return
    true = await inspected(store)
    tamper(f"DELETE FROM head WHERE probe = '{OTHER}'")
    assert f"{OTHER} has measurements and no head." in (await inspected(store)).faults[0]
    assert await repaired(store) == Repaired(2, (), 1.0)
    assert await inspected(store) == true


async def test_a_probe_of_which_a_chunk_is_damaged_stays_as_it_is(store: Copyable, tamper: Tamper) -> None:
    tamper("UPDATE chunk SET points = {broken} WHERE since = (SELECT min(since) FROM chunk)")
    tamper("DELETE FROM year")
    done = await repaired(store)
    assert done.probes == 0
    assert [told.partition(" stays as it is: ")[0] for told in done.left] == [PROBE, OTHER]
    faults = (await inspected(store)).faults
    assert any(fault.startswith(f"{PROBE}: its chunk ") and "Restore your latest backup." in fault for fault in faults)


async def test_days_that_are_made_anew_part_by_part_are_the_same(
    store: Copyable, tamper: Tamper, monkeypatch: pytest.MonkeyPatch
) -> None:
    true = await inspected(store)
    monkeypatch.setattr(rollup, "MANY", 100)
    monkeypatch.setattr(stretch, "MANY", 300)
    assert await repaired(store) == Repaired(2, (), 1.0)
    assert await inspected(store) == true
    tamper("DELETE FROM year")
    assert len((await inspected(store)).faults) == 6


async def test_a_correction_of_nothing_is_told(store: Copyable, tamper: Tamper) -> None:
    tamper("UPDATE revision SET at = at + 1")
    faults = (await inspected(store)).faults
    assert f"{PROBE}: a ph that was corrected is not there any more. Restore your latest backup." in faults
