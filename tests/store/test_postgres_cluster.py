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
from margelle.store.postgres import schema
from margelle.store.relations import ALIVE, RELATIONS

SPREAD = {"head", "piece", "chunk", "revision", "rolled", "year"}
"""By probe; all other tables are on every node."""
EVERYWHERE = {relation.name for relation in RELATIONS} | ALIVE | {"margelle"}
_VERB = re.compile(r"\s*(SELECT|INSERT INTO|UPDATE|DELETE FROM|COPY|WITH)\b")
_TABLE = re.compile(r'\b(?:FROM|JOIN|INTO|UPDATE|COPY|USING)\s+(?:ONLY\s+)?"?([a-z_]+)"?')
_NAMED = re.compile(r"\bprobe = (?:%s|%\(probe\)s|ANY\(%s\))")
_JOIN = re.compile(r"\bJOIN\b|\bFROM\s+\w+\s*,")
_INSERT = re.compile(r"\s*(?:INSERT INTO|COPY) ([a-z]+) \(probe\b")


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
    return set(_TABLE.findall(sql)) & (SPREAD | EVERYWHERE)


def is_apt(sql: str) -> bool:
    """Whether a cluster can answer `sql` on one node, or on all of them without moving rows between them."""
    parts = [part for part in re.split(r"\bUNION ALL\b", sql) if tables(part) & SPREAD]
    return all(_part_is_apt(part, alone=len(parts) == 1) for part in parts)


def _part_is_apt(part: str, *, alone: bool) -> bool:
    if _INSERT.match(part):
        return tables(part) <= {_INSERT.match(part)[1]}  # type: ignore[index]
    if _NAMED.search(part):
        return True
    return alone and len(tables(part)) == 1 and part.lstrip().startswith("SELECT") and not _JOIN.search(part)


def test_there_are_statements_to_look_at() -> None:
    assert len(STATEMENTS) > 80
    assert {table for _, sql in STATEMENTS for table in tables(sql)} >= SPREAD


@pytest.mark.parametrize("sql", [sql for _, sql in STATEMENTS if tables(sql) & SPREAD])
def test_a_statement_on_measurements_names_its_probe_or_is_answered_everywhere(sql: str) -> None:
    assert is_apt(sql), sql


def test_rows_of_several_nodes_are_not_locked_by_reading() -> None:
    assert [sql for _, sql in STATEMENTS if re.search(r"\bFOR (UPDATE|SHARE)\b", sql) and tables(sql) & SPREAD] == []


def test_every_table_has_its_place() -> None:
    made = set(re.findall(r'CREATE TABLE "?([a-z]+)"?', "".join(schema.scripts())))
    assert made == (SPREAD | EVERYWHERE) - {"margelle"}


def test_the_key_of_every_spread_table_has_the_probe() -> None:
    for table in SPREAD:
        text = re.search(rf"CREATE TABLE {table} \((.*?)\n\);", "".join(schema.scripts()), re.DOTALL)
        assert text is not None
        assert re.search(r"probe text COLLATE \"C\" NOT NULL( PRIMARY KEY)?,", text[1])
        assert "PRIMARY KEY (probe" in text[1] or "NOT NULL PRIMARY KEY" in text[1]
        assert "REFERENCES" not in text[1]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT points FROM chunk JOIN head ON head.probe = chunk.probe",
        "DELETE FROM piece WHERE id < %s",
        "UPDATE head SET pieces = 0",
        "SELECT points FROM chunk WHERE since = %s UNION ALL SELECT points FROM piece WHERE probe = %s",
        "INSERT INTO chunk (since, points) VALUES (%s, %s)",
        "SELECT head.probe FROM head, site",
    ],
)
def test_what_a_cluster_cannot_answer_is_noticed(sql: str) -> None:
    assert not is_apt(sql)
