"""On a cluster (Citus): every statement on measurements is answered by the one node that has its probe, or by each node for its own.

EXPLAIN says so of each statement that the store has sent, and the store has sent every one that there is (`test_postgres_cluster` knows them).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import Any, Final

import psycopg
import pytest

from margelle.store.postgres import probes
from margelle.store.postgres.asking import narrowed
from margelle.store.postgres.cluster import SPREAD
from tests.postgres import empty
from tests.store.plans import Plan, Sent, everything, plan_of, plans_of
from tests.store.test_postgres_cluster import STATEMENTS, tables

EVERYWHERE: Final = {
    "SELECT probe FROM head WHERE pieces >= 32 LIMIT %s": "folding looks for what is due",
    "SELECT probe FROM head WHERE pieces > 0 LIMIT %s": "and for all that waits",
    "SELECT coalesce(sum(points), 0)::int8 FROM head": "the total",
    "SELECT coalesce(sum(count), 0)::int8 FROM chunk": "the total of what is folded",
    "SELECT probe FROM head ORDER BY probe": "checking and copying go from probe to probe",
    "SELECT DISTINCT probe FROM piece": "checking looks for what has no head",
    "SELECT DISTINCT probe FROM chunk": "likewise",
    "SELECT DISTINCT probe FROM revision": "likewise",
    "SELECT DISTINCT probe FROM rolled": "likewise",
    "SELECT count(*) FROM revision": "checking counts corrections",
    "SELECT id, account FROM receipt WHERE at < %s LIMIT %s": "receipts of all accounts become too old",
}
"""What each node is asked for its own, and why."""


@pytest.fixture(scope="module")
def sent(spread: str) -> Iterator[dict[str, list[Any]]]:
    """All that the store sends."""
    empty(spread)
    with pytest.MonkeyPatch.context() as patch:
        sent = Sent(patch)
        asyncio.run(everything(spread))
    yield sent.statements
    empty(spread)


@pytest.fixture(scope="module")
def plans(spread: str, sent: dict[str, list[Any]]) -> list[Plan]:
    """How the cluster answers each statement on what is spread."""
    return plans_of(spread, sent)


def test_every_statement_on_what_is_spread_was_sent(sent: dict[str, list[Any]]) -> None:
    """The one for one server alone is left out."""
    on_one = {"COPY arrived (probe, turn, pieces, points, newest) FROM STDIN (FORMAT binary)"}
    begun = [text.partition("{")[0] for _, text in STATEMENTS if tables(text) & SPREAD.keys() and text not in on_one]
    assert [text for text in begun if not any(way in one for way in _ways(text) for one in sent)] == []


def _ways(text: str) -> set[str]:
    """As it is sent, with all that it may be asked for and with nothing of that."""
    names = re.findall(r"%\((\w+)\)s", text)
    return {str(narrowed(text, dict.fromkeys(names, value))) for value in ("x", None)} if names else {text}


def test_no_statement_moves_rows_between_nodes(plans: list[Plan]) -> None:
    assert [(plan.sql, plan.ways) for plan in plans if plan.ways] == []


def test_what_names_one_probe_is_one_task(plans: list[Plan]) -> None:
    of_one = [plan for plan in plans if plan.named == 1]
    assert len(of_one) > 40
    assert [(plan.sql, plan.tasks) for plan in of_one if plan.tasks != 1] == []


def test_what_names_several_probes_asks_only_where_they_are(plans: list[Plan]) -> None:
    of_some = [plan for plan in plans if plan.named and plan.named > 1]
    assert {plan.named for plan in of_some} >= {2, 12}
    assert [(plan.sql, plan.tasks) for plan in of_some if not 1 <= plan.tasks <= (plan.named or 0)] == []


def test_each_node_is_asked_only_by_what_is_about_all(plans: list[Plan]) -> None:
    """Besides those of a copy, which reads whole tables."""
    of_all = {plan.sql for plan in plans if plan.named is None}
    named = {text for text in of_all if '"' not in text and "gap" not in text}
    assert named == EVERYWHERE.keys()
    assert {table for text in of_all - named for table in tables(text)} == {"gap", "receipt"}


def test_what_moves_rows_between_nodes_would_be_noticed(spread: str) -> None:
    heads = probes._PUT_HEADS.format(arrived=probes._SELECTED.format(source=probes._SENT))
    with psycopg.connect(spread, cursor_factory=psycopg.ClientCursor) as connection:
        plan = plan_of(connection, heads, [["a", "b"], [1, 1], [1, 1], [1, 1], [b"", b""]])
        other = plan_of(connection, "SELECT count(*) FROM (SELECT points FROM chunk LIMIT 1) AS one", ())
    assert plan.ways == {"Citus INSERT ... SELECT"}
    assert other.ways == {"Subplans"}
