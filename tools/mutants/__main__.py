"""`python -m tools.mutants`: fails on a mistake that the evidence does not notice and `tools/mutants.toml` does not excuse.

With words as arguments, the mistakes whose names hold one of them are tried, excused or not.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from tools.mutants.mistakes import Mistake, mistakes
from tools.mutants.trial import BROKEN, NOTICED, trials

ROOT: Final = Path(__file__).parents[2]
PACKAGE: Final = "margelle.vendors.ondilo"
MODULES: Final = ("wire", "translate.words", "translate.measure", "translate.person", "translate.pool")
TESTS: Final = "tests/vendors/ondilo/test_"
STAGES: Final = (
    ("--noconftest", f"{TESTS}translate.py", f"{TESTS}evidence.py"),
    (f"{TESTS}client.py", f"{TESTS}connector.py"),
    tuple(f"{TESTS}face_{name}.py" for name in ("document", "measures", "pools", "token")),
)
"""The quickest first."""
WARM: Final = (
    "pytest_asyncio",
    "pytest_socket",
    "pytest_timeout",
    "hypothesis",
    "margelle.serve.app",
    "margelle.store.memory",
)
"""Imported once, before the trials part from this process; none may import a module of the vendor."""


def main(words: list[str]) -> int:
    """The number of mistakes that nobody noticed or excused, 0 for success."""
    os.chdir(ROOT)
    began = time.monotonic()
    for module in WARM:
        importlib.import_module(module)
    everything = all_mistakes()
    excused = tomllib.loads((ROOT / "tools" / "mutants.toml").read_text())
    unknown = set(excused) - {one.name for one in everything}
    tried = [
        one for one in everything if (one.name not in excused if not words else any(word in one.name for word in words))
    ]
    survivors = []
    for name in survived(tried):
        print(f"not noticed: {name}" + (f" ({excused[name]})" if name in excused else ""), flush=True)
        survivors.append(name)
    for name in sorted(unknown):
        print(f"tools/mutants.toml excuses what is no mistake any more: {name}")
    print(
        f"{len(tried)} mistakes tried, {len(survivors)} not noticed, {len(excused)} excused, {time.monotonic() - began:.0f} s"
    )
    return len(set(survivors) - set(excused)) + len(unknown)


def all_mistakes() -> list[Mistake]:
    """Of every module that client and face share."""
    return [one for module in MODULES for one in mistakes(f"{PACKAGE}.{module}", _source(module))]


def survived(tried: Iterable[Mistake]) -> Iterator[str]:
    """The names of those that nothing noticed. Exits where the tests fail without any mistake, for that would excuse all."""
    cores = len(os.sched_getaffinity(0))
    unchanged = Mistake(f"{PACKAGE}.wire", "no mistake", _source("wire"))
    if [outcome for _, outcome in trials([unchanged], STAGES, 1)] != [0]:
        sys.exit("The tests fail without any mistake: run `pytest tests/vendors/ondilo` first.")
    for mistake, outcome in trials(tried, STAGES, cores):
        if outcome == BROKEN:
            sys.exit(f"The tests could not be run: {mistake.name}")
        if outcome != NOTICED:
            yield mistake.name


def _source(module: str) -> str:
    return (ROOT / "src" / PACKAGE.replace(".", "/") / f"{module.replace('.', '/')}.py").read_text()


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 1))
