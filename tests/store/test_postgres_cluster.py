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
from collections.abc import Iterator
from pathlib import Path

import pytest

from margelle.store import postgres
from margelle.store.postgres import probes, schema
from margelle.store.postgres.cluster import CENTRAL, SPREAD
from margelle.store.relations import ALIVE, RELATIONS
from tests.postgres import Databases

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
    """Only those of one server are."""
    locking = [sql for _, sql in STATEMENTS if re.search(r"\bFOR (NO KEY )?(UPDATE|SHARE)\b", sql)]
    assert [sql for sql in locking if tables(sql) & SPREAD.keys()] == [probes._LOCK_ON_ONE]


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
