"""Whatever a chunk is given comes back, and damage is told."""

from __future__ import annotations

import math
import random
from datetime import timedelta

import pytest
from bench.water import hours
from hypothesis import given
from hypothesis import strategies as st

from margelle.domain.measurement import Measurement
from margelle.store.chunk import Column, Damaged, decode, encode
from margelle.store.chunk.numbers import packed, packed_floats, unpacked, unpacked_floats
from margelle.store.row import Row, row
from tests.store.test_properties import POINTS
from tests.store.things import HOUR, NOW, point

WHOLE = st.integers(-(2**62), 2**62)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
DECIMALS = st.builds(lambda number, power: number / 10**power, st.integers(-(10**6), 10**6), st.integers(0, 6))


def columns(points: list[Measurement]) -> dict[str, Column]:
    rows: dict[str, dict[int, Row]] = {}
    for one in points:
        rows.setdefault(one.quantity, {})[row(one)[0]] = row(one)
    return {quantity: Column.of([there[at] for at in sorted(there)]) for quantity, there in rows.items()}


@given(st.one_of(st.lists(WHOLE, max_size=70), st.lists(st.integers(-3, 300), min_size=1, max_size=70)))
def test_whole_numbers_come_back(numbers: list[int]) -> None:
    for orders in ((0,), (1,), (2,), (0, 1), (1, 2)):
        if all(abs(number) < 2**60 for number in numbers) or orders == (0,):
            assert unpacked(packed(numbers, orders)) == numbers


@given(
    st.one_of(
        st.lists(FLOATS, max_size=70),
        st.lists(DECIMALS, max_size=70),
        st.lists(st.one_of(DECIMALS, FLOATS), max_size=70),
    )
)
def test_floats_come_back_to_the_last_bit(values: list[float]) -> None:
    assert list(map(float.hex, unpacked_floats(packed_floats(values)))) == list(map(float.hex, values))


def test_a_few_floats_among_decimals_and_a_negative_zero_come_back() -> None:
    values = [n / 10 for n in range(200)]
    values[7], values[100], values[150] = math.pi, -0.0, 1e300
    assert list(map(float.hex, unpacked_floats(packed_floats(values)))) == list(map(float.hex, values))


@given(st.lists(POINTS, max_size=30))
def test_whatever_measurements_are_given_come_back(points: list[Measurement]) -> None:
    given_ = columns(points)
    chunk = encode(given_)
    assert decode(chunk) == given_
    for quantity, column in given_.items():
        assert decode(chunk, {quantity}) == {quantity: column}
        kept = column.measurements(points[0].probe, quantity)
        assert [(one.raw, one.raw_unit, one.origin, one.doubts) for one in kept] == [
            (one.raw, one.raw_unit, one.origin, one.doubts)
            for one in {p.at: p for p in sorted(points, key=lambda p: p.at) if p.quantity == quantity}.values()
        ]


@pytest.mark.parametrize("form", ["{:.2f}", "{!r}", "{:g}", "{:.1f} or so"])
def test_every_way_to_write_numbers_comes_back(form: str) -> None:
    values = [round(7 + n / 50, 2) for n in range(300)]
    given_ = columns([point(value, NOW + n * HOUR, raw=form.format(value)) for n, value in enumerate(values)])
    given_["ph"].raws[40] = "7.800 "
    assert decode(encode(given_)) == given_


def test_quantities_share_their_instants_though_some_lack_a_few() -> None:
    points = list(hours("p", NOW, 500))
    fewer = [one for n, one in enumerate(points) if one.quantity != "ph" or n % 9]
    apart = [one if one.quantity != "orp" else point(one.value, one.at + timedelta(seconds=1), "orp") for one in points]
    for some in (points, fewer, apart):
        assert decode(encode(columns(some))) == columns(some)
    one_alone = len(encode(columns([one for one in points if one.quantity == "ph"])))
    assert len(encode(columns(points))) < 6 * one_alone
    assert len(encode(columns(fewer))) < len(encode(columns(points))) + 300
    assert len(encode(columns(apart))) > len(encode(columns(points))) + 400


def test_a_quantity_that_is_not_there_is_left_out() -> None:
    assert decode(encode(columns([point()])), {"orp"}) == {}
    assert decode(encode({})) == {}
    assert decode(encode({"ph": Column.of([])})) == {}


def test_damage_anywhere_is_told() -> None:
    chunk = encode(columns(list(hours("p", NOW, 100))))
    dice = random.Random(1)
    for _ in range(300):
        place = dice.randrange(len(chunk))
        damaged = bytearray(chunk)
        damaged[place] ^= 1 << dice.randrange(8)
        with pytest.raises(Damaged):
            decode(bytes(damaged))
    for cut in range(len(chunk)):
        with pytest.raises(Damaged):
            decode(chunk[:cut])


def test_a_chunk_of_a_newer_format_is_told_apart() -> None:
    with pytest.raises(Damaged, match="newer"):
        decode(b"\x02" + encode({})[1:])


def test_what_is_no_chunk_behind_a_true_checksum_is_damage() -> None:
    import zlib

    for told in (b"", b"\x92\x90\x91\x94\xa2ph\x05\xa0\x96\xa1m\xa1o\xff\xa0\xa0\xc2", b"\x93\x01\x02\x03"):
        with pytest.raises(Damaged):
            decode(b"\x01" + zlib.crc32(told).to_bytes(4, "big") + told)


def test_noisy_irregular_measurements_take_little_more_than_a_byte() -> None:
    points = list(hours("p", NOW, 1024))
    assert len(encode(columns(points))) < 1.2 * len(points)
