"""A cluster keeps all of a probe in one place: every statement on measurements names its probe, or is answered piecewise everywhere.

The rules of Citus (documentation, "SQL support and workarounds"), checked on the text of all statements that there are: a statement goes to
one node where it filters by the column that rows are spread by; what it joins must be spread by the same column or be on every node; several
tables may be read without a filter only one by one.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from psycopg.abc import QueryNoTemplate as Query

from margelle.store import postgres
from margelle.store.layout.arrival import Arrival
from margelle.store.layout.folding import Folding
from margelle.store.postgres import probes, schema
from margelle.store.postgres.asking import Bindings, Row, Transaction
from margelle.store.postgres.cluster import CENTRAL, SPREAD
from margelle.store.postgres.image import Image
from margelle.store.relations import ALIVE, RELATIONS
from margelle.store.remembered import Remembered
from margelle.store.rules import micros
from tests.postgres import Databases
from tests.store.things import NOW, point

OTHERS = ({relation.name for relation in RELATIONS} | ALIVE | {"margelle"}) - SPREAD.keys()
"""On every node, or on the coordinator alone."""
_VERB = re.compile(r"\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|COPY|WITH)\b")
_TABLE = re.compile(r'\b(?:FROM|JOIN|INTO|UPDATE|COPY|USING)\s+(?:ONLY\s+)?"?([a-z_]+)"?')
_NAMED = re.compile(r"\b(?:probe|account) = (?:%s|%\(probe\)s|ANY\((?:%s|%\(probes\)s)\))")
_JOIN = re.compile(r"\bJOIN\b|\bFROM\s+\w+\s*,")
_INSERT = re.compile(r"\s*(?:INSERT INTO|COPY) ([a-z]+) (?:\((?:probe|account)\b|VALUES)")


def statements() -> Iterator[tuple[str, str]]:
    """Module and text of every statement in store/postgres: those with a name, and those in the code."""
    for found in pkgutil.iter_modules(postgres.__path__):
        module = importlib.import_module(f"{postgres.__name__}.{found.name}")
        texts = [value for value in vars(module).values() if isinstance(value, str | tuple | dict)]
        for value in texts:
            many = value.values() if isinstance(value, dict) else value if isinstance(value, tuple) else (value,)
            yield from ((found.name, one) for one in many if isinstance(one, str) and _VERB.match(one))
        tree = ast.parse(Path(module.__file__ or "").read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and _VERB.match(node.value):
                yield found.name, node.value


STATEMENTS = sorted(set(statements()))


def tables(sql: str) -> set[str]:
    return set(_TABLE.findall(sql)) & (SPREAD.keys() | OTHERS)


def is_apt(sql: str) -> bool:
    """Whether a cluster can answer `sql` on one node, or on all of them without moving rows between them."""
    parts = [part for part in re.split(r"\bUNION ALL\b", sql) if tables(part) & SPREAD.keys()]
    if len(parts) > 1 and "ANY(" in sql and not re.search(r"FROM \(\s*SELECT", sql):
        return False  # of several probes, each part would be brought to the coordinator first
    return all(_part_is_apt(part, alone=len(parts) == 1) for part in parts)


def _part_is_apt(part: str, *, alone: bool) -> bool:
    if _INSERT.match(part):
        return tables(part) <= {_INSERT.match(part)[1]}  # type: ignore[index]
    if _NAMED.search(part):
        return True
    return alone and len(tables(part)) == 1 and part.lstrip().startswith("SELECT") and not _JOIN.search(part)


def test_there_are_statements_to_look_at() -> None:
    assert len(STATEMENTS) > 80
    assert {table for _, sql in STATEMENTS for table in tables(sql)} >= SPREAD.keys()


@pytest.mark.parametrize("sql", [sql for _, sql in STATEMENTS if tables(sql) & SPREAD.keys()])
def test_a_statement_on_measurements_names_its_probe_or_is_answered_everywhere(sql: str) -> None:
    assert is_apt(sql), sql


def test_rows_of_several_nodes_are_not_locked_by_reading() -> None:
    """Only those of one server are, or of one shard."""
    locking = [sql for _, sql in STATEMENTS if re.search(r"\bFOR (NO KEY )?(UPDATE|SHARE)\b", sql)]
    assert [sql for sql in locking if tables(sql) & SPREAD.keys()] == [probes._LOCK_HEADS]


class Noted(Transaction):
    """A transaction on a cluster that has nothing yet, of which it is noted in which order heads are taken."""

    def __init__(self) -> None:
        self.name, self.is_spread, self.taken = "noted", True, list[str]()
        self.remembered, self.days = Remembered(0), Remembered(0)

    async def read(self, sql: Query, args: Bindings = ()) -> list[Row]:
        return [(probe, SHARDS[probe]) for probe in args[0]] if sql == probes._SHARDS else []  # type: ignore[index]

    async def read_each(self, sql: Query, rows: Sequence[Bindings]) -> list[Row]:
        for (some,) in rows:
            assert len({SHARDS[probe] for probe in some}) == 1
            self.taken += some
        return []

    async def demand(self, sql: Query, args: Bindings, count: int) -> None:
        assert len(args) == 5 * count
        self.taken += sorted([one for one in args if one in SHARDS], key=SHARDS.__getitem__)  # as Citus does

    async def run_each(self, sql: Query, rows: Sequence[Bindings]) -> None:
        """Nothing."""

    async def copy(self, sql: Query, types: Sequence[str], rows: Iterable[Row]) -> None:
        """Nothing."""

    @asynccontextmanager
    async def together(self, *, at_once: bool) -> AsyncIterator[None]:
        yield


SHARDS = {f"p{n:02}": n * 7 % 3 for n in range(20)}


@pytest.mark.parametrize("count", [1, 5, 20])
async def test_who_locks_heads_and_who_writes_them_take_them_in_one_order_by_shard(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probes, "_SENT_TOGETHER", 7)
    names = [*SHARDS][:count]
    locking, writing = Noted(), Noted()
    kept = await probes.locked_heads(locking, names[::-1])
    images, _ = await probes.worked(writing, kept.values(), arrive)
    await probes.write(writing, images)
    assert locking.taken == writing.taken == sorted(names, key=lambda name: (SHARDS[name], name))


def arrive(image: Image) -> None:
    image.new, _ = Arrival(image, Folding(image), micros(NOW)).keep([point(probe=image.kept.probe)])


def test_every_table_has_its_place() -> None:
    made = set(re.findall(r'CREATE TABLE "?([a-z]+)"?', "".join(schema.scripts())))
    assert made == (SPREAD.keys() | OTHERS) - {"margelle"}
    assert CENTRAL < OTHERS


def test_what_is_written_by_and_by_needs_no_other_node() -> None:
    """Or a wrong password would be a commit in two phases, and no answer while a node is away."""
    assert ALIVE <= CENTRAL


def test_a_node_does_not_choose_which_of_its_rows_are_changed() -> None:
    """Of a table that is on every node each has its own order: what is changed up to a limit would not be the same."""
    changing = [sql for _, sql in STATEMENTS if re.match(r"\s*(UPDATE|DELETE)", sql)]
    assert len(changing) > 20
    assert [sql for sql in changing if "LIMIT" in sql] == []


def test_what_changes_a_table_names_no_table_that_is_elsewhere() -> None:
    """Citus would send it to a node that does not have one of them."""
    changing = [sql for _, sql in STATEMENTS if re.match(r"\s*(INSERT|UPDATE|DELETE)", sql)]
    mixed = [sql for sql in changing if tables(sql) & CENTRAL and tables(sql) - CENTRAL]
    assert mixed == []


def test_the_key_of_every_spread_table_has_the_column_by_which_it_is_spread(server: Databases, database: str) -> None:
    sql = "SELECT relname, indexdef FROM pg_class, pg_indexes WHERE relkind = 'r' AND tablename = relname AND indexdef LIKE 'CREATE UNIQUE%'"
    found = [(table, text) for table, text in server.run(sql, "shared") if table in SPREAD]
    assert {table for table, _ in found} == SPREAD.keys()
    assert [text for table, text in found if not re.search(rf"\(.*\b{SPREAD[str(table)]}\b.*\)", str(text))] == []
    refers = server.run("SELECT conrelid::regclass::text FROM pg_constraint WHERE contype = 'f'", "shared")
    assert refers
    assert not {str(table) for (table,) in refers} & SPREAD.keys()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT points FROM chunk JOIN head ON head.probe = chunk.probe",
        "DELETE FROM piece WHERE id < %s",
        "UPDATE head SET pieces = 0",
        "SELECT points FROM chunk WHERE since = %s UNION ALL SELECT points FROM piece WHERE probe = %s",
        "SELECT points FROM chunk WHERE probe = ANY(%s) UNION ALL SELECT points FROM piece WHERE probe = ANY(%s)",
        "INSERT INTO chunk (since, points) VALUES (%s, %s)",
        "SELECT head.probe FROM head, site",
    ],
)
def test_what_a_cluster_cannot_answer_is_noticed(sql: str) -> None:
    assert not is_apt(sql)
