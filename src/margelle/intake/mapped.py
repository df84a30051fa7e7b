"""Anybody's table: which column is what, is said by a mapping."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Final

from msgspec import Struct

from margelle.domain.measurement import Measurement
from margelle.domain.quantity import Catalogue
from margelle.domain.site import Probe
from margelle.domain.unit import unit_named
from margelle.errors import BadInput
from margelle.intake.form import Csv
from margelle.intake.point import Point, in_utc, instant_of, measurement_of, probe_named

AT: Final = "at"
PROBE: Final = "probe"
_MEANING: Final = re.compile(r"\s*(.*?)\s*(?:\[(.*)\])?\s*")


class Columns:
    """What the columns of a table are: `{"Date": "at", "Time": "at", "Temp": "temperature [degF]", "Pool": "probe"}`.

    Several columns that are `at` are read one after another, parted by a space. An instant without a zone is on the clock of `zone`; `pattern` is
    how it is written, as strptime has it, where that is not ISO 8601. `decimal` is the mark between a number's digits. Raises BadInput.
    """

    def __init__(
        self,
        mapping: Mapping[str, str],
        catalogue: Catalogue,
        probes: Mapping[str, Probe],
        probe: str = "",
        *,
        zone: tzinfo | None = None,
        pattern: str = "",
        decimal: str = ".",
    ) -> None:
        self._catalogue, self._probes, self._zone = catalogue, probes, zone
        self._pattern, self._decimal = pattern, decimal
        self._at = [column for column, meaning in mapping.items() if meaning == AT]
        self._probe_column = next((column for column, meaning in mapping.items() if meaning == PROBE), "")
        self._values = [
            _Value.of(column, meaning, catalogue) for column, meaning in mapping.items() if meaning not in {AT, PROBE}
        ]
        self._probe = probe_named(probe, probes) if probe else None
        if not self._at or not self._values:
            raise BadInput("A mapping needs a column for at, and one for a quantity.", hint="Such as Date=at pH=ph")
        if self._probe is None and not self._probe_column:
            raise BadInput("Of which probe are the values?", hint="Say --probe, or map a column to it.")
        if len(decimal) != 1:
            raise BadInput(f"{decimal!r} is no mark in a number.", hint="It is one character, such as a comma.")

    def table(self, delimiter: str) -> Csv:
        """Reads the table: its rows, as cells. Raises BadInput."""
        if len(delimiter) != 1 or delimiter in '"\r\n':
            raise BadInput(f"{delimiter!r} cannot part cells.", hint="It is one character; a tabulator is $'\\t'.")
        return Csv(dict, self._check, delimiter)

    def measurements(self, cells: dict[str, str]) -> Iterator[Measurement | str]:
        """The measurements of a row, or why a cell is none. Raises BadInput where the row itself is wrong."""
        at = self._instant(" ".join(cells[column].strip() for column in self._at))
        probe = self._probe or probe_named(cells[self._probe_column].strip(), self._probes)
        for value in self._values:
            text = cells[value.column].strip()
            if text:
                point = Point(probe.id, value.quantity, at.isoformat(), text.replace(self._decimal, "."), value.unit)
                try:
                    yield measurement_of(point, probe, self._catalogue, "own/file")
                except BadInput as error:
                    yield f"{value.column}: {error}"

    def _instant(self, text: str) -> datetime:
        if not self._pattern:
            return instant_of(text, self._zone)
        try:
            at = datetime.strptime(text, self._pattern)  # noqa: DTZ007 - the zone is the table's
            return in_utc(at, self._zone)
        except (ValueError, OverflowError, re.error) as error:  # re's own where the pattern names a part twice
            raise BadInput(f"{text[:40]!r} is not written as {self._pattern!r} says.") from error

    def _check(self, head: Sequence[str]) -> None:
        wanted = [
            *self._at,
            *([self._probe_column] if self._probe_column else []),
            *(one.column for one in self._values),
        ]
        for column in wanted:
            if head.count(column) != 1:
                what = "no column" if column not in head else "more than one column"
                raise BadInput(f"The table has {what} {column!r}.", hint=f"It has {', '.join(head)}.")


class _Value(Struct, frozen=True):
    column: str
    quantity: str
    unit: str

    @classmethod
    def of(cls, column: str, meaning: str, catalogue: Catalogue) -> _Value:
        """Of `temperature [degF]`, or `ph`. Raises BadInput."""
        found = _MEANING.fullmatch(meaning)
        assert found is not None
        try:
            quantity = catalogue[found[1]]
            unit = unit_named(found[2]) if found[2] else quantity.unit
        except (KeyError, ValueError) as error:
            raise BadInput(f"{column}={meaning}: {error.args[0]}.") from error
        return cls(column, quantity.name, unit.value)
