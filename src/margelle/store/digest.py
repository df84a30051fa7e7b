"""A digest of points in which neither their order nor the place where they are kept has a part: equal before and after they were moved."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from hashlib import blake2b
from typing import Final

import msgspec

from margelle.store.row import Row

_SIZE: Final = 16
_MODULUS: Final = 2 ** (8 * _SIZE)
_encode: Final = msgspec.msgpack.Encoder().encode


def of(probe: str, quantity: str, rows: Iterable[Row]) -> int:
    """The sum, modulo 2**128, of the BLAKE2b hashes of the points; sums of several series may be added."""
    total = 0
    for row in rows:
        total += int.from_bytes(blake2b(_encode((probe, quantity, row)), digest_size=_SIZE).digest(), "big")
    return total % _MODULUS


def of_past(probe: str, past: Iterable[tuple[str, int, Row]]) -> int:
    """The same of what was replaced: the quantity, when that was (microseconds since 1970) and the row, of each point in the order in which it was."""
    total, turns = 0, Counter[tuple[str, int]]()
    for quantity, replaced_us, row in past:
        turn = turns[quantity, row[0]]
        turns[quantity, row[0]] += 1
        told = _encode((probe, quantity, turn, replaced_us, row))
        total += int.from_bytes(blake2b(told, digest_size=_SIZE).digest(), "big")
    return total % _MODULUS


def spelt(total: int) -> str:
    """The digest as text."""
    return f"{total % _MODULUS:0{2 * _SIZE}x}"
