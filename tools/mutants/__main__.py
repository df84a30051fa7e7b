"""`python -m tools.mutants`: fails on a mistake that the evidence does not notice and `tools/mutants.toml` does not excuse.

With words as arguments, the mistakes whose names hold one of them are tried, excused or not.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
import tomllib
from collections.abc import Container, Iterator, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from tools.mutants.mistakes import Mistake, mistakes
from tools.mutants.trial import BROKEN, NOTICED, trials

ROOT: Final = Path(__file__).parents[2]
PACKAGE: Final = "margelle.vendors"


class Range(Struct, frozen=True):
    """What of a vendor is shared by its client and its face, and the tests that must notice a mistake in it: the quickest first."""

    vendor: str
    modules: tuple[str, ...]
    stages: tuple[tuple[str, ...], ...]

    @property
    def tests(self) -> str:
        """Where this vendor's tests are."""
        return f"tests/vendors/{self.vendor}"

    def name(self, mistake: Mistake) -> str:
        """What a mistake is called among those of all vendors; those of the first one need no prefix."""
        return mistake.name if self is RANGES[0] else f"{self.vendor}/{mistake.name}"

    def files(self) -> list[tuple[str, ...]]:
        """The arguments of pytest for each stage."""
        return [
            tuple(name if name.startswith("-") else f"{self.tests}/test_{name}.py" for name in stage)
            for stage in self.stages
        ]


RANGES: Final = (
    Range(
        "ondilo",
        ("wire", "translate.words", "translate.measure", "translate.person", "translate.pool"),
        (
            ("--noconftest", "translate", "evidence"),
            ("client", "connector"),
            ("face_document", "face_measures", "face_pools", "face_token"),
        ),
    ),
    # Of translate.zone only the answers are tested, by example: its tables and its two dates have many spellings that mean the same.
    Range(
        "baxo",
        ("wire", "translate.words", "translate.tags", "translate.value", "translate.place"),
        (("--noconftest", "translate", "evidence"), ("client",), ("face_services", "face_pages")),
    ),
)
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
    excused = tomllib.loads((ROOT / "tools" / "mutants.toml").read_text())
    known: set[str] = set()
    survivors: list[str] = []
    count = 0
    for one in RANGES:
        everything = all_mistakes(one)
        known |= {one.name(mistake) for mistake in everything}
        tried = [mistake for mistake in everything if _wanted(one.name(mistake), words, excused)]
        count += len(tried)
        for name in survived(one, tried):
            print(f"not noticed: {name}" + (f" ({excused[name]})" if name in excused else ""), flush=True)
            survivors.append(name)
    unknown = set(excused) - known
    for name in sorted(unknown):
        print(f"tools/mutants.toml excuses what is no mistake any more: {name}")
    print(
        f"{count} mistakes tried, {len(survivors)} not noticed, {len(excused)} excused, {time.monotonic() - began:.0f} s"
    )
    return len(set(survivors) - set(excused)) + len(unknown)


def _wanted(name: str, words: list[str], excused: Container[str]) -> bool:
    return any(word in name for word in words) if words else name not in excused


def all_mistakes(one: Range) -> list[Mistake]:
    """Of every module that a vendor's client and face share."""
    return [found for module in one.modules for found in mistakes(_module(one, module), _source(one, module))]


def survived(one: Range, tried: Sequence[Mistake]) -> Iterator[str]:
    """The names of those that nothing noticed. Exits where the tests fail without any mistake, for that would excuse all."""
    if not tried:
        return
    cores = len(os.sched_getaffinity(0))
    unchanged = Mistake(_module(one, "wire"), "no mistake", _source(one, "wire"))
    if [outcome for _, outcome in trials([unchanged], one.files(), 1)] != [0]:
        sys.exit(f"The tests fail without any mistake: run `pytest {one.tests}` first.")
    for mistake, outcome in trials(tried, one.files(), cores):
        if outcome == BROKEN:
            sys.exit(f"The tests could not be run: {mistake.name}")
        if outcome != NOTICED:
            yield one.name(mistake)


def _module(one: Range, module: str) -> str:
    return f"{PACKAGE}.{one.vendor}.{module}"


def _source(one: Range, module: str) -> str:
    return (ROOT / "src" / f"{_module(one, module).replace('.', '/')}.py").read_text()


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 1))
