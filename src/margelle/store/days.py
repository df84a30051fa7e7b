"""The statistics of days: computed from a column, and kept in few bytes."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from math import isfinite
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from margelle.domain.series import DayStatistics, mean, middle, midnight
from margelle.store import rules
from margelle.store.chunk import Column
from margelle.store.chunk.numbers import packed, packed_floats, unpacked, unpacked_floats

_DAY: Final = timedelta(days=1)
_SUM_DECIMALS: Final = 6


class _Days(Struct, array_like=True):
    """Days as columns. Sums take less room than means: those `means` that are not exactly the sum over the count stand apart."""

    days: bytes
    counts: bytes
    doubtful: bytes
    minima: bytes
    maxima: bytes
    medians: bytes
    sums: bytes
    means: dict[int, float]


_DECODER: Final = msgspec.msgpack.Decoder(dict[str, _Days])


def day(at_us: int, zone: ZoneInfo) -> date:
    """On which day that instant is."""
    return rules.instant(at_us).astimezone(zone).date()


def statistics(column: Column, zone: ZoneInfo, since_us: int, until_us: int) -> list[DayStatistics]:
    """What `domain.series.by_day` says of the column's points with since <= at < until."""
    times = column.times
    first, end = bisect_left(times, since_us), bisect_left(times, until_us)
    values: defaultdict[date, list[float]] = defaultdict(list)
    counts: defaultdict[date, int] = defaultdict(int)
    while first < end:
        today = day(times[first], zone)
        last = max(bisect_left(times, rules.micros(midnight(today + _DAY, zone)), first, end), first + 1)
        pairs = zip(column.values[first:last], column.doubts[first:last], strict=True)
        values[today] += [value for value, doubts in pairs if doubts is None and value is not None]
        counts[today] += last - first
        first = last
    return [
        DayStatistics(today, len(some), min(some), max(some), mean(some), middle(some), counts[today] - len(some))
        for today, some in sorted(values.items())
        if some
    ]


def encode(days: Mapping[str, Sequence[DayStatistics]]) -> bytes:
    """Days by quantity, each in order."""
    return msgspec.msgpack.encode({quantity: _packed(of_one) for quantity, of_one in days.items() if of_one})


def decode(told: bytes, quantity: str | None = None) -> dict[str, list[DayStatistics]]:
    """The days of each quantity, or of one. Raises ValueError, msgspec.MsgspecError or ZstdError where it is something else."""
    known = _DECODER.decode(told)
    return {name: _unpacked(days) for name, days in known.items() if quantity in {None, name}}


def _packed(days: Sequence[DayStatistics]) -> _Days:
    sums = [_sum(one) for one in days]
    return _Days(
        packed([one.day.toordinal() for one in days]),
        packed([one.count for one in days]),
        packed([one.doubtful for one in days]),
        packed_floats([one.minimum for one in days]),
        packed_floats([one.maximum for one in days]),
        packed_floats([one.median for one in days]),
        packed_floats(sums),
        {n: one.mean for n, one in enumerate(days) if sums[n] / one.count != one.mean},
    )


def _sum(day: DayStatistics) -> float:
    """The sum of a day's values, as the decimal that it nearly always is."""
    total = day.mean * day.count
    return round(total, _SUM_DECIMALS) if isfinite(total) else 0.0


def _unpacked(told: _Days) -> list[DayStatistics]:
    counts = unpacked(told.counts)
    means = [total / count for total, count in zip(unpacked_floats(told.sums), counts, strict=True)]
    for n, exact in told.means.items():
        means[n] = exact
    return list(
        map(
            DayStatistics,
            map(date.fromordinal, unpacked(told.days)),
            counts,
            unpacked_floats(told.minima),
            unpacked_floats(told.maxima),
            means,
            unpacked_floats(told.medians),
            unpacked(told.doubtful),
        )
    )
