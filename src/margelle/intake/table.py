"""The columns of a table of points, one value in each row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from margelle.errors import BadInput
from margelle.intake.form import Csv
from margelle.intake.point import Point

NEEDED: Final = ("probe", "quantity", "at", "value")
KNOWN: Final = (*NEEDED, "unit")


def points() -> Csv:
    """Reads a table whose columns are those of a point. A column that no point has is an error: it might have been the unit, misspelt."""
    return Csv(_point, _check)


def _check(head: Sequence[str]) -> None:
    missing = [name for name in NEEDED if name not in head]
    strange = [name for name in head if name not in KNOWN]
    if missing or strange or len(set(head)) != len(head):
        what = f"lacks {missing[0]!r}" if missing else f"has {strange[0]!r}" if strange else "has a column twice"
        raise BadInput(f"The table {what}.", hint=f"Its columns are {', '.join(KNOWN)}.")


def _point(cells: dict[str, str]) -> Point:
    return Point(**cells)
