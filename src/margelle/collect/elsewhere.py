"""What other accounts of the same probes can still tell: only what none of them can is lost."""

from __future__ import annotations

from datetime import datetime, timedelta

from margelle.collect import backfill, progress
from margelle.collect.progress import Progress, Track
from margelle.ports import Reader


async def reaches(store: Reader, account: str, known: Progress, now: datetime) -> dict[tuple[str, str], timedelta]:
    """How far back another account can be asked for what the cloud of `account` does not tell, by probe and quantity."""
    found: dict[tuple[str, str], timedelta] = {}
    for probe, quantity in backfill.beyond(known, now):
        for other in await store.accounts_of(known.probes[probe].site):
            theirs = await progress.load(store, other.id) if other.id != account else Progress()
            track = theirs.tracks.get(probe)
            if track is not None and quantity in track.remembered:
                reach = backfill.SPANS[theirs.reach]
                found[probe, quantity] = max(reach, found.get((probe, quantity), reach))
    return found


async def leave(store: Reader, known: Progress, probe: str, track: Track) -> None:
    """Where only another account can fill a gap, it has done so, or has asked for nothing, when the store has none open any more."""
    noted = {(gap.probe, gap.quantity, gap.since) for gap in known.gaps}
    for quantity, series in track.series.items():
        since = series.missing_since
        if since is None or quantity in track.remembered or (probe, quantity, since) not in noted:
            continue
        left = [gap for gap in await store.gaps(probe, open_only=True) if gap.quantity == quantity]
        if not any(gap.until > since for gap in left):
            series.missing_since, series.missing_until = None, None
