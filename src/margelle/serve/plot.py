"""Series shaped for a plot, from a day to ten years: every reading of a short span, thinned; of a long one the days' lowest, median and highest values.

Whoever draws gets columns of numbers in the units that the reader prefers, never more than a screen can show.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from msgspec import Struct

from margelle.domain.event import Event
from margelle.domain.site import Band
from margelle.domain.unit import Unit, symbol
from margelle.ports import Gap, Reader
from margelle.serve.line import (
    Line,
    Share,
    Summary,
    Track,
    View,
    epoch_s,
    of_days,
    of_readings,
    of_shares,
    of_states,
    step_days,
)
from margelle.serve.scale import Scale, scale_of

READINGS_UP_TO: Final = timedelta(days=63)
"""A longer span is drawn from its days."""

_MOMENT: Final = timedelta(microseconds=1)
_ON_OFF: Final = (-0.1, 1.1)
_SHARE: Final = (-10.0, 110.0)
_LEAST_SPAN: Final = {"temperature": 2.0, "ph": 0.3, "orp": 60.0, "salt": 300.0, "tds": 200.0}
"""An axis spans at least so much, in the canonical unit, so that quiet water looks quiet."""


class Panel(Struct, frozen=True):
    """All lines of one quantity, over one axis from `axis[0]` to `axis[1]`. `unit` is a UCUM code (empty: not known), `symbol` how it is written. What is `on_off` is 1 or 0, and holds until it changes; of days it is a `share`: for how much of their `time`, or of their `readings`, it was on, in percent."""

    quantity: str
    unit: str
    symbol: str
    decimals: int | None
    axis: tuple[float, float]
    ideal: Band | None
    tolerable: Band | None
    lines: list[Line]
    summaries: list[Summary]
    on_off: bool = False
    share: Share = ""


class Mark(Struct, frozen=True):
    """Something that was done, or happened, at an instant (epoch seconds)."""

    at: int
    event: Event


class Hole(Struct, frozen=True):
    """Where readings are missing, what became of them, and of which series."""

    since: int
    until: int
    state: str
    probe: str
    quantity: str


class Plot(Struct, frozen=True):
    """A span (epoch seconds) with its panels, marks and holes. `step_s` is what one point stands for: 0 for a reading, else so many seconds."""

    since: int
    until: int
    step_s: int
    panels: list[Panel]
    marks: list[Mark]
    holes: list[Hole]


async def plot(reader: Reader, site: str, tracks: Sequence[Track], view: View) -> Plot:
    """The tracks of a site in this view, a panel for each quantity in the order in which they come, with what happened there."""
    by_days = view.until - view.since > READINGS_UP_TO
    panels: list[Panel] = []
    for quantity in dict.fromkeys(track.quantity for track in tracks):
        own = [track for track in tracks if track.quantity == quantity]
        panels.append(await _panel(reader, own, view, by_days=by_days))
        await asyncio.sleep(0)  # others get their turn
    probes = dict.fromkeys(track.probe for track in tracks)
    holes = [hole for probe in probes for hole in _holes(await reader.gaps(probe), tracks, view)]
    marks = [Mark(epoch_s(event.at), event) for event in await reader.events(site, view.since, view.until)]
    shown = [panel for panel in panels if any(line.at or (line.doubted and line.doubted.at) for line in panel.lines)]
    return Plot(
        epoch_s(view.since), epoch_s(view.until), 86400 * step_days(view) if by_days else 0, shown, marks[::-1], holes
    )


async def beginning(reader: Reader, tracks: Iterable[Track]) -> datetime | None:
    """When the first of these was measured; None where none ever was."""
    firsts = [await reader.history(track.probe, track.quantity, limit=1) for track in tracks]
    return min((points[0].at for points in firsts if points), default=None)


async def _panel(reader: Reader, tracks: Sequence[Track], view: View, *, by_days: bool) -> Panel:
    quantity = tracks[0].quantity
    bands = view.bands.get(quantity)
    drawn: list[tuple[Line, Summary | None]] = []
    scale, on_off = scale_of(quantity, view.catalogue, view.units), view.is_state(quantity)
    if on_off and by_days:
        shares, sums, share = await of_shares(reader, tracks, view)
        percent = Unit.PERCENT
        return Panel(quantity, percent.value, symbol(percent), 0, _SHARE, None, None, shares, sums, share=share)
    for track in tracks:
        if by_days:
            zone = ZoneInfo(view.time_zone)
            first, last = (at.astimezone(zone).date() for at in (view.since, view.until - _MOMENT))
            found = await reader.statistics(track.probe, quantity, first, last + timedelta(days=1), view.time_zone)
            drawn.append(of_days(track, found, view, scale, bands))
        elif on_off:
            drawn.append(await of_states(reader, track, view, scale))
        else:
            points = await reader.history(track.probe, quantity, view.since, view.until)
            if quantity not in view.catalogue and points:
                scale = scale_of(quantity, view.catalogue, view.units, points[-1].raw_unit)
            drawn.append(of_readings(track, points, scale, bands))
    lines = [line for line, _ in drawn]
    ideal, tolerable = (scale.band(bands.ideal), scale.band(bands.tolerable)) if bands else (None, None)
    return Panel(
        quantity,
        scale.read.value if scale.read else "",
        scale.symbol,
        scale.decimals,
        _ON_OFF if on_off else _axis(lines, ideal or tolerable, quantity, scale),
        ideal,
        tolerable,
        lines,
        [summary for _, summary in drawn if summary is not None],
        on_off,
    )


def _axis(lines: Sequence[Line], band: Band | None, quantity: str, scale: Scale) -> tuple[float, float]:
    """From where to where an axis goes: over all sound values, and to a limit that is not far from them."""
    values = [
        value
        for line in lines
        for column in (line.value, line.low or (), line.high or ())
        for value in column
        if value is not None
    ]
    if not values:
        values = [value for line in lines if line.doubted for value in line.doubted.value] or [0.0]
    low, high = min(values), max(values)
    least = _LEAST_SPAN.get(quantity, 0.0)
    least = abs(scale.of(least) - scale.of(0.0)) if least else abs(high) * 0.1 or 1.0
    span = max(high - low, least)
    middle = (low + high) / 2
    low, high = min(low, middle - span / 2), max(high, middle + span / 2)
    for end in (band.low, band.high) if band else ():
        if end is not None and low - span <= end <= high + span:
            low, high = min(low, end), max(high, end)
    margin = (high - low) * 0.06
    return _rounded(low - margin), _rounded(high + margin)


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")


def _holes(gaps: Iterable[Gap], tracks: Sequence[Track], view: View) -> list[Hole]:
    drawn = {(track.probe, track.quantity) for track in tracks}
    return [
        Hole(
            epoch_s(max(gap.since, view.since)), epoch_s(min(gap.until, view.until)), gap.state, gap.probe, gap.quantity
        )
        for gap in gaps
        if (gap.probe, gap.quantity) in drawn
        and not view.is_state(gap.quantity)  # which holds until it tells of a change
        and gap.state != "filled"
        and gap.since < view.until
        and gap.until > view.since
    ]
