"""A plot with the words that belong to it: what the script draws, and what stands beside it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.state import ReasonKind
from margelle.domain.unit import Unit
from margelle.serve.glance import Glance
from margelle.serve.line import Doubted, Line, Summary, Track, View
from margelle.serve.pages.card import places, scene
from margelle.serve.pages.curve import Curve, Tick, curve, value_axis
from margelle.serve.pages.figures import duty_of, moment, number, with_unit
from margelle.serve.pages.happening import told
from margelle.serve.pages.tile import Scene, doubt
from margelle.serve.pages.visit import Visit
from margelle.serve.plot import Panel, Plot

_SAID: Final = ("doubtful", "failed")


class Chart(Struct, frozen=True):
    """What the script is given: a plot, and its words in the reader's language. `labels` are by quantity, `places` by probe; `values` are what those that are on or off are called."""

    plot: Plot
    language: str
    time_zone: str
    labels: dict[str, str]
    places: dict[str, str]
    marks: list[str]
    holes: list[str]
    words: dict[str, str]
    values: dict[str, tuple[Tick, ...]]


class Newest(Struct, frozen=True):
    """What a probe measured last: its name (empty where there is but one), the value (empty beside a period in which it is not), and why that wants attention (empty: it does not)."""

    place: str
    value: str
    reason: ReasonKind | str


class Standing(Struct, frozen=True):
    """How a quantity is now, whatever period is shown: what each probe measured last."""

    quantity: str
    label: str
    newest: tuple[Newest, ...]


class Figure(Struct, frozen=True):
    """One panel as the page shows it: its name, what each line's probe measured last, its limits, and its drawing."""

    panel: Panel
    label: str
    newest: tuple[Newest, ...]
    limits: str
    curve: Curve


class Doubtful(Struct, frozen=True):
    """Values of one instant that one thing speaks against, in words."""

    at: str
    values: str
    why: str


class Statistic(Struct, frozen=True):
    """What one line was over the period, as numbers with their units."""

    label: str
    low: str
    median: str
    mean: str
    high: str
    count: str
    doubtful: str
    within: str


def tracks(one: Glance) -> list[Track]:
    """All that is measured at a site, the main quantities first."""
    return [Track(point.probe, point.quantity) for point in one.latest]


def view(visit: Visit, one: Glance, since: datetime, until: datetime) -> View:
    """The view of a site for who visits."""
    look = visit.hall.look
    zone, states = visit.zone(one.site).key, visit.display(one.site).states
    return View(since, until, zone, visit.user.units, one.bands, look.catalogue, states, visit.now)


def chart(visit: Visit, one: Glance, drawn: Plot) -> Chart:
    """The plot with its words."""
    words, around = visit.words, scene(visit, one)
    zone = visit.zone(one.site)
    return Chart(
        replace(
            drawn,
            panels=[_explained(around, one, panel) for panel in drawn.panels],
            marks=[replace(mark, event=replace(mark.event, by="")) for mark in drawn.marks],  # whoever sees the curve
        ),
        words.language,
        zone.key,
        {panel.quantity: label(around, panel.quantity) for panel in drawn.panels},
        dict(places(around, one)),
        [
            words("mark.of", at=moment(mark.event.at, zone, words.language), what=told(words, mark.event))
            for mark in drawn.marks
        ],
        [words(f"hole.{hole.state}") for hole in drawn.holes],
        {name: words(f"chart.{name}") for name in _SAID},
        {panel.quantity: value_axis(panel, words) for panel in drawn.panels if panel.on_off},
    )


def embedded(shown: Chart) -> str:
    """A chart as JSON that can stand in a page: no markup can begin in it, and each instant of a line is told by the seconds since the one before, which are sent in far fewer bytes."""
    panels = [
        replace(panel, lines=[replace(line, at=_since_before(line.at)) for line in panel.lines])
        for panel in shown.plot.panels
    ]
    return encoded(replace(shown, plot=replace(shown.plot, panels=panels))).decode().replace("<", "\\u003c")


def _since_before(at: list[int]) -> list[int]:
    return [each - before for before, each in pairwise([0, *at])]


def encoded(shown: Chart) -> bytes:
    """A chart as JSON."""
    return msgspec.json.encode(shown)


def label(around: Scene, quantity: str, *, short: bool = False) -> str:
    """What a quantity is called."""
    return around.label(Measurement("", quantity, around.now, None, "", Unit.RATIO, ""), short=short)


def _explained(around: Scene, one: Glance, panel: Panel) -> Panel:
    symbol = around.words(f"duty.symbol.{panel.share}") if panel.share else panel.symbol
    return replace(
        panel, symbol=symbol, lines=[_with_reasons(around, one, panel.quantity, line) for line in panel.lines]
    )


def _with_reasons(around: Scene, one: Glance, quantity: str, line: Line) -> Line:
    """The line with the reasons of its doubts in the reader's words."""
    if line.doubted is None:
        return line
    known: dict[tuple[str, str], str] = {}
    reasons: list[str] = []
    for kind, reason in zip(line.doubted.kind, line.doubted.reason, strict=True):
        if (kind, reason) not in known:
            known[kind, reason] = _reason(around, one, quantity, kind, reason)
        reasons.append(known[kind, reason])
    return replace(line, doubted=replace(line.doubted, reason=reasons))


def _reason(around: Scene, one: Glance, quantity: str, kind: Any, reason: str) -> str:
    unit = around.scale(quantity).kept or Unit.RATIO
    point = Measurement("", quantity, around.now, 0.0, "", unit, f"{one.site.vendor}/plot")
    return doubt(around, point, Doubt(kind, reason))


def standing(visit: Visit, one: Glance) -> list[Standing]:
    """How each quantity of a site is now."""
    around = scene(visit, one)
    return [
        Standing(
            quantity,
            label(around, quantity, short=True),
            tuple(_newest(one, around, point) for point in one.latest if point.quantity == quantity),
        )
        for quantity in dict.fromkeys(point.quantity for point in one.latest)
    ]


def figures(visit: Visit, one: Glance, drawn: Plot, most: int) -> list[Figure]:
    """The panels with what stands beside each, drawn with at most `most` points a line."""
    around, zone = scene(visit, one), visit.zone(one.site)
    return [
        Figure(
            panel,
            label(around, panel.quantity),
            tuple(_beside(one, around, drawn, panel.quantity, line.probe) for line in panel.lines),
            _limits(visit, one, around, panel),
            curve(drawn, panel, zone, visit.words, most),
        )
        for panel in drawn.panels
    ]


def _beside(one: Glance, around: Scene, drawn: Plot, quantity: str, probe: str) -> Newest:
    """What stands beside a line: its value now is no value of a period that was over before."""
    point = next(each for each in one.latest if (each.quantity, each.probe) == (quantity, probe))
    newest = _newest(one, around, point)
    return newest if drawn.since <= point.at.timestamp() <= drawn.until else Newest(newest.place, "", "")


def _newest(one: Glance, around: Scene, point: Measurement) -> Newest:
    series = (point.quantity, point.probe)
    mine = (each.kind for each in one.condition.reasons if (each.quantity, each.probe) == series)
    return Newest(places(around, one).get(point.probe, ""), around.value(point), next(mine, ""))


def _limits(visit: Visit, one: Glance, around: Scene, panel: Panel) -> str:
    """Which limits are drawn, and whose they are; of what has none, since it is on or off, what is drawn of its days."""
    if panel.share:
        return visit.words(f"duty.drawn.{panel.share}")
    quantity = panel.quantity
    bands = one.bands.get(quantity)
    if bands is None:
        return ""
    words = visit.words
    named = {"ideal": bands.ideal, "tolerable": bands.tolerable if bands.tolerable != bands.ideal else None}
    parts = [
        words(f"band.{name}", ends=_ends(visit, around, quantity, band.low, band.high))
        for name, band in named.items()
        if band is not None
    ]
    whose = words(f"band.of.{bands.origin}")
    return ", ".join([f"{parts[0]} ({whose})", *parts[1:]])


def _ends(visit: Visit, around: Scene, quantity: str, low: float | None, high: float | None) -> str:
    first, last = (None if end is None else around.limit(quantity, end) for end in (low, high))
    if first is None:
        return visit.words("band.at_most", high=last)
    return visit.words("band.at_least", low=first) if last is None else visit.words("band.both", low=first, high=last)


def statistics(visit: Visit, one: Glance, drawn: Plot) -> list[Statistic]:
    """What each line was over the period."""
    around = scene(visit, one)
    where = places(around, one)
    return [_statistic(visit, around, panel, summary, where) for panel in drawn.panels for summary in panel.summaries]


def _statistic(visit: Visit, around: Scene, panel: Panel, summary: Summary, where: Mapping[str, str]) -> Statistic:
    def said(value: float) -> str:
        digits = around.scale(panel.quantity).digits(value)
        return with_unit(number(value, digits, visit.words.language), panel.symbol)

    name = " · ".join(filter(None, (label(around, panel.quantity), where.get(summary.probe, ""))))
    within = "" if summary.within is None else with_unit(number(100 * summary.within, 0, visit.words.language), "%")
    count, doubtful = (number(n, 0, visit.words.language) for n in (summary.count, summary.doubtful))
    if panel.on_off or panel.share:
        ends = (visit.words("on" if end else "off") for end in (summary.minimum, summary.maximum))
        duty = summary.mean / (100 if panel.share else 1)
        low, median, mean, high = next(ends), "—", duty_of(visit.words, duty, panel.share or "time"), next(ends)
    else:
        low, median = said(summary.minimum), said(summary.median)
        mean, high = said(summary.mean), said(summary.maximum)
    return Statistic(name, low, median, mean, high, count, doubtful, within)


def doubtful(visit: Visit, one: Glance, shown: Chart) -> list[Doubtful]:
    """The doubted values of the period, the newest first."""
    zone, language, around = visit.zone(one.site), visit.words.language, scene(visit, one)
    found: defaultdict[tuple[int, str], list[str]] = defaultdict(list)
    for panel in shown.plot.panels:
        for line in panel.lines:
            name = " · ".join(filter(None, (shown.labels[panel.quantity], shown.places.get(line.probe, ""))))
            doubted = line.doubted or Doubted([], [], [], [])
            for at, value, why in zip(doubted.at, doubted.value, doubted.reason, strict=True):
                digits = panel.decimals if panel.decimals is not None else 2
                said = around.number(panel.quantity, value) if panel.on_off else number(value, digits, language)
                found[at, why].append(f"{name} {with_unit(said, panel.symbol)}")
    return [
        Doubtful(moment(datetime.fromtimestamp(at, UTC), zone, language), ", ".join(found[at, why]), why)
        for at, why in sorted(found, key=lambda key: -key[0])
    ]
