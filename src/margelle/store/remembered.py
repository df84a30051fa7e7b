"""What was decoded or computed of what is kept, at hand as long as there is room."""

from __future__ import annotations

from collections.abc import Hashable, Sequence, Sized
from typing import Final, Generic, TypeVar

from margelle.store.chunk import Column

T = TypeVar("T", bound=Sized)

REMEMBERED: Final = 150_000
"""So many points are kept at hand: about 20 MB."""
DAYS: Final = 40_000
"""So many days: about 10 MB."""


class Remembered(Generic[T]):
    """Sequences by what never means another one: a chunk's number, or its bytes. They have `most` items together."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: dict[Hashable, T] = {}
        self._items = 0

    def get(self, key: Hashable) -> T | None:
        """The sequence, which nobody may change, if it is at hand."""
        return self._kept.get(key)

    def keep(self, key: Hashable, kept: T) -> T:
        """Keep it at hand, and drop those that were first when there are too many."""
        self._kept[key] = kept
        self._items += len(kept)
        while self._items > self._most:
            self._items -= len(self._kept.pop(next(iter(self._kept))))
        return kept

    def forget(self) -> None:
        """Forget all of them."""
        self._kept.clear()
        self._items = 0


class These:
    """Columns by what they are and not by what they are like: a key that keeps them alive, so that no other has their place."""

    __slots__ = ("_columns",)

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = columns

    def __hash__(self) -> int:
        return hash(tuple(map(id, self._columns)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, These) and [*map(id, self._columns)] == [*map(id, other._columns)]
