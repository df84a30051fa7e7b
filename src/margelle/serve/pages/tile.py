"""One quantity of one site, as a person reads it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from margelle.domain.limits import Bands, Standing, standing
from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.quantity import Catalogue, is_state
from margelle.domain.series import NOTHING, Columns
from margelle.domain.site import OWN, Band
from margelle.domain.unit import Unit
from margelle.serve.pages.drawing import Gauge, Spark, gauge, spark
from margelle.serve.pages.figures import ago, freshness, number, with_unit
from margelle.serve.pages.words import Words
from margelle.serve.scale import Scale, scale_of

WEEK: Final = timedelta(days=7)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

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
    far: bool = False
    limits: tuple[str, str] = ("", "")
    gauge: Gauge | None = None
    spark: Spark | None = None
    week: str = ""


class Scene(Struct, frozen=True):
    """What every tile of a site needs: the words, the page's instant, the site's newest one, the vendors' titles, the quantities, those of them that are on or off, and the units that the reader prefers."""

    words: Words
    now: datetime
    newest: datetime
    titles: Mapping[str, str]
    catalogue: Catalogue
    states: frozenset[str] = frozenset()
    units: Mapping[str, str] = {}

    def is_state(self, quantity: str) -> bool:
        """Whether a quantity has only states."""
        return is_state(quantity, self.catalogue, self.states)

    def scale(self, quantity: str, raw_unit: Unit | None = None) -> Scale:
        """In which unit a quantity is read."""
        return scale_of(quantity, self.catalogue, self.units, raw_unit)

    def number(self, quantity: str, value: float) -> str:
        """A value of `quantity`, as it is kept, without its unit."""
        if self.is_state(quantity) and value in {0.0, 1.0}:
            return self.words("on" if value else "off")
        scale = self.scale(quantity)
        read = scale.of(value)
        return number(read, scale.digits(read), self.words.language)

    def limit(self, quantity: str, limit: float) -> str:
        """A limit, with no more digits than it has: people set 7.2, not 7.20."""
        scale = self.scale(quantity)
        read = scale.of(limit)
        most = scale.digits(read) if scale.decimals is not None else 2
        digits = next((n for n in range(most) if round(read, n) == round(read, most)), most)
        return number(read, digits, self.words.language)

    def symbol(self, point: Measurement) -> str:
        """The unit in which a measurement is read, as it is written; of an unknown quantity the one that came."""
        return self.scale(point.quantity, point.raw_unit).symbol

    def value(self, point: Measurement) -> str:
        """The value of a measurement with its unit."""
        if point.value is None:
            return self.words("nothing")
        return with_unit(self.number(point.quantity, point.value), self.symbol(point))

    def label(self, point: Measurement, *, short: bool = False) -> str:
        """What a measurement's quantity is called; a vendor's own under its own name: whose it is, the page says elsewhere."""
        own = point.quantity not in self.catalogue and point.quantity.partition(".")[0] in self.titles
        return self.words.label(point.quantity.partition(".")[2] if own else point.quantity, short=short)


def tile(
    scene: Scene, point: Measurement, week: Columns = NOTHING, bands: Bands | None = None, *, place: str = ""
) -> Tile:
    """The tile of the newest measurement, its week (oldest first) and its limits; `place` tells probes of one site apart."""
    state = scene.is_state(point.quantity)
    drawn = spark(week, scene.now - WEEK, scene.now, 1.0 if state else least_span(point), steps=state)
    shown = (bands.ideal or bands.tolerable) if bands else None
    judged = bands is not None and point.valid and point.value is not None
    stands = standing(point.value or 0.0, bands) if judged and bands else "within"
    return Tile(
        point.quantity,
        " · ".join(filter(None, (scene.label(point), place))),
        "—" if point.value is None else scene.number(point.quantity, point.value),
        "" if point.value is None else scene.symbol(point),
        doubt=doubt(scene, point, point.doubts[0]) if point.doubts else "",
        last_sound="" if point.valid else _last_sound(scene, point, week),
        own_age=_own_age(scene, point),
        verdict=_verdict(scene, point, bands, stands) if judged and bands else "",
        outside=stands != "within",
        far=stands == "far",
        limits=_limits(scene, point.quantity, shown),
        gauge=gauge(point.value, shown) if judged and shown and point.value is not None else None,
        spark=drawn,
        week="" if drawn is None else scene.words("week") if state else _week(scene, point, drawn),
    )


def beyond(scene: Scene, point: Measurement, bands: Bands | None) -> tuple[Standing, str]:
    """How a value stands to its limits, and that in words; without words where it is within them, doubted, or has none."""
    if bands is None or not point.valid or point.value is None:
        return "within", ""
    stands = standing(point.value, bands)
    return stands, "" if stands == "within" else _verdict(scene, point, bands, stands)


def least_span(point: Measurement) -> float:
    """A week whose values lie within this much is drawn as quiet; in the quantity's canonical unit."""
    return _LEAST_SPAN.get(point.quantity) or abs(point.value or 1.0) * 0.1 or 1.0


def _verdict(scene: Scene, point: Measurement, bands: Bands, stands: Standing) -> str:
    """How the value stands to its limits."""
    value, words = point.value or 0.0, scene.words
    band = (bands.tolerable if stands == "far" else bands.ideal) or bands.tolerable or Band()
    low, high = _limits(scene, point.quantity, band)
    far = stands == "far" and bands.ideal is not None
    if band.high is not None and value > band.high:
        return words("far_above" if far else "above", limit=high)
    if band.low is not None and value < band.low:
        return words("far_below" if far else "below", limit=low)
    if low and high:
        return words("within", low=low, high=high)
    return words("at_most", limit=high) if high else words("at_least", limit=low)


def _limits(scene: Scene, quantity: str, band: Band | None) -> tuple[str, str]:
    if band is None:
        return "", ""
    low, high = ("" if end is None else scene.limit(quantity, end) for end in (band.low, band.high))
    return low, high


def doubt(scene: Scene, point: Measurement, doubt: Doubt) -> str:
    """Why a value is doubted, in words."""
    words = scene.words
    vendor = point.origin.partition("/")[0]
    known = scene.catalogue.get(point.quantity)
    if doubt.kind == "range" and known is None:
        return doubt.reason
    if doubt.kind == "withdrawn" and vendor == OWN:
        return words("doubt.taken_back")
    if not doubt.reason.strip():
        return words("doubt.unexplained", vendor=scene.titles.get(vendor, vendor))
    low, high = (scene.limit(point.quantity, bound) for bound in ((known.low, known.high) if known else (0, 0)))
    return words(
        f"doubt.{doubt.kind}",
        vendor=scene.titles.get(vendor, vendor),
        reason=doubt.reason.rstrip("."),
        raw=point.raw[:40],
        low=low,
        high=with_unit(high, scene.symbol(point)) if known else high,
    )


def _last_sound(scene: Scene, point: Measurement, week: Columns) -> str:
    """The last sound value of the week of a `point` that is doubted."""
    every = zip(week.times, week.values, week.doubtful, strict=True)
    for at_us, value, doubtful in reversed(list(every)):
        if value is not None and not doubtful:
            sound = replace(point, at=_EPOCH + timedelta(microseconds=at_us), value=value)
            return scene.words("last_sound", value=scene.value(sound), ago=ago(sound.at, scene.now, scene.words))
    return ""


def _own_age(scene: Scene, point: Measurement) -> str:
    """A value's age, where it is much older than the newest one beside it."""
    if freshness(point.at, scene.newest) == "fresh":
        return ""
    return scene.words("own_age", ago=ago(point.at, scene.now, scene.words))


def _week(scene: Scene, point: Measurement, drawn: Spark) -> str:
    low, high = (scene.number(point.quantity, value) for value in (drawn.low, drawn.high))
    return scene.words("week_range", low=low, high=high)
