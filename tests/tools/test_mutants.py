from __future__ import annotations

import signal
import sys
from pathlib import Path
from types import ModuleType

import pytest
from tools.mutants.fork import BROKEN, KILLED, from_fork, in_forks, mute
from tools.mutants.mistakes import mistakes
from tools.mutants.swap import Watch, swap

SOURCE = '''"""A module."""

class Pool(Struct, kw_only=True):
    """A pool."""

    id: int
    name: str | None = None


LIMIT = {"low": 1, "high": 2.5}


def one(a: int, b: int) -> int | None:
    """Docstring."""
    if a is None or not b:
        raise ValueError("never mind")
    return call(a, b, x=Unit.VOLT, y=True) + 1
'''


def names() -> list[str]:
    return [mistake.name for mistake in mistakes("some.wire", SOURCE)]


@pytest.mark.parametrize(
    "name",
    [
        "wire.Pool: id is misspelt",
        "wire.Pool: id and name are swapped",
        "wire.Pool: name comes before id",
        "wire.Pool: kw_only is left out",
        "wire.Pool.name: `str | None` loses its end",
        "wire.Pool.name: the default becomes a text",
        "wire.LIMIT: 'low' is misspelt",
        "wire.LIMIT: 1 becomes 2",
        "wire.LIMIT: 1 and 2.5 are swapped",
        "wire.LIMIT: 2.5 is left out",
        "wire.one: if a is None or not b is turned",
        "wire.one: `a is None` is turned",
        "wire.one: `a is None or not b` is turned",
        "wire.one: of `a is None or not b` only part 2",
        "wire.one: `not b` loses its sign",
        "wire.one: arguments 1 and 2 of call are swapped",
        "wire.one: x and y of call are swapped",
        "wire.one: VOLT becomes MICROSIEMENS_PER_CM",
        "wire.one: True becomes False",
        "wire.one: `call(a, b, x=Unit.VOLT, y=True) + 1` is turned",
    ],
)
def test_each_kind_of_mistake_is_made(name: str) -> None:
    assert name in names()


def test_each_mistake_is_another_program_with_a_name_of_its_own() -> None:
    made = list(mistakes("some.wire", SOURCE))
    assert len({mistake.name for mistake in made}) == len(made)
    right = next(iter(mistakes("m", "x = 1"))).source
    assert right == "x = 2"
    for mistake in made:
        compile(mistake.source, "m", "exec")


def test_outside_the_wire_types_and_names_of_fields_are_our_own_affair() -> None:
    made = {mistake.name for mistake in mistakes("some.words", SOURCE)}
    assert "words.LIMIT: 'low' is misspelt" in made
    assert not [name for name in made if "Pool" in name and "default" not in name]


def test_what_nobody_runs_has_no_mistakes() -> None:
    assert not [name for name in names() if "Docstring" in name or "never mind" in name or "A module" in name]


def test_every_excuse_has_a_reason() -> None:
    import tomllib

    excused = tomllib.loads((Path(__file__).parents[2] / "tools" / "mutants.toml").read_text())
    assert all(isinstance(reason, str) and len(reason) > 10 for reason in excused.values())


def test_a_mistake_knows_the_function_that_it_is_in() -> None:
    assert {mistake.function for mistake in mistakes("some.wire", SOURCE)} == {"", "one"}
    inner = "class A:\n    b = 1\n\n    def c(self):\n        return [x + 1 for x in self.b]\n"
    assert [mistake.function for mistake in mistakes("some.words", inner)] == ["", "A.c", "A.c"]


# --- trials


def test_each_job_is_told_with_its_outcome() -> None:
    def fail() -> int:
        mute()
        raise ValueError("of no interest")

    def end() -> int:
        signal.raise_signal(signal.SIGKILL)
        return 0

    jobs = [
        ("notices", lambda: 1),
        ("does not", lambda: 0),
        ("fails", fail),
        ("ends", end),
    ]
    assert dict(in_forks(jobs, 2)) == {"notices": 1, "does not": 0, "fails": BROKEN, "ends": KILLED}


def test_a_fork_hands_over_what_it_found() -> None:
    assert from_fork(lambda: {"pool": 1.5}) == {"pool": 1.5}


FUNCTIONS = """
from functools import cache

class Pool:
    @classmethod
    def depth(cls): return 1 + 2

    @property
    def volume(self): return 1 + 4

@cache
def area(): return sum(n + 1 for n in (1, 2))
"""


def test_a_function_gets_the_code_with_the_mistake_wherever_it_is_held(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("pools")
    monkeypatch.setitem(sys.modules, "pools", module)
    exec(FUNCTIONS, module.__dict__)
    pool, area = module.Pool, module.area
    assert (pool.depth(), pool().volume, area()) == (3, 5, 5)
    for mistake in mistakes("pools", FUNCTIONS):
        if mistake.name.endswith("is turned"):
            swap(mistake)
    assert (pool.depth(), pool().volume, area()) == (-1, -3, 1)


def test_a_watch_notes_the_functions_that_are_entered() -> None:
    watch = Watch([__name__])
    sys.setprofile(watch)
    sorted(names())
    sys.setprofile(None)
    assert watch.spots == {(__name__, "names")}
