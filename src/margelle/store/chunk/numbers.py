"""Sequences of numbers in few bytes, and back to the last bit.

A sequence of whole numbers is written as itself or as its differences (whichever comes out smaller), from its lowest one, divided by what
divides them all, with the bytes of equal weight side by side, compressed with Zstandard. Floats that are decimals of a few digits, as probes
tell them, are written as whole numbers; others as their bits.
"""

from __future__ import annotations

import math
import sys
from array import array
from collections.abc import Sequence
from itertools import accumulate
from operator import sub
from typing import Final, TypeVar

import msgspec
import zstandard
from msgspec import Struct

LEVEL: Final = 3
"""Of Zstandard. Higher ones take two to ten times as long for 1 % less."""
MOST_DECIMALS: Final = 9
_EXACT: Final = 2**53
_CODES: Final = {1: "B", 2: "H", 4: "I", 8: "Q"}
_SAMPLE: Final = 16
_ODD_SHARE: Final = 16
"""Of so many values, one may be no decimal."""
_Number = TypeVar("_Number", int, float)


class _Whole(Struct, array_like=True):
    """`count` numbers: the `starts` of each order of differences, then those times `scale` from `base` on, in `planes` of `width` bytes each."""

    count: int
    starts: list[int]
    base: int
    scale: int
    width: int
    tight: bool
    planes: bytes


class _Floats(Struct, array_like=True):
    """Floats: whole numbers over 10**`decimals`, but for the `odd` ones; their bits where `decimals` is None."""

    decimals: int | None
    whole: bytes
    odd: dict[int, float]


_WHOLE: Final = msgspec.msgpack.Decoder(_Whole)
_FLOATS: Final = msgspec.msgpack.Decoder(_Floats)


def packed(numbers: Sequence[int], orders: Sequence[int] = (0, 1)) -> bytes:
    """The numbers (of 64 bits, with or without sign) in the shortest form that one of these `orders` of differences gives."""
    possible = [order for order in orders if order < len(numbers)] or [0]
    return min((_packed(numbers, order) for order in possible), key=len)


def unpacked(told: bytes) -> list[int]:
    """The numbers that were `packed`. Raises ValueError, msgspec.MsgspecError or ZstdError where it is something else."""
    whole = _WHOLE.decode(told)
    scaled, base, scale = _from_planes(whole), whole.base, whole.scale
    if whole.width == 1:
        numbers = _looked_up(scaled, [*range(base, base + 256 * scale, scale)])
    elif base or scale != 1:
        numbers = [base + number * scale for number in scaled]
    else:
        numbers = [*scaled]
    for start in reversed(whole.starts):
        numbers = list(accumulate(numbers, initial=start))
    return numbers


def packed_floats(values: Sequence[float]) -> bytes:
    """The values, all of them finite, so that every bit of them comes back."""
    for decimals in range(MOST_DECIMALS + 1):
        found = _decimals(values, decimals)
        if found is not None:
            whole, odd = found
            return msgspec.msgpack.encode(_Floats(decimals, packed(whole), odd))
    bits = array("Q", array("d", values).tobytes())
    return msgspec.msgpack.encode(_Floats(None, packed(bits, (0,)), {}))


def unpacked_floats(told: bytes) -> list[float]:
    """The values that were packed. Raises as `unpacked` does."""
    floats = _FLOATS.decode(told)
    if floats.decimals is None:
        return array("d", array("Q", unpacked(floats.whole)).tobytes()).tolist()
    values = _over(floats.whole, float(10**floats.decimals))
    for index, value in floats.odd.items():
        values[index] = value
    return values


def _over(told: bytes, power: float) -> list[float]:
    """The packed numbers, each over `power`."""
    whole = _WHOLE.decode(told)
    if whole.width == 1 and not whole.starts:
        base, scale = whole.base, whole.scale
        return _looked_up(_from_planes(whole), [(base + n * scale) / power for n in range(256)])
    return [number / power for number in unpacked(told)]


def _looked_up(numbers: Sequence[int], table: list[_Number]) -> list[_Number]:
    """For each number below 256 what stands there in the table: twice as fast as computing it."""
    return list(map(table.__getitem__, numbers))


def _packed(numbers: Sequence[int], order: int) -> bytes:
    starts: list[int] = []
    rest: Sequence[int] = numbers
    for _ in range(order):
        starts.append(rest[0])
        rest = list(map(sub, rest[1:], rest))
    base = min(rest, default=0)
    offsets = [number - base for number in rest] if base else rest
    scale = math.gcd(*offsets) or 1
    if scale != 1:
        offsets = [offset // scale for offset in offsets]
    top = max(offsets, default=0)
    width = next(width for width in _CODES if top < 1 << 8 * width) if top else 0
    planes = _planes(offsets, width)
    shorter = zstandard.ZstdCompressor(LEVEL).compress(planes)
    tight = len(shorter) < len(planes)
    return msgspec.msgpack.encode(_Whole(len(rest), starts, base, scale, width, tight, shorter if tight else planes))


def _planes(numbers: Sequence[int], width: int) -> bytes:
    """The lowest bytes of all numbers, then the next ones, and so on."""
    if not width:
        return b""
    items = array(_CODES[width], numbers)
    if sys.byteorder == "big":
        items.byteswap()
    told = items.tobytes()
    return b"".join(told[n::width] for n in range(width))


def _from_planes(whole: _Whole) -> Sequence[int]:
    count, width = whole.count, whole.width
    size = count * width
    planes = (
        zstandard.ZstdDecompressor().decompress(whole.planes, max_output_size=size) if whole.tight else whole.planes
    )
    if len(planes) != size:
        raise ValueError(f"{len(planes)} bytes instead of {size}")
    if width <= 1:
        return planes if width else bytes(count)
    told = bytearray(size)
    for n in range(width):
        told[n::width] = planes[n * count : (n + 1) * count]
    items = array(_CODES[width], bytes(told))
    if sys.byteorder == "big":
        items.byteswap()
    return items


def _decimals(values: Sequence[float], decimals: int) -> tuple[list[int], dict[int, float]] | None:
    """The values as whole numbers over 10**decimals, and those few that are none; None where too many are none.

    A whole number below 2**53 over a power of ten up to 10**22 is the float nearest to that decimal, so that nothing is lost.
    """
    power = float(10**decimals)
    if sum(not _is(value, _nearest(value, power), power) for value in values[:_SAMPLE]) > 1:
        return None
    whole = {value: _nearest(value, power) for value in set(values)}  # most values are there many times
    not_so = {value for value, number in whole.items() if not _is(value, number, power)}
    odd = {n: value for n, value in enumerate(values) if value in not_so} if not_so else {}
    if 0.0 in whole:
        odd |= {n: value for n, value in enumerate(values) if value == 0 and math.copysign(1.0, value) < 0}
    if len(odd) * _ODD_SHARE > len(values):
        return None
    return [whole[value] for value in values], odd


def _nearest(value: float, power: float) -> int:
    scaled = value * power
    return round(scaled) if -_EXACT < scaled < _EXACT else 0


def _is(value: float, number: int, power: float) -> bool:
    return number / power == value
