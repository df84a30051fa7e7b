"""Points as they were told become measurements: what many of one body have in common is looked up once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from margelle.domain.measurement import Measurement
from margelle.domain.quantity import Catalogue
from margelle.domain.site import Probe
from margelle.domain.unit import Unit, convert, unit_named
from margelle.errors import BadInput
from margelle.intake.form import Part, Run
from margelle.intake.point import LONGEST, Arrival, Point, Told, instant_of, measurement_of, probe_named

SLICE: Final = 1000
"""So many points are read without a pause."""


class _Meaning(Struct, frozen=True, gc=False):
    """What a quantity's name and a unit's mean together; whether a value is `plain`ly in the quantity's own unit."""

    quantity: str
    unit: Unit
    raw_unit: Unit
    plain: bool


class _Looked(dict[Any, Any]):
    """What was looked up, by what it was called. To look may raise BadInput."""

    def __init__(self, look: Callable[[Any], Any]) -> None:
        super().__init__()
        self._look = look

    def __missing__(self, called: Any) -> Any:
        found = self[called] = self._look(called)
        return found


class Clerk:
    """Reads the points of one body, of `probes`; `origin` says whence they come."""

    def __init__(self, probes: Mapping[str, Probe], catalogue: Catalogue, origin: str) -> None:
        self._probes, self._catalogue, self._origin = probes, catalogue, origin
        self._meanings = _Looked(self._meaning)
        self._instants = _Looked(lambda at: instant_of(str(at)))
        self._ids = _Looked(lambda text: probe_named(text, probes).id)

    def arrivals(self, part: Part) -> Iterator[list[Arrival]]:
        """What came of a part of the body, `SLICE` points at a time."""
        if not isinstance(part, Run):
            yield [Arrival(part.n, fault=part.fault) if part.fault else self._arrival(part.n, part.told)]
            return
        for start in range(0, len(part.told), SLICE):
            yield self._told(part.n + start, part.told[start : start + SLICE])

    def _told(self, first: int, points: Sequence[Told]) -> list[Arrival]:
        """As `measurement_of`, with what is known already."""
        meanings, instants, ids, origin = self._meanings, self._instants, self._ids, self._origin
        found = []
        for n, told in enumerate(points, first):
            try:
                text = str(told.value, "ascii")
                value, meaning = float(text), meanings[told.quantity, told.unit]
                if "e" in text or "E" in text or len(text) > LONGEST:  # `number_of` has to look at it
                    raise ValueError
                if not meaning.plain:
                    value = convert(value, meaning.raw_unit, meaning.unit)
                point = Measurement(
                    ids[told.probe], meaning.quantity, instants[told.at], value, text, meaning.raw_unit, origin
                )
            except (BadInput, KeyError, ValueError, OverflowError):  # it is wrong, or a text, null, something larger
                found.append(self._arrival(n, told))
            else:
                found.append(Arrival(n, point))
        return found

    def _arrival(self, n: int, told: Told | Point) -> Arrival:
        point = told.point() if isinstance(told, Told) else told
        try:
            probe = probe_named(point.probe, self._probes)
            return Arrival(n, measurement_of(point, probe, self._catalogue, self._origin))
        except BadInput as error:
            return Arrival(n, fault=str(error))

    def _meaning(self, called: tuple[str, str | None]) -> _Meaning:
        """Raises KeyError."""
        name, unit = called
        quantity = self._catalogue[name.strip().casefold()]
        raw_unit = unit_named(unit) if unit and unit.strip() else quantity.unit
        return _Meaning(quantity.name, quantity.unit, raw_unit, plain=raw_unit is quantity.unit)
