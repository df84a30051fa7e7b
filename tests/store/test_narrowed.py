"""What is asked for all, or for one, is two statements on PostgreSQL: each has a plan of its own."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path

import pytest

import margelle.store.postgres
from margelle.store.postgres.asking import narrowed

FOLDER = Path(margelle.store.postgres.__file__).parent
STATEMENTS = [
    text
    for file in sorted(FOLDER.glob("*.py"))
    for text in vars(import_module(f"margelle.store.postgres.{file.stem}")).values()
    if isinstance(text, str) and "IS NULL OR" in text and "%(" in text
]


def test_a_condition_that_does_not_count_is_left_out_and_one_that_does_is_bare() -> None:
    sql = "SELECT a FROM b WHERE (%(x)s::text IS NULL OR x = ANY(f(%(x)s))) AND (\n %(y)s::text[] IS NULL OR y = %(y)s)"
    assert narrowed(sql, {"x": None, "y": [1]}) == "SELECT a FROM b WHERE TRUE AND (y = %(y)s)"
    assert narrowed(sql, {"x": "1", "y": None}) == "SELECT a FROM b WHERE (x = ANY(f(%(x)s))) AND TRUE"
    assert narrowed("SELECT 1", {"x": None}) == "SELECT 1"
    assert narrowed(sql, ()) is sql


@pytest.mark.parametrize("missing", [True, False])
def test_no_statement_asks_whether_a_value_is_there(missing: bool) -> None:
    assert len(STATEMENTS) >= 8
    for sql in STATEMENTS:
        names = set(re.findall(r"%\((\w+)\)s", sql))
        told = str(narrowed(sql, dict.fromkeys(names, None if missing else "x")))
        assert not re.search(r"%\(\w+\)s(::[\w\[\]]+)? IS NULL", told), told
        assert told.count("(") == told.count(")")
