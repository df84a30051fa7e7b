"""Stretches without readings, and what became of them, in memory."""

from __future__ import annotations

from collections.abc import Sequence

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

    async def put_gaps(self, past: Sequence[Gap], gaps: Sequence[Gap]) -> None:
        new, over = {rules.gap_key(gap): gap for gap in gaps}, {rules.gap_key(gap) for gap in past}
        self._version += 1
        self._gaps = {key: gap for key, gap in self._gaps.items() if gap.state != "open" or key not in over} | new
