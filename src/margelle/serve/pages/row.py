"""A site as a row of a dense table: its state and why, its main values, the week of one of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from urllib.parse import quote

from msgspec import Struct

from margelle.domain.limits import Standing, standing
from margelle.domain.measurement import Measurement
from margelle.domain.series import NOTHING, Columns
from margelle.domain.state import Reason, State
from margelle.serve.glance import MINOR, Glance
from margelle.serve.pages.card import scene
from margelle.serve.pages.drawing import Spark, spark
from margelle.serve.pages.figures import ago
from margelle.serve.pages.tile import WEEK, Scene, least_span
from margelle.serve.pages.visit import Visit

MOST_VALUES: Final = 4
MOST_REASONS: Final = 2
_DRAWN: Final = ("ph", "orp", "temperature")
"""Whose week is drawn: the first of these that something is amiss with, else the first that is measured."""

SPARK_POINTS: Final = 40


class Value(Struct, frozen=True):
    """One of a site's newest values. `stands` is how it stands to its limits (empty: it has none), `doubtful` whether something speaks against it."""

    label: str
    number: str
    unit: str
    stands: Standing | str
    doubtful: bool


class Row(Struct, frozen=True):
    """One site; `why` says in words what its state comes from, the gravest first."""

    path: str
    name: str
    place: str
    state: State
    why: str
    age: str
    at_iso: str
    values: tuple[Value, ...]
    spark: Spark | None
    spark_label: str


async def rows(visit: Visit, sites: Sequence[Glance]) -> list[Row]:
    """The rows of sites."""
    drawn = [_drawn(one) for one in sites]
    series = [(point.probe, point.quantity) for point in drawn if point]
    weeks = await visit.store.columns_of(series, visit.now - WEEK, visit.now)
    return [
        _row(visit, one, point, weeks[point.probe, point.quantity] if point else NOTHING)
        for one, point in zip(sites, drawn, strict=True)
    ]


def _row(visit: Visit, one: Glance, drawn: Measurement | None, week: Columns) -> Row:
    """The row of a site, of which the week of what is `drawn` is shown."""
    around, site, newest = scene(visit, one), one.site, one.condition.newest
    label, line = "", None
    if drawn is not None:
        line = spark(week, visit.now - WEEK, visit.now, least_span(drawn), most=SPARK_POINTS)
        label = visit.words.label(drawn.quantity, short=True)
    return Row(
        f"/sites/{quote(site.id, safe=':@')}",
        site.name or site.key,
        site.address.city,
        one.condition.state,
        why(visit, one, around),
        ago(newest, visit.now, visit.words) if newest else visit.words("never"),
        newest.isoformat() if newest else "",
        tuple(_value(one, around, point) for point in _water(one)[:MOST_VALUES]),
        line,
        label,
    )


def why(visit: Visit, one: Glance, around: Scene, most: int = MOST_REASONS) -> str:
    """What the state comes from, in words; empty where nothing is amiss."""
    told = [_told(visit, one, around, reason) for reason in one.condition.reasons[:most]]
    more = len(one.condition.reasons) - most
    return ", ".join(told) + (visit.words.count("why.more", more) if more > 0 else "")


def _told(visit: Visit, one: Glance, around: Scene, reason: Reason) -> str:
    words = visit.words
    if reason.kind in {"advised", "overdue"}:
        return words.count(f"why.{reason.kind}", reason.count)
    if not reason.quantity:
        newest = one.condition.newest
        return words(f"why.{reason.kind}", ago=ago(newest, visit.now, words) if newest else "")
    point = next(each for each in one.latest if (each.quantity, each.probe) == (reason.quantity, reason.probe))
    return words(f"why.{reason.kind}", label=around.label(point), value=around.value(point))


def _water(one: Glance) -> list[Measurement]:
    return [point for point in one.latest if point.quantity not in MINOR]


def _drawn(one: Glance) -> Measurement | None:
    amiss = {reason.quantity for reason in one.condition.reasons}
    known = {point.quantity: point for point in reversed(_water(one))}
    wanted = [name for name in _DRAWN if name in known]
    name = next((each for each in wanted if each in amiss), wanted[0] if wanted else None)
    return known[name] if name is not None else None


def _value(one: Glance, around: Scene, point: Measurement) -> Value:
    bands = one.bands.get(point.quantity)
    judged = bands is not None and point.valid and point.value is not None
    return Value(
        around.label(point, short=True),
        "—" if point.value is None else around.number(point.quantity, point.value),
        "" if point.value is None else around.symbol(point),
        standing(point.value or 0.0, bands) if judged and bands is not None else "",
        not point.valid,
    )
