"""A measurement as a row of table recent, with numbers for names, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from margelle.domain.measurement import Measurement
from margelle.store.row import measurement, row

Kept = tuple[int, int, int, float | None, int, str, bytes | None, str | None]
"""In the order of COLUMNS: the numbers of probe and quantity, the instant in microseconds since 1970, the value, the number of the origin, the raw
unit (UCUM), the raw text in UTF-8 (None where it is the shortest decimal that spells the value), the doubts as JSON."""
COLUMNS: Final = "probe, quantity, at, value, origin, unit, raw, doubts"
TYPES: Final = ("int4", "int4", "int8", "float8", "int4", "text", "bytea", "text")
SENT: Final = f"unnest({', '.join(f'%s::{kind}[]' for kind in TYPES)}) AS arrived ({COLUMNS})"
"""Rows that are sent with the statement, column by column."""
ORIGIN: Final = 4
"""Where a row has its origin."""


def kept(point: Measurement, numbers: Mapping[str, int]) -> Kept:
    """The row of a measurement. Raises BadInput as `row` does."""
    at_us, value, raw, unit, origin, doubts = row(point)
    text = raw.encode() if raw is not None else None
    return numbers[point.probe], numbers[point.quantity], at_us, value, numbers[origin], unit, text, doubts


def told(row: Kept, texts: Mapping[int, str]) -> Measurement:
    """The measurement of a row."""
    probe, quantity, at_us, value, origin, unit, raw, doubts = row
    text = raw.decode() if raw is not None else None
    return measurement(texts[probe], texts[quantity], (at_us, value, text, unit, texts[origin], doubts))


def columns(rows: Sequence[Kept]) -> list[list[Any]]:
    """The rows, column by column."""
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in TYPES]
