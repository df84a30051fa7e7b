"""What is only on or off, over a span: what it held, and its duty, which is for how much of the time it was on.

It is told when it changes and holds until then, so that what it held between two readings is known by the second. After the last one it is
known as long as its probe is heard of at all: nobody has said that it changed. The hub asks no vendor for a sign of life of a single tag,
and none of their documents promises one.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import accumulate, compress, pairwise
from operator import itemgetter, ne, sub
from typing import Final, Literal
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from margelle.domain.measurement import Doubt
from margelle.domain.series import MOMENT, DayStatistics, Slice, middle, midnight
from margelle.domain.state import HOURLY, MOST_SILENT, silent_after
from margelle.ports import Reader
from margelle.serve.line import (
    MOST_DOUBTED,
    MOST_POINTS,
    Doubted,
    Line,
    Summary,
    Track,
    View,
    mean_of,
    noon_s,
    together,
)

MOST_TOLD: Final = 50_000
"""So many readings are read of a long span for its duties, of all that is on or off together."""

Basis = Literal["", "time", "readings"]
"""Of what a duty is a part: of nothing, since it is no duty; of the time, or of the readings."""

_ALL: Final = 2**62
"""More readings than anything tells."""

_BEHIND: Final = 1_000
"""So many doubted readings in a row are looked behind for what was held before a span."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = timedelta(seconds=1) // MOMENT
_DOUBTS: Final = msgspec.json.Decoder(tuple[Doubt, ...])


class Held(Struct, frozen=True):
    """What was held, by turns on and off: `first` from the first of `times` on, the other from the next, and so on to `end`. `spent` is how long it had been on at each of them. All in microseconds, instants since 1970."""

    first: bool
    times: Sequence[int]
    spent: Sequence[int]
    end: int

    def on(self, n: int) -> bool:
        """Whether it was on from the `n`th of `times`."""
        return self.first != bool(n % 2)

    def duties(self, edges: Sequence[int]) -> list[float | None]:
        """From each of these instants to the next, for how much of the time it was on, from 0 to 1, as far as is known; None where nothing is."""
        first = self.times[0]
        known = [first if edge < first else min(edge, self.end) for edge in edges]
        spent = [self._spent(at) for at in known]
        return [
            (on - before) / (until - since) if since < until else None
            for (since, until), (before, on) in zip(pairwise(known), pairwise(spent), strict=True)
        ]

    def _spent(self, at: int) -> int:
        n = bisect_right(self.times, at) - 1
        return self.spent[n] + (at - self.times[n] if self.on(n) else 0)


class Duty(Struct, frozen=True):
    """How something on or off is told of a span: its `whole` duty (0 to 1; None: nothing is known), that of each stretch of `days` by the day in their middle, and whether it was ever off, and ever on.

    A duty is a part of the time; by `readings`, of those, and then there is nothing of which it would be known what was `held`. `count` and
    `doubtful` are what was told within the span.
    """

    by: Basis
    whole: float | None
    ends: tuple[bool, bool]
    days: Mapping[date, float]
    count: int
    doubtful: int
    held: Held | None = None
    doubted: Doubted | None = None

    def steps(self, track: Track) -> Line:
        """What was held, as a line with steps and no breaks."""
        at, value = _steps(self.held) if self.held else ([], [])
        return Line(track.probe, at, value, doubted=self.doubted)

    def curve(self, track: Track, view: View) -> Line:
        """The duties of the days, in percent."""
        at = [noon_s(day, view.time_zone) for day in self.days]
        return Line(track.probe, at, [_percent(each) for each in self.days.values()])

    def summary(self, track: Track, *, percent: bool) -> Summary | None:
        """In statistics; of steps, in the unit of what is on or off, so that the mean is the duty and the median how it was for most of the time."""
        if self.whole is None:
            return None
        usual = middle([*self.days.values()]) if percent and self.days else float(self.whole > 0.5)
        figures = (float(self.ends[0]), usual, self.whole, float(self.ends[1]))
        low, usual, mean, high = (_percent(each) if percent else round(each, 4) for each in figures)
        return Summary(track.probe, self.count, low, usual, mean, high, self.doubtful)


async def duties(reader: Reader, tracks: Sequence[Track], view: View, step: int) -> dict[Track, Duty]:
    """How each of those `tracks` that are on or off is told of a view, and of each `step` days: what curves, statistics, tables and prints say.

    By the time in which it was on, since it stays as it is until it tells of a change. Of a long span no more is read for that than anybody
    can wait for: the quantities that tell most are told by how many of their readings were on. That is the same where readings come at a
    fixed rhythm, and not where only changes are told, so whoever shows it says of what it is.
    """
    states = [track for track in tracks if view.is_state(track.quantity)]
    if not states:
        return {}
    ends, parts = await _known_until(reader, {track.probe for track in states}, view), _parts(view, step)
    days = {track: await _days(reader, track, view) if view.by_days else [] for track in states}
    left = MOST_TOLD if view.by_days else _ALL
    found: dict[Track, Duty] = {}
    for count, some in sorted(_counted(days), key=itemgetter(0)):
        read = await _read(reader, some, view, left) if count <= left else None
        if read is None:
            left = 0
            found |= {track: _by_readings(days[track], step) for track in some}
        else:
            left -= sum(each.count for each in read.values())
            found |= {track: _by_time(told, view, ends[track.probe], parts) for track, told in read.items()}
    return found


def _counted(days: Mapping[Track, Sequence[DayStatistics]]) -> Iterator[tuple[int, list[Track]]]:
    """The series of each quantity, which share a panel and its unit, and how much they tell: at least, since days of nothing but doubted readings have no statistics."""
    for quantity in dict.fromkeys(track.quantity for track in days):
        some = [track for track in days if track.quantity == quantity]
        yield sum(day.count + day.doubtful for track in some for day in days[track]), some


async def _days(reader: Reader, track: Track, view: View) -> list[DayStatistics]:
    first, last = view.days
    return await reader.statistics(track.probe, track.quantity, first, last + timedelta(days=1), view.time_zone)


async def _known_until(reader: Reader, probes: set[str], view: View) -> dict[str, int]:
    """Of each probe, up to when it is known what it holds: as long as the hub would not call it silent, since when it was heard of at all.

    A probe that measures nothing has no rhythm by which it would be missed, so that the longest is waited for.
    """
    now = view.now or view.until
    found: dict[str, int] = {}
    for probe, latest in (await reader.latest_of(probes, now)).items():
        quiet = silent_after(HOURLY) if any(not view.is_state(name) for name in latest) else MOST_SILENT
        newest = max((point.at for point in latest.values()), default=view.since)
        found[probe] = _micros(min(view.until, now, newest + quiet))
    return found


class _Told(Struct):
    """The readings of a span: when they were, and what was on, after what held `before`; and what was doubted: when, what, and why."""

    times: list[int]
    on: list[bool]
    doubted: list[tuple[int, float | None, str]]
    before: bool | None = None

    @property
    def count(self) -> int:
        """How many they are."""
        return len(self.times) + len(self.doubted)


async def _read(reader: Reader, tracks: Sequence[Track], view: View, most: int) -> dict[Track, _Told] | None:
    """What these told in a view; None where that is more than `most` readings, of which no more are read than that."""
    found: dict[Track, _Told] = {}
    for track in tracks:
        told = _told(await reader.slices(track.probe, track.quantity, view.since, view.until, most + 1))
        most -= told.count
        if most < 0:
            return None
        told.before = await _before(reader, track, view.since)
        found[track] = told
        await asyncio.sleep(0)  # others get their turn
    return found


def _told(slices: Iterable[Slice]) -> _Told:
    """What these are. Of a year they are many, so that all is done by the list."""
    told = _Told([], [], [])
    for one in slices:
        part = slice(one.first, one.last)
        times, values, doubts = one.points.times[part], one.points.values[part], one.points.doubts[part]
        sound = [why is None and value is not None for value, why in zip(values, doubts, strict=True)]
        told.times += compress(times, sound)
        told.on += map(bool, compress(values, sound))
        told.doubted += [
            (at, value, why) for at, value, why in zip(times, values, doubts, strict=True) if why is not None
        ]
    return told


async def _before(reader: Reader, track: Track, since: datetime) -> bool | None:
    """What was held when the span began: what the last sound reading before it says."""
    for most in (1, _BEHIND):
        slices = await reader.slices(track.probe, track.quantity, None, since, most, descending=True)
        if on := _told(slices[::-1]).on:
            return on[-1]
        if sum(map(len, slices)) < most:
            break
    return None


def _by_time(told: _Told, view: View, end: int, parts: tuple[Sequence[date], Sequence[int]]) -> Duty:
    held = _held(told, _micros(view.since), end)
    count, doubtful, doubted = len(told.times), len(told.doubted), _doubted(told.doubted[-MOST_DOUBTED:])
    if held is None:
        return Duty("time", None, (False, False), {}, count, doubtful, doubted=doubted)
    (whole,) = held.duties((held.times[0], held.end))
    days, edges = parts
    of_days = {day: duty for day, duty in zip(days, held.duties(edges), strict=True) if duty is not None}
    if whole is None:  # told just now
        whole = float(held.first)
    ends = (held.first, held.first) if len(held.times) == 1 else (False, True)
    return Duty("time", whole, ends, of_days, count, doubtful, held, doubted)


def _held(told: _Told, since: int, end: int) -> Held | None:
    """What was held from `since`, or from the first reading on; None where nothing is known."""
    times, on = told.times, told.on
    if told.before is not None and since not in times[:1]:
        times, on = [since, *times], [told.before, *on]
    if not times or max(end, times[-1]) <= since:
        return None
    changes = [*compress(times, [True, *map(ne, on, on[1:])])]
    lengths = [*map(sub, changes[1:], changes)]
    off = slice(int(on[0]), None, 2)
    lengths[off] = [0] * len(lengths[off])
    return Held(on[0], changes, [*accumulate(lengths, initial=0)], max(end, times[-1]))


def _doubted(some: Sequence[tuple[int, float | None, str]]) -> Doubted:
    """Of those with a value: one that came as no number has no place in a plot."""
    shown = [(at, value, _DOUBTS.decode(doubts)[0]) for at, value, doubts in some if value is not None]
    return Doubted(
        [at // _SECOND for at, _, _ in shown],
        [value for _, value, _ in shown],
        [doubt.kind for _, _, doubt in shown],
        [doubt.reason for _, _, doubt in shown],
    )


def _by_readings(days: Sequence[DayStatistics], step: int) -> Duty:
    count, doubtful = (sum(many) for many in ((day.count for day in days), (day.doubtful for day in days)))
    if not days:
        return Duty("readings", None, (False, False), {}, count, doubtful)
    ends = (min(day.minimum for day in days) != 0, max(day.maximum for day in days) != 0)
    of_days = {day.day: min(day.mean, 1.0) for day in (days if step == 1 else together(days, step))}
    return Duty("readings", min(mean_of(days), 1.0), ends, of_days, count, doubtful)


def _parts(view: View, step: int) -> tuple[list[date], list[int]]:
    """The day in the middle of each `step` days of a view, and when each of these begins, with the end of the last."""
    first, last = (day.toordinal() // step for day in view.days)
    days = [date.fromordinal(place * step + step // 2) for place in range(first, last + 1)]
    begins = (date.fromordinal(place * step) for place in range(first, last + 2))
    return days, [_midnight(day, view.time_zone) for day in begins]


@lru_cache(maxsize=8192)
def _midnight(day: date, time_zone: str) -> int:
    """When a day begins at a place: asked for again with each page."""
    return _micros(midnight(day, ZoneInfo(time_zone)))


def _steps(held: Held) -> tuple[list[int], list[float | None]]:
    """The corners of its line: each change, and what was before it. Of more changes than can be seen two of each stretch: they alternate, so that both states are among them."""
    many, most = len(held.times), MOST_POINTS // 2 - 1
    every = many <= MOST_POINTS
    shown = range(many) if every else (n * many // most + second for n in range(most) for second in (0, 1))
    at: list[int] = []
    value: list[float | None] = []
    for n in shown:
        instant, state = held.times[n] // _SECOND, float(held.on(n))
        if at and every:
            at.append(max(instant - 1, at[-1]))
            value.append(value[-1])
        at.append(instant)
        value.append(state)
    if held.end // _SECOND > at[-1]:
        at.append(held.end // _SECOND)
        value.append(float(held.on(many - 1)))
    return at, value


def _percent(part: float) -> float:
    return round(100 * part, 1)


def _micros(at: datetime) -> int:
    return (at - _EPOCH) // MOMENT
