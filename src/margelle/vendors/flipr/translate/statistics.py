"""A probe's past: measures by instant, and statistics by day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Final

from margelle.domain.chemistry import conductivity_of_solids
from margelle.domain.measurement import Measurement
from margelle.domain.quantity import CATALOGUE
from margelle.domain.series import DayStatistics, by_day
from margelle.domain.unit import convert
from margelle.vendors.flipr import wire
from margelle.vendors.flipr.translate.measure import UNITS, View, disinfectant_deviation, measure_to
from margelle.vendors.flipr.translate.words import DEVIATION, LABELS, PH_DEVIATION, VENDOR, ph_deviation, rounded

_PLAIN: Final = {"temperature", "conductivity", "uv_index"}
"""What has values only, under the same name there as here."""


def measures_to(points: Iterable[Measurement], view: View) -> list[wire.Measure]:
    """Measurements as measures, the newest first. Those of one instant are one measure; of other vendors' probes, those of one minute."""
    together: defaultdict[object, dict[str, Measurement]] = defaultdict(dict)
    for point in sorted(points, key=lambda point: point.at):
        own = point.origin.startswith(f"{VENDOR}/")
        together[point.at if own else point.at.replace(second=0, microsecond=0)][point.quantity] = point
    return [measure_to(of_one, view) for of_one in reversed(together.values())]


def days_to(points: Mapping[str, Sequence[Measurement]], view: View) -> list[wire.DayStatistics]:
    """The statistics of each UTC day with a valid value, the newest first; `points` are by quantity."""
    known = {quantity: {one.day: one for one in by_day(of_one)} for quantity, of_one in points.items()}
    days = {day for of_one in known.values() for day in of_one}
    return [
        _day(day, {quantity: of_one[day] for quantity, of_one in known.items() if day in of_one}, view)
        for day in sorted(days, reverse=True)
    ]


def _day(day: date, told: Mapping[str, DayStatistics], view: View) -> wire.DayStatistics:
    words = LABELS[view.language]
    said = wire.DayStatistics(date=f"{day.isoformat()}T00:00:00Z")
    values = {quantity: _values(quantity, of_one) for quantity, of_one in told.items()}
    for solids in ("salt", "tds"):
        if solids in values and "conductivity" not in told:
            values["conductivity"] = tuple(map(conductivity_of_solids, values[solids]))
    for quantity in _PLAIN & values.keys():
        setattr(said, quantity, _of_values(words[quantity], values[quantity]))
    if "ph" in values:
        deviations = values.get(PH_DEVIATION) or [ph_deviation(rounded(ph)) for ph in values["ph"]]
        said.ph = _with_deviations(_of_values(words["ph"], values["ph"]), deviations)
    if "orp" in values:
        said.oxydo_reduction_potentiel = said.oxydo_recution_potential = _of_values(words["orp"], values["orp"])
    if "cloud_cover" in values:
        said.cloud_coverage = _of_values(words["cloud_cover"], values["cloud_cover"])
    if "battery" in values:
        said.battery = _with_deviations(wire.Statistics(label=words["battery"]), values["battery"])
    _disinfect(said, values, view)
    return said


def _disinfect(said: wire.DayStatistics, values: Mapping[str, tuple[float, ...]], view: View) -> None:
    """The disinfectant by its estimate, its deviation, or both; without either, by what the ORP says of it."""
    bromine = "bromine_estimate" in values
    estimate = values.get("bromine_estimate" if bromine else "free_chlorine_estimate")
    deviations = values.get(DEVIATION) or [disinfectant_deviation(orp, view.orp) for orp in values.get("orp", ())]
    label = view.label(bromine=bromine)
    if estimate or deviations:
        shown = _of_values(label, estimate) if estimate else wire.Statistics(label=label)
        said.desinfectant = _with_deviations(shown, deviations) if deviations else shown


def _values(quantity: str, of_day: DayStatistics) -> tuple[float, ...]:
    """Highest, lowest, mean and median in the unit on their wire."""
    values = (of_day.maximum, of_day.minimum, of_day.mean, of_day.median)
    if quantity not in CATALOGUE or quantity not in UNITS:
        return values
    return tuple(convert(value, CATALOGUE[quantity].unit, UNITS[quantity]) for value in values)


def _of_values(label: str, values: Sequence[float]) -> wire.Statistics:
    highest, lowest, mean, middle = map(rounded, values)
    return wire.Statistics(label=label, max_value=highest, min_value=lowest, avg_value=mean, med_value=middle)


def _with_deviations(said: wire.Statistics, values: Sequence[float]) -> wire.Statistics:
    said.max_deviation, said.min_deviation, said.avg_deviation, said.med_deviation = map(rounded, values)
    return said
