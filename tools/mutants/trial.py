"""A mistake tried out by importing everything anew in a process that sees it in place of the real module; no file is touched."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from types import ModuleType
from typing import Final

from tools.mutants.fork import in_forks, mute
from tools.mutants.mistakes import Mistake

UNNOTICED, NOTICED = 0, 1

OPTIONS: Final = (
    *("-x", "-q", "--assert=plain", "-p", "no:cacheprovider", "-m", "not hypothesis"),
    *("-p", "pytest_asyncio.plugin", "-p", "pytest_socket", "-p", "pytest_timeout", "-p", "_hypothesis_pytestplugin"),
)
"""How pytest is run; which plugins there are is not looked for (PYTEST_DISABLE_PLUGIN_AUTOLOAD)."""

Stage = Sequence[str]
"""Arguments of a run of pytest."""


class Planted(MetaPathFinder, Loader):
    """Imports one module from a source of ours."""

    def __init__(self, mistake: Mistake) -> None:
        self._mistake = mistake

    def find_spec(self, fullname: str, _path: object, _target: ModuleType | None = None) -> ModuleSpec | None:
        return spec_from_loader(fullname, self) if fullname == self._mistake.module else None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._mistake.source, f"<{self._mistake.module} with a mistake>", "exec"), module.__dict__)


def trials(mistakes: Iterable[tuple[Mistake, Sequence[Stage]]], cores: int) -> Iterator[tuple[Mistake, int]]:
    """Each mistake with what became of it, as they end. The next stage runs where the one before noticed nothing."""
    return in_forks(((mistake, partial(_trial, mistake, stages)) for mistake, stages in mistakes), cores)


def _trial(mistake: Mistake, stages: Sequence[Stage]) -> int:
    """Whatever is not well without the mistake has been seen before: a module that cannot even be imported is noticed too."""
    import pytest  # noqa: PLC0415

    mute()
    sys.meta_path.insert(0, Planted(mistake))
    return NOTICED if any(pytest.main([*stage, *OPTIONS]) != 0 for stage in stages) else UNNOTICED
