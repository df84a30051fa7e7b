"""Rows of one series as JSON, written from columns without making a row, and kept at hand for those who ask again."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, date, datetime
from itertools import accumulate
from math import gcd
from operator import add
from typing import Final

import msgspec
from msgspec import Struct

from margelle.domain.measurement import Doubt, spelt
from margelle.domain.quantity import Catalogue
from margelle.domain.series import Points, Slice
from margelle.export.row import Row, Series

MOST_BYTES: Final = 32 << 20
"""So much text is kept at hand, with the columns of which it was made: about as much again."""

_SHARE: Final = 4
"""Of a lasting column all is written, if at least one in so many points of it is wanted."""

_ENCODER: Final = msgspec.json.Encoder()
_DOUBTS: Final = msgspec.json.Decoder(tuple[Doubt, ...])
_BEGIN: Final = datetime(1970, 1, 1, tzinfo=UTC)
_HEAD: Final = '{"at":"'
_FIRST: Final = len(_HEAD + "1970-01-01T00:00:00Z")
_DAY_ZERO: Final = _BEGIN.toordinal()
_DAY_US: Final = 86_400_000_000
_MINUTES: Final = [f"T{minute // 60:02}:{minute % 60:02}:" for minute in range(1440)]
_SECONDS: Final = [f"{second:02}Z" for second in range(60)]
_Tail = tuple[float | None, str | None, str, str, str | None]


class _Written(Struct):
    """The rows of all `points`, with commas between; and how long they are together up to each of them, without commas."""

    points: Points
    text: bytes
    lengths: array[int]

    def part(self, first: int, last: int) -> memoryview:
        begin = self.lengths[first - 1] + first if first else 0
        return memoryview(self.text)[begin : self.lengths[last - 1] + last - 1]

    def backwards(self, first: int, last: int) -> bytes:
        return b",".join([self.part(n, n + 1) for n in range(last - 1, first - 1, -1)])


class Fragments:
    """Writes rows of measurements. What it keeps at hand is known by the very columns of which it was made, so it is never of other points than those."""

    def __init__(self, catalogue: Catalogue, most_bytes: int = MOST_BYTES) -> None:
        self._catalogue, self._most = catalogue, most_bytes
        self._kept: dict[tuple[int, Series], _Written] = {}  # by the columns' identity; they live as long as this does
        self._size = 0

    def told(self, wanted: Slice, series: Series, *, descending: bool = False) -> bytes | memoryview:
        """The rows of a slice, which is not empty, as JSON with commas between, the oldest or the newest first."""
        points, first, last = wanted.points, wanted.first, wanted.last
        written = self._kept.pop((id(points), series), None)
        if written is not None:
            self._kept[id(points), series] = written  # the last to be dropped
        elif wanted.lasting and len(wanted) * _SHARE >= len(points.times):
            written = self._keep(points, series)
        else:
            written = self._written(points, first, last, series)
            first, last = 0, last - first
        return written.backwards(first, last) if descending else written.part(first, last)

    def _keep(self, points: Points, series: Series) -> _Written:
        written = self._written(points, 0, len(points.times), series)
        self._kept[id(points), series] = written
        self._size += len(written.text)
        while self._size > self._most:
            self._size -= len(self._kept.pop(next(iter(self._kept))).text)
        return written

    def _written(self, points: Points, first: int, last: int, series: Series) -> _Written:
        known = self._catalogue.get(series.quantity)
        tails = _tails(points, first, last, series, known.unit.value if known else "")
        rows = [*map(add, instants(points.times[first:last]), tails)]
        text = ",".join(rows)
        told = text.encode()
        lengths = map(len, rows) if text.isascii() else (len(row.encode()) for row in rows)
        return _Written(points, told, array("I", accumulate(lengths)))


def instants(times: Sequence[int]) -> list[str]:
    """What a row begins with: instants in microseconds since 1970, as every answer writes them. A strftime for each of them would take longer than all else."""
    days = {day: _HEAD + date.fromordinal(_DAY_ZERO + day).isoformat() for day in {at // _DAY_US for at in times}}
    whole = [
        f"{days[at // _DAY_US]}{_MINUTES[at // 60_000_000 % 1440]}{_SECONDS[at // 1_000_000 % 60]}" for at in times
    ]
    if gcd(*times) % 1_000_000:
        return [
            text if at % 1_000_000 == 0 else f"{text[:-1]}.{at % 1_000_000:06}Z"
            for at, text in zip(times, whole, strict=True)
        ]
    return whole


def _tails(points: Points, first: int, last: int, series: Series, unit: str) -> Iterable[str]:
    """Of each point what follows its instant. Probes tell the same few numbers again and again: each is written once."""
    lists = (points.values, points.raws, points.units, points.origins, points.doubts)
    told: list[_Tail] = list(zip(*(items[first:last] for items in lists), strict=True))
    write = _writer(series, unit)
    known = {tail: write(tail) for tail in set(told)}
    return map(known.__getitem__, told)


def _writer(series: Series, unit: str) -> Callable[[_Tail], str]:
    """Writes a row as it is written everywhere, and takes the instant away."""

    def write(tail: _Tail) -> str:
        value, raw, raw_unit, origin, told = tail
        doubts = _DOUBTS.decode(told) if told is not None else ()
        reason = "; ".join(doubt.reason for doubt in doubts) if doubts else None
        row = Row(
            _BEGIN, series.probe, series.site, series.quantity, value, unit or raw_unit, not doubts, reason,
            spelt(value) if raw is None else raw, raw_unit, origin, doubts or None,
        )  # fmt: skip
        return _ENCODER.encode(row)[_FIRST:].decode()

    return write
