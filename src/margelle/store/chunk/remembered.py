"""Columns that were decoded, kept at hand."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Final

from margelle.store.chunk.column import Column

POINTS: Final = 150_000
"""So many points are kept at hand: about 20 MB."""


class Remembered:
    """Columns by what they were decoded from, which is known never to change. Nobody may change them; those that were asked for longest ago are dropped first."""

    def __init__(self, most: int = POINTS) -> None:
        self._columns: dict[Hashable, Column] = {}
        self._most, self._points = most, 0

    def get(self, key: Hashable) -> Column | None:
        """The column, if it is at hand."""
        column = self._columns.pop(key, None)
        if column is not None:
            self._columns[key] = column
        return column

    def keep(self, key: Hashable, column: Column) -> None:
        """Keep one that is not at hand."""
        self._columns[key] = column
        self._points += len(column)
        while self._points > self._most:
            self._points -= len(self._columns.pop(next(iter(self._columns))))

    def clear(self) -> None:
        """Forget them all."""
        self._columns.clear()
        self._points = 0
