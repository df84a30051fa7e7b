from __future__ import annotations

from datetime import UTC, datetime

import pytest
from msgspec import Struct

from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.site import Probe
from margelle.domain.unit import Unit
from margelle.ports import Fault
from margelle.vendors.answer import Entries
from margelle.vendors.reading import RAW_KEPT, batch_of, measured, number

AT = datetime(2026, 7, 14, 12, tzinfo=UTC)
PROBE = Probe("x:1", "x:1", "x", "1")


class Said(Struct):
    n: int


def read(said: Said) -> list[Measurement]:
    if said.n < 0:
        raise ValueError("below nought")
    return [measured(PROBE, "ph", AT, str(said.n), Unit.PH, "x/y")]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7.2", 7.2),
        ("-0.5e1", -5.0),
        ("0", 0.0),
        ("07", None),
        ("+1", None),
        ("NaN", None),
        ("1e999", None),
        ("true", None),
        ("", None),
        ("٣", None),
    ],
)
def test_a_number_is_one_in_json_that_can_be_counted_with(text: str, value: float | None) -> None:
    assert number(text) == value


def test_a_value_is_converted_and_its_text_stays() -> None:
    one = measured(PROBE, "orp", AT, "0.7", Unit.VOLT, "x/y")
    assert (one.value, one.raw, one.raw_unit, one.doubts) == (700.0, "0.7", Unit.VOLT, ())


def test_what_is_no_number_is_kept_in_part_with_a_doubt_behind_the_vendors() -> None:
    doubt = Doubt("vendor", "dirty")
    one = measured(PROBE, "orp", AT, "x" * 5000, Unit.VOLT, "x/y", doubt)
    assert (one.value, len(one.raw)) == (None, RAW_KEPT)
    assert one.doubts == (doubt, Doubt("unreadable", "x" * 40 + " is no number"))


def test_a_quantity_that_nobody_knows_is_not_converted() -> None:
    assert measured(PROBE, "x.own", AT, "3", Unit.VOLT, "x/y").value == 3.0


def test_a_batch_has_each_measurement_once_and_names_what_could_not_be_read() -> None:
    batch = batch_of(
        Entries([Said(1), Said(-1), Said(1), Said(2)], [[], [], [], []], [Fault("x[9]", "lost")]), "x", read
    )
    assert [one.value for one in batch.measurements] == [1.0, 2.0]
    assert batch.faults == (Fault("x[9]", "lost"), Fault("x[1]", 'below nought: {"n":-1}'))


def test_what_is_remarked_of_an_entry_loses_nothing() -> None:
    batch = batch_of(Entries([Said(3)], [[]], []), "x", read, lambda said: f"{said.n} is odd")
    assert [one.value for one in batch.measurements] == [3.0]
    assert batch.faults == (Fault("x[0]", "3 is odd"),)
