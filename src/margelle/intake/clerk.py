"""Points as they were told become measurements: what many of one body have in common is looked up once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from msgspec import Raw, Struct

from margelle.domain.measurement import Measurement
from margelle.domain.quantity import Catalogue
from margelle.domain.site import Probe
from margelle.domain.unit import Unit, convert
from margelle.errors import BadInput
from margelle.intake.form import Entry
from margelle.intake.point import LONGEST, Arrival, Point, Told, measurement_of, probe_named


class _Meaning(Struct, frozen=True, gc=False):
    """What a quantity's name and a unit's mean together."""

    quantity: str
    unit: Unit
    raw_unit: Unit


class Clerk:
    """Reads the points of one body, of `probes`; `origin` says whence they come."""

    def __init__(self, probes: Mapping[str, Probe], catalogue: Catalogue, origin: str) -> None:
        self._probes, self._catalogue, self._origin = probes, catalogue, origin
        self._meanings: dict[tuple[str, str | None], _Meaning] = {}
        self._instants: dict[str | int | float, datetime] = {}
        self._ids: dict[str, str] = {}

    def arrivals(self, entries: Iterable[Entry]) -> Iterator[Arrival]:
        """What came of each entry."""
        for entry in entries:
            if entry.fault:
                yield Arrival(entry.n, fault=entry.fault)
                continue
            told = entry.told
            try:
                measurement = self._told(told) if told.__class__ is Told else self._point(told)
            except BadInput as error:
                yield Arrival(entry.n, fault=str(error))
            else:
                yield Arrival(entry.n, measurement)

    def _point(self, point: Point) -> Measurement:
        return measurement_of(point, probe_named(point.probe, self._probes), self._catalogue, self._origin)

    def _told(self, told: Told) -> Measurement:
        """As `measurement_of`, with what is known already. Raises BadInput."""
        meaning = self._meanings.get((told.quantity, told.unit))
        at = self._instants.get(told.at)
        probe = self._ids.get(told.probe)
        number = _number(told.value)
        if meaning is None or at is None or probe is None or number is None:
            return self._new(told)
        text, value = number
        if meaning.unit is not meaning.raw_unit:
            try:
                value = convert(value, meaning.raw_unit, meaning.unit)
            except (ValueError, OverflowError):
                return self._new(told)
        return Measurement(probe, meaning.quantity, at, value, text, meaning.raw_unit, self._origin)

    def _new(self, told: Told) -> Measurement:
        """Something of it was not met before, or is wrong."""
        found = self._point(told.point())
        self._ids[told.probe] = found.probe
        self._instants[told.at] = found.at
        unit = self._catalogue[found.quantity].unit
        self._meanings[told.quantity, told.unit] = _Meaning(found.quantity, unit, found.raw_unit)
        return found


def _number(raw: Raw) -> tuple[str, float] | None:
    """A JSON number that is written plainly, as text and as a number; None for everything else, at which `number_of` has to look."""
    try:
        text = str(raw, "ascii")
        if "e" in text or "E" in text or len(text) > LONGEST:
            return None
        return text, float(text)
    except ValueError:  # a text, null, something larger
        return None
