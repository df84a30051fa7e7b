"""How every store keeps what is missing: its record is judged by the points beside it, in the transaction that keeps them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable
from datetime import datetime

from margelle.domain import gap as stretches
from margelle.domain.gap import Gap
from margelle.domain.measurement import Measurement


class Stretches(ABC):
    """The part of a store that keeps gaps, over what it does with rows. All of it runs in one transaction of the store's."""

    @abstractmethod
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
        """As the port has it."""

    @abstractmethod
    async def _has_gaps(self, probe: str) -> bool:
        """Whether there is any gap of a probe."""

    @abstractmethod
    async def _overlapping(self, probe: str, quantity: str, since: datetime, until: datetime) -> list[Gap]:
        """The gaps of a series of which some part lies between."""

    @abstractmethod
    async def _replace(self, old: Collection[Gap], new: Collection[Gap]) -> None:
        """Keep `new` in the place of `old`."""

    async def _record(self, past: Iterable[Gap], gaps: Iterable[Gap]) -> None:
        """Forget what was open in `past`, and lay each of `gaps` over what is known."""
        for gap in past:
            for known in await self._overlapping(gap.probe, gap.quantity, gap.since, gap.until):
                if known.state == "open":
                    await self._replace([known], [*stretches.without(known, [gap])])
        for gap in (one for one in gaps if one.since < one.until):
            for piece in [gap] if gap.state == "filled" else stretches.missing(gap, await self._readings(gap)):
                known_gaps = await self._overlapping(gap.probe, gap.quantity, piece.since, piece.until)
                await self._replace(known_gaps, stretches.over(known_gaps, piece))

    async def _refill(self, points: Collection[Measurement], now: datetime) -> None:
        """Points came: the gaps into which they fall are not what they were."""
        spans: dict[tuple[str, str], tuple[datetime, datetime]] = {}
        probes = [probe for probe in {point.probe for point in points} if await self._has_gaps(probe)]
        for point in points if probes else ():
            since, until = spans.get(series := (point.probe, point.quantity), (point.at, point.at))
            spans[series] = (min(since, point.at), max(until, point.at))
        for (probe, quantity), (since, until) in spans.items():
            for gap in await self._overlapping(probe, quantity, since, until):
                if gap.state != "filled":
                    await self._replace([gap], stretches.refilled(gap, await self._readings(gap), now))

    async def _readings(self, gap: Gap) -> list[datetime]:
        """The instants of the readings in `gap`, or at its beginning."""
        return stretches.instants(await self.history(gap.probe, gap.quantity, gap.since, gap.until))
