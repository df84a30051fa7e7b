"""What the store sends to a cluster, and how the cluster answers it: EXPLAIN says so, with arguments as the store has sent them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

import psycopg
import pytest
from msgspec import Struct
from msgspec.structs import replace
from psycopg import sql

from margelle.domain.gap import Gap
from margelle.store.postgres import PostgresStore
from margelle.store.postgres.cluster import SPREAD
from margelle.store.relations import RELATIONS
from margelle.store.vault import Vault
from tests import citus
from tests.store.test_postgres_cluster import tables
from tests.store.things import DAY, HOUR, KEY, NOW, account, discovery, inspected, point, receipt, user

FLEET: Final = [f"ondilo:{n}/ico" for n in range(1, 13)]


class Plan(Struct):
    """How a statement with these arguments is answered: in so many tasks, and in which other ways."""

    sql: str
    args: Any
    tasks: int
    ways: set[str]

    @property
    def named(self) -> int | None:
        """How many probes or accounts it names, at most; None where it names none."""
        if isinstance(self.args, dict):
            return 1 if self.args.get("probe") else len(self.args.get("probes", ())) or None
        lists = [len(one) for one in self.args if isinstance(one, list)]
        if "ANY(%s)" in self.sql and lists and "probe = %s" not in self.sql:
            return max(lists)
        if self.sql.lstrip().startswith("INSERT INTO head"):
            return len(self.args) // 5
        column = next((column for table, column in SPREAD.items() if table in tables(self.sql)), None)
        is_named = f"{column} = %s" in self.sql or self.sql.lstrip().startswith("INSERT")
        return 1 if is_named else None


class Sent:
    """What is sent to PostgreSQL, with some of the arguments that it is sent with."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.statements: dict[str, list[Any]] = {}
        execute, many, copy = psycopg.AsyncConnection.execute, psycopg.AsyncCursor.executemany, psycopg.AsyncCursor.copy

        async def executing(connection: Any, query: Any, args: Any = None, **more: Any) -> Any:
            self.note(query, args)
            return await execute(connection, query, args, **more)

        async def executing_many(cursor: Any, query: Any, rows: Sequence[Any], **more: Any) -> None:
            self.note(query, rows[0])
            await many(cursor, query, rows, **more)

        def copying(cursor: Any, query: Any, *args: Any, **more: Any) -> Any:
            self.note(query, None)
            return copy(cursor, query, *args, **more)

        patch.setattr(psycopg.AsyncConnection, "execute", executing)
        patch.setattr(psycopg.AsyncCursor, "executemany", executing_many)
        patch.setattr(psycopg.AsyncCursor, "copy", copying)

    def note(self, query: Any, args: Any) -> None:
        text = query.as_string() if isinstance(query, sql.Composable) else query
        if isinstance(text, str):
            self.statements.setdefault(text, []).append(args or ())


async def everything(url: str) -> None:
    """Have a store do whatever it does."""
    store = PostgresStore(url, Vault(KEY), patience_s=20)
    await store.put_user(user())
    await store.put_account(account())
    await store.put_discovery("home", discovery(*range(1, 13)), NOW)
    await store.add([point(probe=probe) for probe in FLEET], NOW)
    await store.add([point(probe=probe, at=NOW + HOUR) for probe in FLEET[:2]], NOW)
    await store.add([point(at=NOW + n * HOUR) for n in range(2, 600)], NOW + 30 * DAY)
    await store.add([point(8, at=NOW + 3 * HOUR), point(at=NOW + 5 * HOUR / 2)], NOW + DAY, [point(at=NOW + HOUR)])
    while (await store.fold(everything=True)).more:
        pass
    await store.add([point(at=NOW + n * HOUR) for n in range(600, 660)], NOW + 30 * DAY)
    await store.fold(everything=True)
    for value, zone in ((7, "Europe/Paris"), (6, "Asia/Tokyo")):
        away = replace(discovery(1).sites[0], time_zone=zone)
        await store.put_discovery("home", replace(discovery(1), sites=(away,)), NOW)
        await store.add([point(value, at=NOW + 40 * HOUR)], NOW + 31 * DAY)
        await store.fold(everything=True)
    citus.run(url, f"UPDATE head SET newest = '' WHERE probe = '{FLEET[1]}'")
    assert [found.left async for found in store.repair()][-1] == ()
    await reading(store)
    for n in range(3):
        await store.keep_receipt(receipt(NOW + n * DAY))
    await store.receipts("home")
    await store.prune(NOW + 3 * DAY, receipts_days=1)
    await copying(store)
    await store.close()


async def reading(store: PostgresStore) -> None:
    probe, month = point().probe, (NOW, NOW + 30 * DAY)
    await store.latest(probe, NOW + 31 * DAY)
    await store.latest(probe, NOW)
    await store.history(probe, "ph", *month)
    await store.history(probe, "ph", limit=3, descending=True)
    await store.columns(probe, "ph", *month)
    await store.columns_of([(one, "ph") for one in FLEET], *month)
    await store.latest_of(FLEET, NOW + 31 * DAY)
    await store.marks(FLEET)
    for zone in ("UTC", "Europe/Paris", "Asia/Tokyo"):
        await store.statistics(probe, "ph", NOW.date(), (NOW + 30 * DAY).date(), zone)
    await store.revisions(probe, "ph", NOW + 3 * HOUR)
    await store.quantities(probe)
    await store.count()
    await store.loose()
    assert (await inspected(store)).faults == ()
    gap = Gap(probe, "ph", NOW + 700 * HOUR, NOW + 800 * HOUR, "open", NOW, "Because.")
    await store.put_gaps((), [gap])
    await store.gaps()
    await store.gaps(probe)
    await store.add([point(at=NOW + 710 * HOUR)], NOW + 40 * DAY)


async def copying(store: PostgresStore) -> None:
    for relation in RELATIONS:
        lines = await store.lines(relation, None, 10)
        last = await store.last_key(relation)
        if lines:
            await store.put_lines(relation, lines)
            await store.lines(relation, last, 10)
    for probe in await store.measuring():
        await store.put_stretch(f"{probe}/again", await store.stretch(probe, await store.reached("nobody")))
    await store.is_empty()


def plans_of(url: str, sent: dict[str, list[Any]]) -> list[Plan]:
    """How the cluster answers each statement on what is spread."""
    with psycopg.connect(url, cursor_factory=psycopg.ClientCursor) as connection:
        return [
            plan_of(connection, text, args)
            for text, many in sent.items()
            if tables(text) & SPREAD.keys() and not text.startswith("COPY")
            for args in many[:3] + many[-3:]
        ]


def plan_of(connection: psycopg.Connection[Any], text: str, args: Any) -> Plan:
    """How one statement is answered."""
    found = connection.execute(f"EXPLAIN (FORMAT JSON) {text}".encode(), args).fetchone()
    assert found is not None
    plan = Plan(text, args, 0, set())
    _walk(json.loads(found[0]) if isinstance(found[0], str) else found[0], plan)
    return plan


def _walk(node: Any, plan: Plan) -> None:
    """Note the tasks of a plan, and whatever is more than one round of tasks."""
    if isinstance(node, list):
        for one in node:
            _walk(one, plan)
    elif isinstance(node, dict):
        provider = node.get("Custom Plan Provider", "")
        if "Citus" in provider and provider != "Citus Adaptive":
            plan.ways.add(provider)
        plan.ways |= {key for key in ("Subplans", "Dependent Jobs", "Map Task Count") if key in node}
        plan.tasks += node.get("Task Count", 0)
        for key, value in node.items():
            if key != "Tasks":  # what a node does is its own
                _walk(value, plan)
