"""The hub's own export, read back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import UNSET, Struct, UnsetType

from margelle.domain.cell import unguarded
from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.quantity import Catalogue
from margelle.domain.unit import Unit, convert
from margelle.errors import BadInput
from margelle.intake.form import Csv
from margelle.intake.point import instant_of, number_of

COLUMNS: Final = ("at", "probe", "site", "quantity", "value", "unit", "valid", "reason", "raw", "raw_unit", "origin")
"""Of every export. Later ones also have `doubts`."""


class Row(Struct, forbid_unknown_fields=True):
    """A line of an export."""

    at: str
    probe: str
    site: str
    quantity: str
    value: float | None
    unit: Unit
    valid: bool
    reason: str | None
    raw: str
    raw_unit: Unit
    origin: str
    doubts: tuple[Doubt, ...] | UnsetType | None = UNSET

    @property
    def judged(self) -> bool:
        """Whether its doubts are all told: an export of old had only their reasons, in one."""
        return self.doubts is not UNSET

    def measurement(self, catalogue: Catalogue) -> Measurement:
        """The measurement as it was, in the unit that its quantity has here. Raises BadInput."""
        quantity = catalogue.get(self.quantity)
        value = self.value
        try:
            if value is not None and quantity is not None:
                value = convert(value, self.unit, quantity.unit)
        except (ValueError, OverflowError) as error:
            raise BadInput(f"{error}.") from error
        doubts = self.doubts if isinstance(self.doubts, tuple) else ()
        if not self.valid and not self.judged:
            doubts = (Doubt("vendor", self.reason or "doubted, for no reason that is known"),)
        return Measurement(
            self.probe, self.quantity, instant_of(self.at), value, self.raw, self.raw_unit, self.origin, doubts
        )


def table() -> Csv:
    """Reads an export in CSV."""
    return Csv(_row, _check)


def is_head(line: str) -> bool:
    """Whether these are the names of an export's columns."""
    return line.strip().startswith(",".join(COLUMNS))


def _check(head: Sequence[str]) -> None:
    if tuple(head) not in {COLUMNS, (*COLUMNS, "doubts")}:
        raise BadInput("These are not the columns of an export.")


def _row(cells: dict[str, str]) -> Row:
    given: dict[str, object] = {name: unguarded(cell) for name, cell in cells.items()}
    given["value"] = number_of(cells["value"]) if cells["value"] else None
    given["reason"] = given["reason"] or None
    given["valid"] = {"true": True, "false": False}.get(cells["valid"], cells["valid"])
    if "doubts" in cells:
        given["doubts"] = msgspec.json.decode(cells["doubts"].encode()) if cells["doubts"] else None
    return msgspec.convert(given, Row)
