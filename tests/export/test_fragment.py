from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as some
from msgspec.structs import replace

from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.quantity import CATALOGUE
from margelle.domain.series import DAY_BYTES, POINT_BYTES, DaySlice, DayStatistics, Points, Slice
from margelle.domain.unit import Unit
from margelle.export.fragment import Fragments, instants
from margelle.export.row import Series, days, rows
from margelle.store.chunk import Column
from margelle.store.row import row

BEGIN = datetime(2026, 7, 14, 12, tzinfo=UTC)
DOUBTS = (Doubt("vendor", "out of wäter"), Doubt("range", 'a "quote", and\na line'))
_values = some.none() | some.floats(allow_nan=False, allow_infinity=False, width=64).map(lambda value: value + 0.0)


def points(values: list[float | None], *, raw: str | None = None, alike: bool = False) -> list[Measurement]:
    """Some every 37.5 seconds, each third one doubted; `alike` are those of one unit."""
    return [
        Measurement(
            "own:täst/probe",
            "ph",
            BEGIN + n * timedelta(seconds=37.5),
            value,
            raw if raw is not None else repr(value).removesuffix(".0"),
            Unit.PH if n % 5 or alike else Unit.RATIO,
            'own/"http"',
            DOUBTS if n % 3 == 0 else (),
        )
        for n, value in enumerate(values)
    ]


def column(given_: list[Measurement]) -> Column:
    return Column.of(map(row, given_))


SERIES = Series("own:täst/probe", "ph", "own:täst")


def as_rows(measurements: list[Measurement], series: Series = SERIES) -> bytes:
    return msgspec.json.encode(rows(measurements, series.site, CATALOGUE))[1:-1]


@given(
    some.lists(_values, min_size=1, max_size=40), some.booleans(), some.booleans(),
    some.sampled_from([None, "7.20", "0x"]),
)  # fmt: skip
def test_rows_are_written_as_the_encoder_writes_them(
    values: list[float | None], lasting: bool, alike: bool, raw: str | None
) -> None:
    measurements = points(values, raw=raw, alike=alike)
    wanted = Slice(column(measurements), 0, len(values), lasting)
    assert bytes(Fragments(CATALOGUE).told(wanted, SERIES)) == as_rows(measurements)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize(("first", "last"), [(0, 20), (0, 1), (19, 20), (3, 17), (5, 6)])
def test_any_part_of_a_column_is_had_from_what_is_kept_of_it(first: int, last: int, descending: bool) -> None:
    measurements, fragments = points([n / 10 for n in range(20)]), Fragments(CATALOGUE)
    whole = column(measurements)
    expected = measurements[first:last][::-1] if descending else measurements[first:last]
    for begin, end in ((first, last), (0, 20), (first, last)):  # before all is written, and after
        fragments.told(Slice(whole, begin, end, lasting=True), SERIES)
    told = fragments.told(Slice(whole, first, last, lasting=True), SERIES, descending=descending)
    assert bytes(told) == as_rows(expected)


def test_names_that_look_like_a_row_are_written_as_they_are() -> None:
    series = Series('own:"value":0.5,/"raw":"0.5",', "ph", '","value":0.5,')
    measurements = points([7.0, 7.25, None, 0.5], alike=True)
    wanted = Slice(column(measurements), 0, 4, lasting=True)
    rows_ = [replace(one, probe=series.probe) for one in measurements]
    assert bytes(Fragments(CATALOGUE).told(wanted, series)) == as_rows(rows_, series)


def test_instants_that_two_quantities_have_in_common_are_those_of_each() -> None:
    fragments = Fragments(CATALOGUE)
    for some_ in (points([7.0] * 5), points([7.1] * 5), points([7.1] * 5)[1:], points([7.2] * 4)):
        assert bytes(fragments.told(Slice(column(some_), 0, len(some_), lasting=True), SERIES)) == as_rows(some_)


@pytest.mark.parametrize("lasting", [False, True])
@pytest.mark.parametrize(("first", "last"), [(0, 20), (0, 1), (19, 20), (3, 17)])
def test_days_are_written_as_the_encoder_writes_them(first: int, last: int, lasting: bool) -> None:
    found = [DayStatistics(date(2026, 1, 1 + n), n, n / 10, 8.0, 7.0 + n / 3, 7.5, n % 2) for n in range(20)]
    fragments = Fragments(CATALOGUE)
    for zone in ("UTC", "Europe/Paris", "UTC"):
        told = fragments.days(DaySlice(found, first, last, lasting), SERIES, zone, "[pH]")
        assert bytes(told) == msgspec.json.encode(days(found[first:last], SERIES, zone, "[pH]"))[1:-1]


@given(some.lists(some.integers(-(10**15), 10**17), min_size=1, max_size=20))
def test_instants_are_written_as_the_encoder_writes_them(times: list[int]) -> None:
    begin = datetime(1970, 1, 1, tzinfo=UTC)
    aware = [begin + timedelta(microseconds=at_us) for at_us in times]
    assert instants(times) == [f'{{"at":{msgspec.json.encode(at).decode()[:-1]}' for at in aware]


def test_the_same_points_of_a_probe_that_was_moved_are_written_for_its_new_site() -> None:
    measurements, fragments = points([7.0, 7.1]), Fragments(CATALOGUE)
    wanted = Slice(column(measurements), 0, 2, lasting=True)
    fragments.told(wanted, SERIES)
    moved = Series(SERIES.probe, "ph", "own:elsewhere")
    assert bytes(fragments.told(wanted, moved)) == as_rows(measurements, moved)


def test_what_is_kept_is_bounded_and_the_longest_unasked_goes_first() -> None:
    fragments = Fragments(CATALOGUE, most_bytes=20_000)
    held: list[Points] = []
    for n in range(20):
        wanted = Slice(column(points([n / 10] * 10)), 0, 10, lasting=True)
        held.append(wanted.points)
        fragments.told(wanted, SERIES)
        fragments.told(Slice(held[0], 0, 10, lasting=True), SERIES)
    assert 2 <= len(fragments._kept) < 20
    assert fragments._kept.weight <= 20_000
    assert (id(held[0]), SERIES) in fragments._kept
    assert (id(held[1]), SERIES) not in fragments._kept


def test_what_rows_were_made_of_counts_as_well_as_their_text() -> None:
    fragments = Fragments(CATALOGUE)
    whole = column(points([7.0] * 100))
    text = fragments.told(Slice(whole, 0, 100, lasting=True), SERIES)
    assert fragments._kept.weight >= len(text) + 100 * (POINT_BYTES + 8)
    before = fragments._kept.weight
    found = [DayStatistics(date(2026, 1, 1 + n), n, 6.0, 8.0, 7.0, 7.5, 0) for n in range(20)]
    rows_ = fragments.days(DaySlice(found, 0, 20, lasting=True), SERIES, "UTC", "[pH]")
    assert fragments._kept.weight >= before + len(rows_) + 20 * (DAY_BYTES + 8)
