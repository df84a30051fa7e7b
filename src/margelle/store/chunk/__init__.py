"""The points of one probe over some time as one compressed piece: what it is, whatever database keeps it.

A chunk holds a column for each quantity. Quantities that were measured at the same instants, or at most of them, share one axis of times,
which is what costs most where a probe measures irregularly. Everything comes back as it was given: floats to the last bit, raw texts to the
letter. A checksum tells damage.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Mapping
from typing import Final

import msgspec
import zstandard
from msgspec import Struct

from margelle.store.chunk.column import Column, Packed, pack, unpack
from margelle.store.chunk.numbers import packed, unpacked

__all__ = ["Column", "Damaged", "decode", "encode"]

FORMAT: Final = b"\x01"
_ORDERS: Final = (1, 2)
_SHARED: Final = 2
"""A column shares an axis of which it has at least one in so many instants."""


class Damaged(ValueError):
    """A chunk that is not as it was written."""


class _Placed(Struct, array_like=True):
    """A column on one of the axes, but for the instants at the places `missing`."""

    quantity: str
    axis: int
    missing: bytes
    column: Packed


class _Chunk(Struct, array_like=True):
    axes: list[bytes]
    columns: list[_Placed]


_DECODER: Final = msgspec.msgpack.Decoder(_Chunk)


def encode(columns: Mapping[str, Column]) -> bytes:
    """The columns, by quantity, as a chunk. Times are in order and none is there twice; values are finite. Empty columns are left out."""
    axes: list[list[int]] = []
    placed: list[_Placed] = []
    for quantity, column in sorted(columns.items(), key=lambda item: (-len(item[1]), item[0])):
        if column.times:
            axis, missing = _place(column.times, axes)
            placed.append(_Placed(quantity, axis, packed(missing) if missing else b"", pack(column)))
    told = msgspec.msgpack.encode(_Chunk([packed(times, _ORDERS) for times in axes], placed))
    return FORMAT + zlib.crc32(told).to_bytes(4, "big") + told


def decode(chunk: bytes, wanted: Collection[str] | None = None) -> dict[str, Column]:
    """The columns of a chunk by quantity, those `wanted` or all; one that is not there is left out. Raises Damaged."""
    told = chunk[5:]
    if chunk[:1] != FORMAT:
        raise Damaged(f"It begins with {chunk[:1]!r}, not with {FORMAT!r}: a newer margelle may have written it.")
    if zlib.crc32(told) != int.from_bytes(chunk[1:5], "big"):
        raise Damaged("Its checksum is wrong.")
    try:
        return _columns(_DECODER.decode(told), wanted)
    except (msgspec.MsgspecError, zstandard.ZstdError, ValueError, IndexError) as error:
        raise Damaged(str(error)) from None


def _columns(chunk: _Chunk, wanted: Collection[str] | None) -> dict[str, Column]:
    axes: dict[int, list[int]] = {}
    columns: dict[str, Column] = {}
    for placed in chunk.columns:
        if wanted is None or placed.quantity in wanted:
            if placed.axis not in axes:
                axes[placed.axis] = unpacked(chunk.axes[placed.axis])
            times = _without(axes[placed.axis], placed.missing)
            columns[placed.quantity] = unpack(placed.column, times)
    return columns


def _place(times: list[int], axes: list[list[int]]) -> tuple[int, list[int]]:
    """The axis that has these times, made where there is none; and the places of it at which there is no point."""
    own: set[int] = set()
    for number, axis in enumerate(axes):
        if axis == times:
            return number, []
        if len(times) * _SHARED < len(axis):
            continue
        own = own or set(times)
        missing = [place for place, at in enumerate(axis) if at not in own]
        if len(axis) - len(missing) == len(times):
            return number, missing
    axes.append(times)
    return len(axes) - 1, []


def _without(axis: list[int], missing: bytes) -> list[int]:
    if not missing:
        return axis.copy()
    gone = set(unpacked(missing))
    return [at for place, at in enumerate(axis) if place not in gone]
