"""Series shaped for a plot, from a day to ten years: every reading of a short span, thinned; of a long one the days' lowest, median and highest values.

Whoever draws gets columns of numbers in the units that the reader prefers, never more than a screen can show.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from margelle.domain.event import Event
from margelle.domain.site import Band
from margelle.domain.unit import Unit, symbol
from margelle.ports import Gap, Reader
from margelle.serve.held import Basis, Duty, duties
from margelle.serve.line import Line, Summary, Track, View, epoch_s, of_days, of_readings, step_days
from margelle.serve.scale import Scale, scale_of

_ON_OFF: Final = (-0.1, 1.1)
_DUTY: Final = (-10.0, 110.0)
_LEAST_SPAN: Final = {"temperature": 2.0, "ph": 0.3, "orp": 60.0, "salt": 300.0, "tds": 200.0}
"""An axis spans at least so much, in the canonical unit, so that quiet water looks quiet."""


class Panel(Struct, frozen=True):
    """All lines of one quantity, over one axis from `axis[0]` to `axis[1]`. `unit` is a UCUM code (empty: not known), `symbol` how it is written. What is `on_off` is 1 or 0, and holds until it changes; in a summary `mean` is for how much of the time it was on (0 to 1). Of days it is a `share`: for how much of their `time`, or of their `readings`, it was on, in percent (unit `%`), without `low` and `high`."""

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
    share: Basis = ""


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
    on = await duties(reader, tracks, view, step_days(view))
    panels: list[Panel] = []
    for quantity in dict.fromkeys(track.quantity for track in tracks):
        own = [track for track in tracks if track.quantity == quantity]
        panels.append(_on_off(own, view, on) if view.is_state(quantity) else await _panel(reader, own, view))
        await asyncio.sleep(0)  # others get their turn
    probes = dict.fromkeys(track.probe for track in tracks)
    holes = [hole for probe in probes for hole in _holes(await reader.gaps(probe), tracks, view)]
    marks = [Mark(epoch_s(event.at), event) for event in await reader.events(site, view.since, view.until)]
    shown = [panel for panel in panels if any(line.at or (line.doubted and line.doubted.at) for line in panel.lines)]
    return Plot(
        epoch_s(view.since),
        epoch_s(view.until),
        86400 * step_days(view) if view.by_days else 0,
        shown,
        marks[::-1],
        holes,
    )


async def beginning(reader: Reader, tracks: Iterable[Track]) -> datetime | None:
    """When the first of these was measured; None where none ever was."""
    firsts = [await reader.history(track.probe, track.quantity, limit=1) for track in tracks]
    return min((points[0].at for points in firsts if points), default=None)


def _on_off(tracks: Sequence[Track], view: View, on: Mapping[Track, Duty]) -> Panel:
    """What is on or off: its steps, or the duties of its days."""
    quantity, by_days = tracks[0].quantity, view.by_days
    summaries = [each for track in tracks if (each := on[track].summary(track, percent=by_days))]
    if by_days:
        lines, unit = [on[track].curve(track, view) for track in tracks], Unit.PERCENT
        return Panel(quantity, unit.value, symbol(unit), 0, _DUTY, None, None, lines, summaries, share=on[tracks[0]].by)
    lines, scale = [on[track].steps(track) for track in tracks], scale_of(quantity, view.catalogue, view.units)
    unit_name = scale.read.value if scale.read else ""
    return Panel(quantity, unit_name, scale.symbol, scale.decimals, _ON_OFF, None, None, lines, summaries, on_off=True)


async def _panel(reader: Reader, tracks: Sequence[Track], view: View) -> Panel:
    quantity = tracks[0].quantity
    bands = view.bands.get(quantity)
    drawn: list[tuple[Line, Summary | None]] = []
    scale = scale_of(quantity, view.catalogue, view.units)
    first, last = view.days
    for track in tracks:
        if view.by_days:
            found = await reader.statistics(track.probe, quantity, first, last + timedelta(days=1), view.time_zone)
            drawn.append(of_days(track, found, view, scale, bands))
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
        _axis(lines, ideal or tolerable, quantity, scale),
        ideal,
        tolerable,
        lines,
        [summary for _, summary in drawn if summary is not None],
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
