"""Columns of chunks as they were decoded, kept at hand as long as there is room."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

from margelle.store.chunk import Column

REMEMBERED: Final = 150_000
"""So many points are kept at hand: about 20 MB."""


class Remembered:
    """Columns by what never means another one: a chunk's number, or its bytes."""

    def __init__(self) -> None:
        self._columns: dict[Hashable, Column] = {}
        self._points = 0

    def get(self, key: Hashable) -> Column | None:
        """The column, which nobody may change, if it is at hand."""
        return self._columns.get(key)

    def keep(self, key: Hashable, column: Column) -> None:
        """Keep a column at hand, and drop those that were first when there are too many."""
        self._columns[key] = column
        self._points += len(column)
        while self._points > REMEMBERED:
            self._points -= len(self._columns.pop(next(iter(self._columns))))

    def forget(self) -> None:
        """Forget all of them."""
        self._columns.clear()
        self._points = 0
