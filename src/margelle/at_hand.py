"""What was made once and may be asked for again, in memory for as long as there is room."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from sys import getsizeof
from typing import Final, Generic, TypeVar

from msgspec import Struct
from msgspec.structs import astuple

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

EACH: Final = 500
"""Bytes that whatever is at hand takes beside its key and itself, however small these are."""


class AtHand(Generic[K, V]):
    """Values by key, which weigh `most` bytes together at most, keys included: those that were kept first go first. One that is heavier alone is not kept.

    `weigh` tells the bytes of a value, without its key and `EACH`. Not for several threads.
    """

    def __init__(self, most: int, weigh: Callable[[V], int]) -> None:
        self.most, self._weigh = most, weigh
        self._kept: OrderedDict[K, V] = OrderedDict()
        self._weights: dict[K, int] = {}  # as they were when they were kept, whatever has become of a value since
        self._weight = 0
        self.get: Final[Callable[[K], V | None]] = self._kept.get
        """The value under a key, None where there is none. It is the dict's own: most of what is asked is found."""

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, key: K) -> bool:
        return key in self._kept

    @property
    def weight(self) -> int:
        """Bytes of all that is at hand."""
        return self._weight

    def used(self, key: K) -> V | None:
        """As `get`, but what is found is from now on the last to go."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def keep(self, key: K, value: V) -> V:
        """Keep a value at hand, in the place of one that has the same key, and return it."""
        self.drop(key)
        weight = weight_of(key) + self._weigh(value) + EACH
        if weight <= self.most:
            self._kept[key], self._weights[key] = value, weight
            self._weight += weight
            while self._weight > self.most:
                first, _ = self._kept.popitem(last=False)
                self._weight -= self._weights.pop(first)
        return value

    def drop(self, key: K) -> None:
        """Keep what has this key no longer, if there is something."""
        weight = self._weights.pop(key, None)
        if weight is not None:
            del self._kept[key]
            self._weight -= weight

    def forget(self) -> None:
        """Keep nothing of it any longer."""
        self._kept.clear()
        self._weights.clear()
        self._weight = 0


def weight_of(key: object) -> int:
    """Bytes of a key: of a text, of bytes, or of a tuple, set or struct with all that is in it."""
    if isinstance(key, tuple | frozenset):
        return getsizeof(key) + sum(map(weight_of, key))
    return getsizeof(key) + (weight_of(astuple(key)) if isinstance(key, Struct) else 0)
