"""Measurements in memory."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import date, datetime

from msgspec import Struct, field
from msgspec.structs import replace

from margelle.domain.measurement import Measurement, Revision, same
from margelle.domain.plausible import CLOCK_TOLERANCE
from margelle.domain.series import Columns, DaySlice, DayStatistics, Slice, by_day
from margelle.ports import Added, Earlier, Folded, Inspected, Mark, Repaired
from margelle.store import digest, rules
from margelle.store.chunk import Column
from margelle.store.memory.counted import Counted
from margelle.store.row import row
from margelle.store.stretches import Stretches


class _Series(Struct):
    """Measurements of one quantity by one probe; `instants` are in order."""

    points: dict[datetime, Measurement] = field(default_factory=dict)
    instants: list[datetime] = field(default_factory=list)
    revisions: list[Revision] = field(default_factory=list)

    def add(self, new: Measurement, now: datetime) -> str:
        old = self.points.get(new.at)
        if old is None:
            insort(self.instants, new.at)
        elif same(old, new):
            if not rules.nearer(old.origin, new.origin):
                return "same"
            self.points[new.at] = replace(old, origin=new.origin)
            return "known better"
        else:
            self.revisions.append(Revision(old, now))
        self.points[new.at] = new
        return "new" if old is None else "corrected"

    def judge(self, point: Measurement) -> bool:
        old = self.points.get(point.at)
        judged = rules.judged(old, point) if old is not None else None
        if judged is None:
            return False
        self.points[point.at] = judged
        return True

    def until(self, limit: datetime) -> Measurement | None:
        index = bisect_right(self.instants, limit)
        return self.points[self.instants[index - 1]] if index else None


class SeriesPart(Stretches, Counted):
    """The part of the store that keeps measurements."""

    def __init__(self) -> None:
        super().__init__()
        self._series: defaultdict[str, dict[str, _Series]] = defaultdict(dict)
        self._times_kept: defaultdict[str, int] = defaultdict(int)

    async def marks(self, probes: Sequence[str]) -> dict[str, Mark]:
        return {probe: self._times_kept[probe] for probe in probes}

    async def add(
        self,
        measurements: Sequence[Measurement],
        now: datetime,
        reviewed: Sequence[Measurement] = (),
        *,
        seen: Mapping[str, Mark] | None = None,
    ) -> Added:
        others = frozenset(probe for probe, mark in (seen or {}).items() if self._times_kept[probe] != mark)
        rules.micros(now)
        judged = [(rules.micros(point.at), replace(point, value=rules.number(point))) for point in measurements]
        became = {"new": 0, "same": 0, "corrected": 0, "known better": 0}
        for _, point in judged:
            series = self._series[point.probe].setdefault(point.quantity, _Series())
            became[series.add(point, now)] += 1
        if became["new"] or became["corrected"]:
            await self._refill([point for _, point in judged], now)
        other = [self._series[point.probe].get(point.quantity, _Series()).judge(point) for point in reviewed]
        if became["new"] or became["corrected"] or became["known better"] or any(other):
            self._version += 1
        for probe in {one.probe for part in (measurements, reviewed) for one in part}:
            self._times_kept[probe] += 1
        same = became["same"] + became["known better"]
        return Added(became["new"], same, became["corrected"], others, await self.marks([*(seen or ())]))

    async def latest(self, probe: str, now: datetime) -> dict[str, Measurement]:
        rules.micros(now)
        found = {
            quantity: series.until(now + CLOCK_TOLERANCE)
            for quantity, series in sorted(self._series.get(probe, {}).items())
        }
        return {quantity: point for quantity, point in found.items() if point is not None}

    async def latest_of(self, ids: Collection[str], now: datetime) -> dict[str, Mapping[str, Measurement]]:
        return {probe: await self.latest(probe, now) for probe in ids}

    async def history(
        self,
        probe: str,
        quantity: str,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        *,
        descending: bool = False,
    ) -> list[Measurement]:
        series = self._series.get(probe, {}).get(quantity, _Series())
        for bound in filter(None, (since, until)):
            rules.micros(bound)
        first = 0 if since is None else bisect_left(series.instants, since)
        last = None if until is None else bisect_left(series.instants, until)
        instants = series.instants[first:last]
        if descending:
            instants.reverse()
        return [series.points[at] for at in (instants if limit is None else instants[: max(limit, 0)])]

    async def columns_of(
        self, series: Collection[tuple[str, str]], since: datetime, until: datetime
    ) -> dict[tuple[str, str], Columns]:
        return {one: await self.columns(*one, since, until) for one in series}

    async def columns(
        self, probe: str, quantity: str, since: datetime | None = None, until: datetime | None = None
    ) -> Columns:
        points = await self.history(probe, quantity, since, until)
        return Columns(
            [rules.micros(point.at) for point in points],
            [point.value for point in points],
            [not point.valid for point in points],
        )

    async def slices(
        self,
        probe: str,
        quantity: str,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        *,
        descending: bool = False,
    ) -> list[Slice]:
        points = await self.history(probe, quantity, since, until, limit, descending=descending)
        column = Column.of(map(row, points[::-1] if descending else points))
        return [Slice(column, 0, len(column))] if points else []

    async def statistics(
        self, probe: str, quantity: str, since: date, until: date, time_zone: str = "UTC"
    ) -> list[DayStatistics]:
        bounds = rules.days(since, until, time_zone)
        return by_day(await self.history(probe, quantity, *bounds), time_zone)

    async def days(self, probe: str, quantity: str, since: date, until: date, time_zone: str = "UTC") -> list[DaySlice]:
        found = await self.statistics(probe, quantity, since, until, time_zone)
        return [DaySlice(found, 0, len(found))] if found else []

    async def revisions(self, probe: str, quantity: str, at: datetime) -> list[Revision]:
        rules.micros(at)
        series = self._series.get(probe, {}).get(quantity, _Series())
        return [revision for revision in series.revisions if revision.measurement.at == at]

    async def quantities(self, probe: str) -> list[str]:
        return sorted(self._series.get(probe, {}))

    async def count(self) -> int:
        return sum(len(series.points) for of_probe in self._series.values() for series in of_probe.values())

    async def fold(self, *, everything: bool = False) -> Folded:  # noqa: ARG002 - there is nothing to fold
        return Folded()

    async def loose(self) -> int:
        return 0

    async def compact(self) -> None:
        pass

    async def earlier(self) -> Earlier | None:
        return None

    async def inspect(self) -> AsyncIterator[Inspected]:
        total = past = revisions = 0
        for probe, of_probe in self._series.items():
            for quantity, series in of_probe.items():
                total += digest.of(probe, quantity, map(row, series.points.values()))
                revised = [(quantity, rules.micros(one.replaced_at), row(one.measurement)) for one in series.revisions]
                past, revisions = past + digest.of_past(probe, revised), revisions + len(revised)
        yield Inspected(await self.count(), digest.spelt(total), revisions, digest.spelt(past), (), 1.0)

    async def repair(self) -> AsyncIterator[Repaired]:
        yield Repaired(len(self._series), (), 1.0)  # nothing is kept twice
