from __future__ import annotations

import pytest

from margelle.domain.quantity import CATALOGUE
from margelle.domain.site import Band
from margelle.domain.unit import Unit
from margelle.serve.scale import scale_of


@pytest.mark.parametrize(
    ("quantity", "unit", "kept", "read", "decimals", "symbol"),
    [
        ("temperature", "[degF]", 27.5, 81.5, 1, "°F"),
        ("temperature", "K", 27.5, 300.65, 1, "K"),
        ("salt", "g/L", 3719.0, 3.719, 3, "g/L"),
        ("level", "cm", 1.25, 125.0, 0, "cm"),
        ("flow", "L/min", 1.2, 20.0, 1, "L/min"),
    ],
)
def test_a_quantity_is_read_in_the_unit_that_is_preferred_with_as_many_digits_as_it_has(
    quantity: str, unit: str, kept: float, read: float, decimals: int, symbol: str
) -> None:
    scale = scale_of(quantity, CATALOGUE, {quantity: unit})
    assert (scale.of(kept), scale.decimals, scale.symbol) == (read, decimals, symbol)


@pytest.mark.parametrize("wanted", ["", "mV", "furlong", "degF"])
def test_a_preference_that_does_not_fit_is_none(wanted: str) -> None:
    scale = scale_of("temperature", CATALOGUE, {"temperature": wanted})
    assert (scale.of(27.5), scale.symbol, scale.decimals) == (27.5, "°C", 1)


def test_an_unknown_quantity_keeps_the_unit_that_came() -> None:
    scale = scale_of("north_hall.redox", CATALOGUE, {}, Unit.MILLIVOLT)
    assert (scale.of(712.5), scale.symbol) == (712.5, "mV")
    assert [scale.digits(value) for value in (712.5, 7.0, 7.25)] == [0, 0, 2]


def test_limits_are_read_in_the_same_unit() -> None:
    scale = scale_of("temperature", CATALOGUE, {"temperature": "[degF]"})
    assert scale.band(Band(None, 40)) == Band(None, 104)
    assert scale.band(None) is None
