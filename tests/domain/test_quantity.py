"""The table of quantities and an installation's own additions."""

from __future__ import annotations

import pytest

from margelle.domain.quantity import CATALOGUE, STANDARD, Catalogue, Quantity
from margelle.domain.unit import Unit


def test_what_the_three_vendors_measure_is_in_the_table_with_its_unit() -> None:
    units = {quantity.name: quantity.unit.value for quantity in STANDARD}
    assert units | {} == units | {
        "temperature": "Cel",
        "ph": "[pH]",
        "orp": "mV",
        "conductivity": "uS/cm",
        "salt": "mg/L",
        "tds": "mg/L",
        "free_chlorine_estimate": "mg/L",
        "bromine_estimate": "mg/L",
        "battery": "%",
        "rssi": "%",
        "uv_index": "{UVI}",
        "cloud_cover": "%",
        "air_temperature": "Cel",
    }


def test_every_quantity_has_a_range_a_sentence_and_a_standard_uri() -> None:
    for quantity in STANDARD:
        assert quantity.low < quantity.high, quantity.name
        assert quantity.sentence.endswith("."), quantity.name
        assert quantity.uri.startswith(("http://vocabulary.odm2.org/", "http://qudt.org/")), quantity.name


def test_names_are_unique() -> None:
    assert len({quantity.name for quantity in STANDARD}) == len(STANDARD)


def test_an_installation_adds_its_own_quantities() -> None:
    free = Quantity("tank_level.north", Unit.CENTIMETRE, 0, 500, "Level in the northern tank.")
    catalogue = Catalogue([free])
    assert catalogue["tank_level.north"] is free
    assert "tank_level.north" not in CATALOGUE


@pytest.mark.parametrize("name", ["pH", "two words", "", "9lives", "trailing."])
def test_a_free_quantity_with_a_strange_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="a name is"):
        Catalogue([Quantity(name, Unit.PH, 0, 1, "")])


def test_a_free_quantity_cannot_take_a_standard_name() -> None:
    with pytest.raises(ValueError, match="defined already"):
        Catalogue([Quantity("ph", Unit.PH, 0, 14, "")])


def test_a_free_quantity_needs_a_range() -> None:
    with pytest.raises(ValueError, match="below its highest"):
        Catalogue([Quantity("x", Unit.PH, 5, 5, "")])


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(KeyError, match="did you mean 'temperature'"):
        CATALOGUE["temprature"]
