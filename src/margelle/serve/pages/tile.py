"""One quantity of one site, as a person reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec import Struct

from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.quantity import Catalogue
from margelle.domain.site import Band
from margelle.domain.unit import Unit, symbol
from margelle.serve.pages.drawing import Gauge, Spark, gauge, spark
from margelle.serve.pages.figures import ago, freshness, number, with_unit
from margelle.serve.pages.words import Words

WEEK: Final = timedelta(days=7)

# A week within this much is drawn as quiet; in the quantity's canonical unit.
_LEAST_SPAN: Final = {"temperature": 2.0, "ph": 0.3, "orp": 60.0, "salt": 300.0, "tds": 200.0}


class Tile(Struct, frozen=True):
    """A value with its unit and all that qualifies it, in words as well as in drawings; empty texts are not shown."""

    quantity: str
    label: str
    number: str
    unit: str
    doubt: str = ""
    last_sound: str = ""
    own_age: str = ""
    verdict: str = ""
    outside: bool = False
    limits: tuple[str, str] = ("", "")
    gauge: Gauge | None = None
    spark: Spark | None = None
    week: str = ""


class Scene(Struct, frozen=True):
    """What every tile of a site needs: the words, the page's instant, the site's newest one, the vendors' titles, the quantities, and those of them that are on or off."""

    words: Words
    now: datetime
    newest: datetime
    titles: Mapping[str, str]
    catalogue: Catalogue
    states: frozenset[str] = frozenset()

    def is_state(self, quantity: str) -> bool:
        """Whether a quantity has only states."""
        known = self.catalogue.get(quantity)
        return quantity in self.states or (known is not None and known.unit is Unit.STATE)

    def number(self, quantity: str, value: float) -> str:
        """A value of `quantity`, without its unit."""
        if self.is_state(quantity) and value in {0.0, 1.0}:
            return self.words("on" if value else "off")
        known = self.catalogue.get(quantity)
        return number(value, known.decimals if known else _decimals(value), self.words.language)

    def value(self, point: Measurement) -> str:
        """The value of a measurement with its unit."""
        if point.value is None:
            return self.words("nothing")
        return with_unit(self.number(point.quantity, point.value), unit(self, point))


def tile(
    scene: Scene, point: Measurement, week: Sequence[Measurement] = (), band: Band | None = None, *, place: str = ""
) -> Tile:
    """The tile of the newest measurement, its week (oldest first) and its limits; `place` tells probes of one site apart."""
    state = scene.is_state(point.quantity)
    drawn = spark(week, scene.now - WEEK, scene.now, 1.0 if state else _least_span(point), steps=state)
    judged = point.valid and point.value is not None and band is not None
    verdict, outside = _verdict(scene, point, band) if judged and band else ("", False)
    return Tile(
        point.quantity,
        " · ".join(filter(None, (_label(scene, point), place))),
        "—" if point.value is None else scene.number(point.quantity, point.value),
        "" if point.value is None else symbol(unit(scene, point)),
        doubt=_doubt(scene, point, point.doubts[0]) if point.doubts else "",
        last_sound="" if point.valid else _last_sound(scene, week),
        own_age=_own_age(scene, point),
        verdict=verdict,
        outside=outside,
        limits=_limits(scene, point.quantity, band),
        gauge=gauge(point.value, band) if judged and band and point.value is not None else None,
        spark=drawn,
        week="" if drawn is None else scene.words("week") if state else _week(scene, point, drawn),
    )


def _label(scene: Scene, point: Measurement) -> str:
    """A vendor's own quantity under its own name: whose it is, the page says elsewhere."""
    own = point.quantity not in scene.catalogue and point.quantity.partition(".")[0] in scene.titles
    return scene.words.label(point.quantity.partition(".")[2] if own else point.quantity)


def unit(scene: Scene, point: Measurement) -> Unit:
    """The unit of a measurement's value: the quantity's canonical one, or for an unknown quantity the one that came."""
    known = scene.catalogue.get(point.quantity)
    return known.unit if known else point.raw_unit


def _decimals(value: float) -> int:
    return 0 if value == int(value) or abs(value) >= 100 else 2


def _least_span(point: Measurement) -> float:
    return _LEAST_SPAN.get(point.quantity) or abs(point.value or 1.0) * 0.1 or 1.0


def _verdict(scene: Scene, point: Measurement, band: Band) -> tuple[str, bool]:
    """How the value stands to its limits, and whether it is beyond them."""
    value, low, high = point.value or 0.0, band.low, band.high
    low_text, high_text = _limits(scene, point.quantity, band)
    if high is not None and value > high:
        return scene.words("above", limit=high_text), True
    if low is not None and value < low:
        return scene.words("below", limit=low_text), True
    if low is not None and high is not None:
        return scene.words("within", low=low_text, high=high_text), False
    if high is not None:
        return scene.words("at_most", limit=high_text), False
    return (scene.words("at_least", limit=low_text), False) if low is not None else ("", False)


def _limits(scene: Scene, quantity: str, band: Band | None) -> tuple[str, str]:
    if band is None:
        return "", ""
    low, high = ("" if limit is None else _trimmed(scene, quantity, limit) for limit in (band.low, band.high))
    return low, high


def _trimmed(scene: Scene, quantity: str, limit: float) -> str:
    """A limit with no more digits than it has: people set 7.2, not 7.20."""
    known = scene.catalogue.get(quantity)
    most = known.decimals if known else 2
    digits = next((n for n in range(most) if round(limit, n) == round(limit, most)), most)
    return number(limit, digits, scene.words.language)


def _doubt(scene: Scene, point: Measurement, doubt: Doubt) -> str:
    words = scene.words
    vendor = point.origin.partition("/")[0]
    known = scene.catalogue.get(point.quantity)
    if doubt.kind == "range" and known is None:
        return doubt.reason
    if not doubt.reason.strip():
        return words("doubt.unexplained", vendor=scene.titles.get(vendor, vendor))
    low, high = (number(bound, 0, words.language) for bound in ((known.low, known.high) if known else (0, 0)))
    return words(
        f"doubt.{doubt.kind}",
        vendor=scene.titles.get(vendor, vendor),
        reason=doubt.reason.rstrip("."),
        raw=point.raw[:40],
        low=low,
        high=with_unit(high, known.unit if known else ""),
    )


def _last_sound(scene: Scene, week: Sequence[Measurement]) -> str:
    sound = next((point for point in reversed(week) if point.valid and point.value is not None), None)
    if sound is None:
        return ""
    return scene.words("last_sound", value=scene.value(sound), ago=ago(sound.at, scene.now, scene.words))


def _own_age(scene: Scene, point: Measurement) -> str:
    """A value's age, where it is much older than the newest one beside it."""
    if freshness(point.at, scene.newest) == "fresh":
        return ""
    return scene.words("own_age", ago=ago(point.at, scene.now, scene.words))


def _week(scene: Scene, point: Measurement, drawn: Spark) -> str:
    low, high = (scene.number(point.quantity, value) for value in (drawn.low, drawn.high))
    return scene.words("week_range", low=low, high=high)
