"""`python -m tools.mutants`: fails on a mistake that the evidence does not notice and `tools/mutants.toml` does not excuse.

With words as arguments, the mistakes whose names hold one of them are tried, excused or not. Names begin with the vendor's.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from tools.mutants.fork import BROKEN
from tools.mutants.mistakes import Mistake, mistakes
from tools.mutants.swap import LEFT, swapped
from tools.mutants.trial import UNNOTICED, trials

ROOT: Final = Path(__file__).parents[2]


class Shared(Struct, frozen=True):
    """What a vendor's client and face share: its modules, and the tests that are to notice a mistake in them, the quickest first.

    `bare` tests need nothing of a conftest.py.
    """

    vendor: str
    modules: tuple[str, ...]
    bare: tuple[str, ...]
    other: tuple[str, ...]

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

    def tests(self, names: Sequence[str]) -> list[str]:
        """The files of some tests."""
        return [f"tests/vendors/{self.vendor}/test_{name}.py" for name in names]

    def stages(self, module: str) -> list[list[str]]:
        """The runs of pytest for a mistake that is imported: of wire types the evidence knows first."""
        bare = sorted(self.bare, key="evidence".__eq__, reverse=module.endswith(".wire"))
        return [["--noconftest", *self.tests([name])] for name in bare] + [self.tests(self.other)]


VENDORS: Final = (
    Shared(
        "ondilo",
        ("wire", "translate.words", "translate.measure", "translate.person", "translate.pool"),
        ("translate", "evidence"),
        ("client", "connector", "face_document", "face_measures", "face_pools", "face_token"),
    ),
    Shared(
        "flipr",
        ("wire", "translate.words", "translate.measure", "translate.module", "translate.statistics", "translate.hub"),
        ("translate", "evidence", "frame"),
        ("client", "face", "switching", "hubs"),
    ),
    Shared(
        "baxo",
        ("wire", "translate.words", "translate.tags", "translate.value", "translate.place", "translate.zone"),
        ("translate", "naming", "clock", "evidence"),
        ("client", "newer", "face_services", "face_pages"),
    ),
)
WARM: Final = (
    "pytest_asyncio.plugin",
    "pytest_socket",
    "pytest_timeout",
    "_hypothesis_pytestplugin",
    "hypothesis",
    "uvicorn",
    "margelle.serve.app",
    "margelle.store.memory",
)
"""Imported once, before the trials part from this process; none may import a module of the vendor."""


def main(words: list[str]) -> int:
    """The number of mistakes that nobody noticed or excused, 0 for success."""
    os.chdir(ROOT)
    with TemporaryDirectory() as compiled:
        sys.dont_write_bytecode, sys.pycache_prefix = False, compiled
        os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        for module in WARM:
            importlib.import_module(module)
        return _failures(words)


def _failures(words: list[str]) -> int:
    began = time.monotonic()
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
    tried = list(tried)
    for shared in VENDORS:
        own = [one for one in tried if one.module.startswith(f"{shared.package}.")]
        for mistake, outcome in _outcomes(shared, own) if own else ():
            if outcome == BROKEN:
                sys.exit(f"The tests could not be run: {mistake.name}")
            if outcome == UNNOTICED:
                yield mistake.name


def _outcomes(shared: Shared, own: Sequence[Mistake]) -> Iterator[tuple[Mistake, int]]:
    """Those in functions first, in one run of pytest; then those that must be imported, each in a run of its own."""
    cores = len(os.sched_getaffinity(0))
    inside = [one for one in own if one.function]
    modules = [f"{shared.package}.{name}" for name in shared.modules]
    left, told = [one for one in own if not one.function], 0
    for mistake, outcome in swapped(inside, modules, shared.tests([*shared.bare, *shared.other]), cores):
        told += 1
        if outcome == LEFT:
            left.append(mistake)
        else:
            yield mistake, outcome
    unchanged = Mistake(modules[0], "no mistake", shared.source(shared.modules[0]))
    if told < len(inside) or [outcome for _, outcome in trials([(unchanged, shared.stages(""))], 1)] != [UNNOTICED]:
        sys.exit(f"The tests fail without any mistake: run `pytest tests/vendors/{shared.vendor}` first.")
    yield from trials([(one, shared.stages(one.module)) for one in left], cores)


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 1))
