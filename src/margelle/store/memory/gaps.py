"""Stretches without readings, and what became of them, in memory."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from margelle.ports import Gap
from margelle.store import rules
from margelle.store.memory.counted import Counted


class GapsPart(Counted):
    """The part of the store that knows what is missing."""

    def __init__(self) -> None:
        super().__init__()
        self._gaps: dict[tuple[str, str, int, int], Gap] = {}

    async def gaps(self, probe: str | None = None, *, open_only: bool = False, limit: int | None = None) -> list[Gap]:
        found = [
            gap for gap in self._gaps.values() if probe in {None, gap.probe} and (gap.state == "open" or not open_only)
        ]
        found.sort(key=lambda gap: (-rules.micros(gap.since), gap.probe, gap.quantity, gap.until))
        return found if limit is None else found[: max(limit, 0)]

    async def put_gaps(self, probes: Collection[str], gaps: Sequence[Gap]) -> None:
        new = {(gap.probe, gap.quantity, rules.micros(gap.since), rules.micros(gap.until)): gap for gap in gaps}
        self._version += 1
        kept = {key: gap for key, gap in self._gaps.items() if not (gap.state == "open" and gap.probe in probes)}
        self._gaps = kept | new
