"""Rows of one series as JSON, written once and kept at hand for those who ask again; those of measurements are written from columns without making a row."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Hashable, Iterable, Sequence
from datetime import UTC, date, datetime
from functools import cache
from itertools import accumulate, chain
from math import gcd
from operator import add
from typing import Final

import msgspec
from msgspec import Struct

from margelle.at_hand import AtHand
from margelle.domain.measurement import Doubt, spelt
from margelle.domain.quantity import Catalogue
from margelle.domain.series import DAY_BYTES, POINT_BYTES, DaySlice, Points, Slice
from margelle.export.row import Row, Series, days

MOST_BYTES: Final = 64 << 20
"""So much is kept at hand: about half of it is text, the rest the columns and days of which that was made."""

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
_VALUE, _RAW = '"value":0.5,', '"raw":"0.5",'
"""How a row tells a value and what was written for it. In a text quotes have backslashes before them, so that neither can be met in one."""

_Tail = tuple[float | None, str | None, str, str, str | None]


class _Written(Struct):
    """All rows that are made `of` this, with commas between; and before which byte each begins, but for the comma, and the last one ends."""

    of: object
    text: bytes
    places: array[int]

    def part(self, first: int, last: int) -> memoryview:
        return memoryview(self.text)[self.places[first] + 1 : self.places[last]]

    def backwards(self, first: int, last: int) -> bytes:
        return b",".join([self.part(n, n + 1) for n in range(last - 1, first - 1, -1)])


class Fragments:
    """Writes rows of measurements and of days. What it keeps at hand is known by the very columns or days of which it was made, so it is never of others than those."""

    def __init__(self, catalogue: Catalogue, most_bytes: int = MOST_BYTES) -> None:
        self._catalogue = catalogue
        self._instants: tuple[list[int], list[bytes]] = [], []
        """Those that were written last: what a probe measures together has them in common."""
        self._kept: AtHand[Hashable, _Written] = AtHand(most_bytes, _weight)
        """By the identity of what it is made of, which lives as long as this does."""

    def told(self, wanted: Slice, series: Series, *, descending: bool = False) -> bytes | memoryview:
        """The rows of a slice, which is not empty, as JSON with commas between, the oldest or the newest first."""

        def write(first: int, last: int) -> _Written:
            return self._written(wanted.points, first, last, series)

        written, first, last = self._part(wanted, wanted.points, len(wanted.points.times), series, write)
        return written.backwards(first, last) if descending else written.part(first, last)

    def days(self, wanted: DaySlice, series: Series, zone: str, unit: str) -> memoryview:
        """The rows of days of that time zone likewise, the oldest first."""

        def write(first: int, last: int) -> _Written:
            rows = [_ENCODER.encode(day) for day in days(wanted.days[first:last], series, zone, unit)]
            return _Written(wanted.days, b",".join(rows), _places(len(row) + 1 for row in rows))

        written, first, last = self._part(wanted, wanted.days, len(wanted.days), (series, zone, unit), write)
        return written.part(first, last)

    def _part(
        self, wanted: Slice | DaySlice, of: object, count: int, name: Hashable, write: Callable[[int, int], _Written]
    ) -> tuple[_Written, int, int]:
        """What is written of `wanted`, and from where to where it stands there. `of` this there are so many."""
        key, first, last = (id(of), name), wanted.first, wanted.last
        written = self._kept.used(key)
        if written is not None:
            return written, first, last
        if wanted.lasting and len(wanted) * _SHARE >= count:
            return self._kept.keep(key, write(0, count)), first, last
        return write(first, last), 0, last - first

    def _written(self, points: Points, first: int, last: int, series: Series) -> _Written:
        known = self._catalogue.get(series.quantity)
        tails = _tails(points, first, last, series, known.unit.value if known else "")
        heads = self._heads(points.times[first:last])
        text = b"".join([*chain.from_iterable(zip(heads, tails, strict=True))])
        return _Written(points, text[1:], _places(map(add, map(len, heads), map(len, tails))))

    def _heads(self, times: list[int]) -> list[bytes]:
        """What rows begin with, and a comma before it."""
        if times != self._instants[0]:
            self._instants = times, [f",{text}".encode() for text in instants(times)]
        return self._instants[1]


def _weight(written: _Written) -> int:
    row_bytes = POINT_BYTES if isinstance(written.of, Points) else DAY_BYTES
    return len(written.text) + len(written.places) * (written.places.itemsize + row_bytes)


def _places(lengths: Iterable[int]) -> array[int]:
    return array("q", accumulate(lengths, initial=-1))


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


def _tails(points: Points, first: int, last: int, series: Series, unit: str) -> list[bytes]:
    """Of each point what follows its instant. Probes tell the same few numbers again and again: each is written once."""
    values, raws, doubts = points.values[first:last], points.raws[first:last], points.doubts[first:last]
    units, origins = points.units[first:last], points.origins[first:last]
    write = _writer(series, unit)
    if not values or units.count(units[0]) < len(units) or origins.count(origins[0]) < len(origins):
        told: list[_Tail] = list(zip(values, raws, units, origins, doubts, strict=True))
        known = {tail: write(tail) for tail in set(told)}
        return [*map(known.__getitem__, told)]
    plain = _plain(values, write((0.5, None, units[0], origins[0], None)).decode())
    tails = [*map(plain.__getitem__, values)]
    for n, value in enumerate(values):
        if raws[n] is not None or doubts[n] is not None or value is None:
            tails[n] = write((value, raws[n], units[n], origins[n], doubts[n]))
    return tails


def _plain(values: Sequence[float | None], model: str) -> dict[float | None, bytes]:
    """The same as the `model`, which is of 0.5, of each value of which nothing else is to be told; and nothing for none."""
    different = [value for value in set(values) if value is not None]
    texts = _ENCODER.encode(different)[1:-1].decode().split(",")
    begin, _, rest = model.partition(_VALUE)
    middle, _, end = rest.partition(_RAW)
    begin, middle, end = begin + _VALUE[:-4], "," + middle + _RAW[:-5], _RAW[-2:] + end
    told: dict[float | None, bytes] = {None: b""}
    for value, text in zip(different, texts, strict=bool(different)):
        told[value] = f"{begin}{text}{middle}{spelt(value)}{end}".encode()
    return told


def _writer(series: Series, unit: str) -> Callable[[_Tail], bytes]:
    """Writes a row as it is written everywhere, and takes the instant away."""

    @cache
    def write(tail: _Tail) -> bytes:
        value, raw, raw_unit, origin, told = tail
        doubts = _DOUBTS.decode(told) if told is not None else ()
        reason = "; ".join(doubt.reason for doubt in doubts) if doubts else None
        row = Row(
            _BEGIN, series.probe, series.site, series.quantity, value, unit or raw_unit, not doubts, reason,
            spelt(value) if raw is None else raw, raw_unit, origin, doubts or None,
        )  # fmt: skip
        return _ENCODER.encode(row)[_FIRST:]

    return write
