"""`python -m tools.mutants`: fails on a mistake that the evidence does not notice and `tools/mutants.toml` does not excuse.

With words as arguments, the mistakes whose names hold one of them are tried, excused or not. Names begin with the vendor's.
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

from msgspec import Struct
from msgspec.structs import replace

from tools.mutants.mistakes import Mistake, mistakes
from tools.mutants.trial import BROKEN, NOTICED, trials

ROOT: Final = Path(__file__).parents[2]


class Shared(Struct, frozen=True):
    """What a vendor's client and face share: its modules, and the tests that are to notice a mistake in them, the quickest first."""

    vendor: str
    modules: tuple[str, ...]
    stages: tuple[tuple[str, ...], ...]

    @property
    def package(self) -> str:
        """Where the modules are."""
        return f"margelle.vendors.{self.vendor}"

    def source(self, module: str) -> str:
        """The source of a module."""
        return (ROOT / "src" / self.package.replace(".", "/") / f"{module.replace('.', '/')}.py").read_text()

    def mistakes(self) -> list[Mistake]:
        """All mistakes in its modules."""
        found = [one for name in self.modules for one in mistakes(f"{self.package}.{name}", self.source(name))]
        return [replace(one, name=f"{self.vendor}.{one.name}") for one in found]


def _tests(vendor: str, *names: str) -> tuple[str, ...]:
    return tuple(f"tests/vendors/{vendor}/test_{name}.py" for name in names)


VENDORS: Final = (
    Shared(
        "ondilo",
        ("wire", "translate.words", "translate.measure", "translate.person", "translate.pool"),
        (
            ("--noconftest", *_tests("ondilo", "translate", "evidence")),
            _tests("ondilo", "client", "connector"),
            _tests("ondilo", "face_document", "face_measures", "face_pools", "face_token"),
        ),
    ),
    Shared(
        "baxo",
        (
            "wire",
            "translate.words",
            "translate.tags",
            "translate.value",
            "translate.place",
        ),  # not zone: dates and spellings that change nothing
        (
            ("--noconftest", *_tests("baxo", "translate", "clock", "evidence")),
            _tests("baxo", "client", "newer"),
            _tests("baxo", "face_services", "face_pages"),
        ),
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
    """Of every module that a client and its face share."""
    return [one for shared in VENDORS for one in shared.mistakes()]


def survived(tried: Iterable[Mistake]) -> Iterator[str]:
    """The names of those that nothing noticed. Exits where the tests fail without any mistake, for that would excuse all."""
    cores = len(os.sched_getaffinity(0))
    tried = list(tried)
    for shared in VENDORS:
        own = [one for one in tried if one.module.startswith(f"{shared.package}.")]
        unchanged = Mistake(f"{shared.package}.wire", "no mistake", shared.source("wire"))
        if own and [outcome for _, outcome in trials([unchanged], shared.stages, 1)] != [0]:
            sys.exit(f"The tests fail without any mistake: run `pytest tests/vendors/{shared.vendor}` first.")
        for mistake, outcome in trials(own, shared.stages, cores):
            if outcome == BROKEN:
                sys.exit(f"The tests could not be run: {mistake.name}")
            if outcome != NOTICED:
                yield mistake.name


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 1))
