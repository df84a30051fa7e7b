"""What was decoded or computed of what is kept, at hand as long as there is room."""

from __future__ import annotations

from collections.abc import Hashable, Sequence, Sized
from typing import Final, TypeVar
from weakref import ref

from margelle.at_hand import AtHand
from margelle.domain.series import DAY_BYTES, POINT_BYTES
from margelle.store.chunk import Column

T = TypeVar("T", bound=Sized)

REMEMBERED: Final = 24 << 20
"""Bytes of columns that are kept at hand, with their keys: some 150 000 points."""
DAYS: Final = 14 << 20
"""Bytes of days, with their keys: some 40 000 days."""


class Remembered(AtHand[Hashable, T]):
    """Columns, or lists of days, by what never means another one: a chunk's number, or its bytes. Nobody may change them."""

    def __init__(self, most: int) -> None:
        """`most` is how many bytes they may have together with their keys."""
        super().__init__(most, _weight)


def _weight(kept: Sized) -> int:
    return len(kept) * (POINT_BYTES if isinstance(kept, Column) else DAY_BYTES)


class These:
    """Columns by what they are and not by what they are like. It does not keep them alive; once one of them is gone, this is like no other."""

    __slots__ = ("_columns", "_hash")

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = [*map(ref, columns)]
        self._hash = hash(tuple(map(id, columns)))

    def __hash__(self) -> int:
        return self._hash

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, These) or len(self._columns) != len(other._columns):
            return False
        pairs = zip(self._columns, other._columns, strict=True)
        return all((column := one()) is not None and column is two() for one, two in pairs)

    def __sizeof__(self) -> int:
        return 100 * (len(self._columns) + 2)
