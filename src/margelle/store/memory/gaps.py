"""Stretches without readings, and what became of them, in memory."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import chain

from margelle.domain.gap import Gap
from margelle.store import rules
from margelle.store.memory.counted import Counted
from margelle.store.stretches import Stretches


class GapsPart(Stretches, Counted):
    """The part of the store that knows what is missing."""

    def __init__(self) -> None:
        super().__init__()
        self._gaps: defaultdict[str, dict[str, list[Gap]]] = defaultdict(dict)

    async def gaps(self, probe: str | None = None, *, open_only: bool = False, limit: int | None = None) -> list[Gap]:
        probes = [*self._gaps.values()] if probe is None else [self._gaps.get(probe, {})]
        found = [
            gap
            for series in probes
            for gap in chain.from_iterable(series.values())
            if gap.state == "open" or not open_only
        ]
        found.sort(key=lambda gap: (-rules.micros(gap.since), gap.probe, gap.quantity, gap.until))
        return found if limit is None else found[: max(limit, 0)]

    async def put_gaps(self, past: Sequence[Gap], gaps: Sequence[Gap]) -> None:
        for gap in (*past, *gaps):
            rules.check_gap(gap)
        self._version += 1
        await self._record(past, gaps)

    async def _has_gaps(self, probe: str) -> bool:
        return any(self._gaps.get(probe, {}).values())

    async def _overlapping(self, probe: str, quantity: str, since: datetime, until: datetime) -> list[Gap]:
        known = self._gaps.get(probe, {}).get(quantity, [])
        return [gap for gap in known if gap.since < until and gap.until > since]

    async def _replace(self, old: Collection[Gap], new: Collection[Gap]) -> None:
        for gap in old:
            self._gaps[gap.probe][gap.quantity].remove(gap)
        for gap in new:
            self._gaps[gap.probe].setdefault(gap.quantity, []).append(gap)
