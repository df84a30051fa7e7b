"""Measures: everything of one instant at Flipr's, one by one with us."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from typing import Final

from msgspec import UNSET, Raw, Struct, UnsetType
from msgspec.json import encode
from msgspec.structs import replace

from margelle.domain.chemistry import conductivity_of_solids
from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.quantity import CATALOGUE
from margelle.domain.site import Band, Disinfectant, Probe, Site
from margelle.domain.unit import Unit, convert
from margelle.vendors.flipr import wire
from margelle.vendors.flipr.translate.words import (
    DEVIATION,
    DISINFECTANTS,
    LABELS,
    MESSAGES,
    PH_DEVIATION,
    Language,
    is_own,
    number,
    ph_deviation,
    rounded,
    sector_of,
    time_from,
    time_to,
    word,
    written,
)

ASLEEP: Final = "the probe sleeps for the winter, or is not calibrated"
RAW_KEPT: Final = 2000
"""How much of a value that is no number is kept, in characters."""

UNITS: Final[dict[str, Unit]] = {
    "temperature": Unit.CELSIUS,
    "ph": Unit.PH,
    "orp": Unit.MILLIVOLT,
    "conductivity": Unit.MICROSIEMENS_PER_CM,
    "uv_index": Unit.UV_INDEX,
    "cloud_cover": Unit.RATIO,
    "battery": Unit.RATIO,
    "free_chlorine_estimate": Unit.MG_PER_L,
    "bromine_estimate": Unit.MG_PER_L,
    PH_DEVIATION: Unit.RATIO,
    DEVIATION: Unit.RATIO,
}
"""The unit on their wire of each quantity that a Flipr tells."""

SHOWN: Final = (*UNITS, "tds", "salt")
"""The quantities of any probe that go into a measure."""

USUAL_ORP: Final = (650.0, 750.0)
"""The limits of the ORP, in mV, of water that is kept well, where the owner has set no limits."""

_COUNTED: Final = {"temperature", "ph", "orp"}
"""What a probe that does not sleep always knows."""

LEVELS: Final = (("Low", 1_000), ("Medium", 10_000))
"""The word for a conductivity below so many µS/cm, and High beyond. Only the first word is known from the cloud; the bounds are ours."""

_SKY: Final = {"uv_index", "cloud_cover", "battery"}
"""What is true of a probe that sleeps."""


def measurements_from(measure: wire.Measure, probe: Probe, origin: str) -> list[Measurement]:
    """What a measure tells, each number as it was written. Where it has none, there is no measurement.

    A true 0 °C comes as 0, and so does a probe that sleeps: that one has no pH either. Raises ValueError where the instant cannot be read.
    """
    at = time_from(measure.date_time)
    asleep = _blank(measure.temperature) and _blank(measure.ph.value if measure.ph else wire.NULL)
    found = [
        _measurement(probe, quantity, at, written(said), origin)
        for quantity, said in _values(measure)
        if written(said) != ""
    ]
    if measure.conductivity and not any(one.quantity == "conductivity" for one in found):
        found += _level(measure.conductivity, probe, at, origin)
    return [_doubted(one) if asleep and one.quantity not in _SKY else one for one in found]


def disinfectant_from(measure: wire.Measure) -> Disinfectant | None:
    """What keeps the water clean, by the label of the estimate; None where it does not say."""
    label = (measure.desinfectant.label if measure.desinfectant else None) or ""
    return DISINFECTANTS.get(label.casefold())


def _values(measure: wire.Measure) -> Iterator[tuple[str, Raw | UnsetType]]:
    yield "temperature", measure.temperature
    if measure.ph:
        yield "ph", measure.ph.value
        yield PH_DEVIATION, measure.ph.deviation
    if measure.oxydo_reduction_potentiel:
        yield "orp", measure.oxydo_reduction_potentiel.value
    if measure.conductivity:
        yield "conductivity", measure.conductivity.value
    yield "uv_index", measure.uv_index
    yield "cloud_cover", measure.cloud_coverage
    if measure.battery:
        yield "battery", measure.battery.deviation
    if measure.desinfectant:
        bromine = disinfectant_from(measure) == "bromine"
        yield "bromine_estimate" if bromine else "free_chlorine_estimate", measure.desinfectant.value
        yield DEVIATION, measure.desinfectant.deviation


def _measurement(probe: Probe, quantity: str, at: datetime, raw: str, origin: str) -> Measurement:
    value, unit = number(raw), UNITS[quantity]
    doubts = () if value is not None else (Doubt("unreadable", f"{raw[:40]} is no number"),)
    if value is not None and quantity in CATALOGUE:
        value = convert(value, unit, CATALOGUE[quantity].unit)
    return Measurement(probe.id, quantity, at, value, raw[:RAW_KEPT], unit, origin, doubts)


def _level(said: wire.Conductivity, probe: Probe, at: datetime, origin: str) -> list[Measurement]:
    """A conductivity in words, as the vendor's own way not to tell it."""
    level = word(said.level)
    doubt = Doubt("vendor", f"the cloud tells a level only: {level[:40]}")
    unit = UNITS["conductivity"]
    return [Measurement(probe.id, "conductivity", at, None, level[:RAW_KEPT], unit, origin, (doubt,))] if level else []


def _blank(said: Raw | UnsetType) -> bool:
    return written(said) == "" or number(written(said)) == 0


def _doubted(one: Measurement) -> Measurement:
    return replace(one, doubts=(*one.doubts, Doubt("vendor", ASLEEP)))


class View(Struct, frozen=True):
    """How a face shows a site's measures: in which language, what keeps the water clean, and the owner's limits."""

    language: Language
    disinfectant: Disinfectant
    orp: tuple[float, float] = USUAL_ORP
    levels: bool = False

    @classmethod
    def of(cls, site: Site, language: Language, *, levels: bool = False) -> View:
        """The view of a site; with `levels` it tells conductivity in words, as the cloud has since 2021."""
        band = site.bands.get("orp", Band())
        low, high = band.low, band.high
        limits = (low, high) if low is not None and high is not None and low < high else USUAL_ORP
        return cls(language, site.disinfection.primary, limits, levels)

    def label(self, *, bromine: bool) -> str:
        """What keeps the water clean: bromine where it is estimated, chlorine where Flipr has no word for it."""
        labels = LABELS[self.language]
        return labels["bromine"] if bromine else labels.get(self.disinfectant, labels["chlorine"])


def measure_to(points: Mapping[str, Measurement], view: View) -> wire.Measure:
    """The measurements of about one instant, of any vendor, as a measure: null where there is none. There must be one."""
    return _measure(points, view, battery=wire.NULL, estimate=UNSET)


def resume_to(points: Mapping[str, Measurement], week: Iterable[wire.Measure], view: View) -> wire.Resume:
    """The answer of NewResume. Its clients count with every number, and take 0 °C for a sleeping probe.

    Where temperature, pH or ORP are not known it says so, as for a probe that sleeps. Any other number stands in: none of the disinfectant, a
    full battery, a hundredth of a degree.
    """
    current = Raw(b'""')
    if all(_counts(points.get(quantity)) for quantity in _COUNTED):
        measure = _measure(points, view, battery=Raw(b"1"), estimate=Raw(b"0"))
        if number(written(measure.temperature)) == 0:
            measure.temperature = Raw(b"0.01")
        current = Raw(encode(measure))
    return wire.Resume(current=current, last_week=list(week))


def _measure(points: Mapping[str, Measurement], view: View, *, battery: Raw, estimate: Raw | UnsetType) -> wire.Measure:
    """A measure, with what stands in for an unknown battery and an unknown estimate of the disinfectant."""
    at = max(point.at for point in points.values())
    words = LABELS[view.language]
    return wire.Measure(
        measure_id=int(at.timestamp()),
        date_time=time_to(at),
        temperature=_printed(points, "temperature") if _value(points, "temperature") is not None else UNSET,
        ph=_acidity(points, view),
        oxydo_reduction_potentiel=wire.Redox(label=words["orp"], value=_printed(points, "orp")),
        conductivity=_levelled(_conductivity(points, words["conductivity"]), levels=view.levels),
        uv_index=_printed(points, "uv_index"),
        cloud_coverage=_printed(points, "cloud_cover"),
        battery=wire.Battery(
            label=words["battery"],
            deviation=battery if _value(points, "battery") is None else _printed(points, "battery"),
        ),
        desinfectant=_disinfectant(points, view, estimate),
    )


def _counts(point: Measurement | None) -> bool:
    return point is not None and point.value is not None and point.valid


def _own(point: Measurement) -> bool:
    return is_own(point.origin)


def _value(points: Mapping[str, Measurement], quantity: str) -> float | None:
    """The number in the quantity's canonical unit. A Flipr says nothing about doubts, so another vendor's doubtful value is none."""
    point = points.get(quantity)
    return point.value if point is not None and (not point.doubts or _own(point)) else None


def _printed(points: Mapping[str, Measurement], quantity: str) -> Raw:
    """The number as Flipr wrote it; another vendor's in their unit and with two decimals."""
    value = _value(points, quantity)
    if value is None:
        return wire.NULL
    point = points[quantity]
    if _own(point) and number(point.raw) is not None:
        return Raw(point.raw.encode())
    return _print(quantity, value)


@lru_cache(4096)  # instruments have few digits: the same numbers come again and again
def _print(quantity: str, value: float) -> Raw:
    if quantity in CATALOGUE:
        value = convert(value, CATALOGUE[quantity].unit, UNITS[quantity])
    return Raw(encode(rounded(value)))


def _acidity(points: Mapping[str, Measurement], view: View) -> wire.Acidity:
    ph = _value(points, "ph")
    if ph is None:
        return wire.Acidity(label=LABELS[view.language]["ph"])
    told = _value(points, PH_DEVIATION)
    deviation = ph_deviation(ph) if told is None else told
    return wire.Acidity(
        label=LABELS[view.language]["ph"],
        message=MESSAGES[view.language][sector_of(deviation)],
        deviation=Raw(encode(deviation)) if told is None else _printed(points, PH_DEVIATION),
        value=_printed(points, "ph"),
        deviation_sector=sector_of(deviation),
    )


def _conductivity(points: Mapping[str, Measurement], label: str) -> wire.Conductivity:
    point = points.get("conductivity")
    if point is not None and _own(point) and point.value is None and point.raw:
        return wire.Conductivity(label=label, level=Raw(encode(point.raw)))
    if _value(points, "conductivity") is not None:
        return wire.Conductivity(label=label, value=_printed(points, "conductivity"))
    solids = _value(points, "tds") if _value(points, "tds") is not None else _value(points, "salt")
    value = wire.NULL if solids is None else Raw(encode(rounded(conductivity_of_solids(solids))))
    return wire.Conductivity(label=label, value=value)


def _levelled(said: wire.Conductivity, *, levels: bool) -> wire.Conductivity:
    """A conductivity with the word for its value, if there is one, in the value's place."""
    value = number(written(said.value)) if levels else None
    if value is None:
        return said
    level = next((name for name, bound in LEVELS if value < bound), "High")
    return wire.Conductivity(label=said.label, level=Raw(encode(level)))


def _disinfectant(points: Mapping[str, Measurement], view: View, missing: Raw | UnsetType) -> wire.Disinfectant:
    bromine = _value(points, "bromine_estimate") is not None
    estimate = "bromine_estimate" if bromine else "free_chlorine_estimate"
    told, orp = _value(points, DEVIATION), _value(points, "orp")
    deviation = told if told is not None or orp is None else disinfectant_deviation(orp, view.orp)
    shown = wire.Disinfectant(
        label=view.label(bromine=bromine),
        value=missing if _value(points, estimate) is None else _printed(points, estimate),
    )
    if deviation is not None:
        shown.deviation = _printed(points, DEVIATION) if DEVIATION in points else Raw(encode(rounded(deviation)))
        shown.deviation_sector = sector_of(deviation)
        shown.message = MESSAGES[view.language][sector_of(deviation)]
    return shown


def disinfectant_deviation(orp: float, limits: tuple[float, float]) -> float:
    """How far the disinfectant is from ideal, where Flipr does not tell it: where the ORP (mV) stands between its limits."""
    low, high = limits
    return (orp - (low + high) / 2) / ((high - low) / 2)
