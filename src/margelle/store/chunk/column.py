"""The points of one quantity, column by column: in memory as lists, in a chunk as few bytes."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from itertools import chain, repeat
from typing import Any, Final, TypeVar

import msgspec
import zstandard
from msgspec import Struct

from margelle.domain.measurement import Measurement, spelt
from margelle.domain.series import Points
from margelle.store.chunk.numbers import LEVEL, MOST_DECIMALS, packed, packed_floats, unpacked, unpacked_floats
from margelle.store.row import Row, doubts_of, unit_of
from margelle.store.rules import EPOCH

T = TypeVar("T")
_Text = TypeVar("_Text", str, str | None)
_WORTH: Final = 64
"""From so many bytes on, the rest of a column is compressed."""
_SHORTEST: Final = -1
"""Raw texts are spelt as short as can be: 7.25, 7."""
_POINTED: Final = -2
"""Raw texts always have a point: 7.25, 7.0."""
_SAMPLE: Final = 64
"""So many raw texts tell how the others are likely to be written."""


class Column(Points, weakref=True):
    """The points of one quantity by one probe, of which its rows are made and which it is made of."""

    def __len__(self) -> int:
        return len(self.times)

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Column:
        """The column of these rows, which are in order."""
        return cls(*map(list, zip(*rows, strict=True))) if (rows := list(rows)) else cls([], [], [], [], [], [])

    @classmethod
    def joined(cls, parts: Sequence[Column]) -> Column:
        """The column of all rows of these, each of which is later than the one before."""
        if len(parts) == 1:
            return parts[0]
        return (
            cls(*(list(chain.from_iterable(lists)) for lists in zip(*(part._lists() for part in parts), strict=True)))
            if parts
            else cls.of(())
        )

    def rows(self, first: int = 0, last: int | None = None) -> list[Row]:
        """The rows from index `first` to before `last`."""
        return list(zip(*(items[first:last] for items in self._lists()), strict=True))

    def measurements(self, probe: str, quantity: str) -> list[Measurement]:
        """The rows as measurements: what a month of history does 720 times, hence nothing is called in a loop that can be helped."""
        return list(
            map(
                Measurement,
                repeat(probe),
                repeat(quantity),
                [EPOCH + timedelta(0, 0, at_us) for at_us in self.times],
                self.values,
                [raw if raw is not None else spelt(value) for raw, value in zip(self.raws, self.values, strict=True)],
                _alike(self.units, unit_of),
                self.origins,
                _alike(self.doubts, doubts_of),
            )
        )

    def part(self, first: int, last: int) -> Column:
        """The column of the rows from index `first` to before `last`."""
        return Column(*(items[first:last] for items in self._lists()))

    def bounds(self, since: int, until: int) -> tuple[int, int]:
        """The index of the first row with since <= at, and of the first one with until <= at."""
        first = bisect_left(self.times, since)
        return first, bisect_left(self.times, until, first)

    def put(self, index: int, row: Row) -> None:
        """Replace the row at `index` by another one of the same instant."""
        for items, item in zip(self._lists(), row, strict=True):
            items[index] = item

    def _lists(self) -> tuple[list[Any], ...]:
        return self.times, self.values, self.raws, self.units, self.origins, self.doubts


def _alike(texts: Sequence[_Text], meaning: Callable[[_Text], T]) -> Iterable[T]:
    """What each text means; most often they are all the same."""
    if not texts or texts.count(texts[0]) == len(texts):
        return repeat(meaning(texts[0])) if texts else ()
    return map(meaning, texts)


class _Sparse(Struct, array_like=True):
    """Texts at some positions: at `where[n]` stands `texts[which[n]]`."""

    where: bytes
    texts: list[str]
    which: bytes


class _Rest(Struct, array_like=True):
    """What few points of a column have: no value; another unit, origin or spelling than the others; doubts."""

    empty: bytes | None
    raws: _Sparse | None
    units: _Sparse | None
    origins: _Sparse | None
    doubts: _Sparse | None


class Packed(Struct, array_like=True):
    """A column without its times: the `unit` and `origin` of most points, how many `decimals` raw texts have."""

    unit: str
    origin: str
    decimals: int
    values: bytes
    rest: bytes
    tight: bool


_REST: Final = msgspec.msgpack.Decoder(_Rest)
_NO_REST: Final = _Rest(None, None, None, None, None)


def pack(column: Column) -> Packed:
    """The column, which is not empty, but for its times."""
    values, empty = _filled(column.values)
    decimals, raws = _spelling(column)
    (unit, units), (origin, origins) = _common(column.units), _common(column.origins)
    rest = _Rest(packed(empty) if empty else None, _sparse(raws), units, origins, _sparse(column.doubts))
    told = b"" if rest == _NO_REST else msgspec.msgpack.encode(rest)
    tight = len(told) >= _WORTH
    if tight:
        told = zstandard.ZstdCompressor(LEVEL).compress(told)
    return Packed(unit, origin, decimals, packed_floats(values), told, tight)


def unpack(told: Packed, times: list[int]) -> Column:
    """The column with these times. Raises as `numbers.unpacked` does."""
    count = len(times)
    values: list[float | None] = [*unpacked_floats(told.values)]
    if len(values) != count:
        raise ValueError(f"{len(values)} values at {count} instants")
    column = Column(times, values, [None] * count, [told.unit] * count, [told.origin] * count, [None] * count)
    if told.decimals != _SHORTEST:
        column.raws = _usual(values, told.decimals)
    if told.rest:
        rest = zstandard.ZstdDecompressor().decompress(told.rest) if told.tight else told.rest
        _fill(column, _REST.decode(rest))
    return column


def _fill(column: Column, rest: _Rest) -> None:
    """Put into the column what few of its points have."""
    for index in unpacked(rest.empty) if rest.empty else ():
        column.values[index] = column.raws[index] = None
    for index, text in _told(rest.raws):
        column.raws[index] = _unless_short(column.values[index], text)
    for index, text in _told(rest.units):
        column.units[index] = text
    for index, text in _told(rest.origins):
        column.origins[index] = text
    for index, text in _told(rest.doubts):
        column.doubts[index] = text


def _filled(values: Sequence[float | None]) -> tuple[list[float], list[int]]:
    """The values, with the one before in the place of each missing one; and where those are."""
    filled: list[float] = [value for value in values if value is not None]
    if len(filled) == len(values):
        return filled, []
    filled.clear()
    for value in values:
        filled.append(value if value is not None else filled[-1] if filled else 0.0)
    return filled, [index for index, value in enumerate(values) if value is None]


def _common(texts: Sequence[str]) -> tuple[str, _Sparse | None]:
    """What stands most often, and the others."""
    if texts.count(texts[0]) == len(texts):
        return texts[0], None
    ((most, _),) = Counter(texts).most_common(1)
    return most, _sparse([text if text != most else None for text in texts])


def _sparse(texts: Sequence[str | None]) -> _Sparse | None:
    if texts.count(None) == len(texts):
        return None
    where = [index for index, text in enumerate(texts) if text is not None]
    there: list[str] = [text for text in texts if text is not None]
    index = {text: n for n, text in enumerate(dict.fromkeys(there))}
    return _Sparse(packed(where), [*index], packed([index[text] for text in there]))


def _told(sparse: _Sparse | None) -> Iterable[tuple[int, str]]:
    if sparse is None:
        return ()
    texts = sparse.texts
    return zip(unpacked(sparse.where), [texts[which] for which in unpacked(sparse.which)], strict=True)


def _spelling(column: Column) -> tuple[int, list[str | None]]:
    """How many decimals most raw texts are written with, and the texts of the others; or a way to spell that needs no count."""
    odd = [index for index, raw in enumerate(column.raws[:_SAMPLE]) if raw is not None]
    if not odd:
        return _SHORTEST, column.raws
    raw, value = column.raws[odd[0]], column.values[odd[0]]
    decimals = _POINTED if raw == repr(value) else len((raw or "").partition(".")[2])
    if decimals == _POINTED or 0 < decimals <= MOST_DECIMALS:
        usual = _usual(column.values, decimals)
        pairs = zip(column.raws, usual, column.values, strict=True)
        others = [None if raw == text else spelt(value) if raw is None else raw for raw, text, value in pairs]
        if others.count(None) > column.raws.count(None):
            return decimals, others
    return _SHORTEST, column.raws


def _usual(values: Sequence[float | None], decimals: int) -> list[str | None]:
    """The raw texts, as they stand in rows, of values that are all written in this way."""
    texts = {value: None if value is None else _unless_short(value, _written(value, decimals)) for value in set(values)}
    return [texts[value] for value in values]


def _written(value: float, decimals: int) -> str:
    return repr(value) if decimals == _POINTED else f"{value:.{decimals}f}"


def _unless_short(value: float | None, text: str) -> str | None:
    """The raw text as it stands in a row: None where it is the shortest that spells the value."""
    return None if value is not None and text == spelt(value) else text
