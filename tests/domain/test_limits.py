from __future__ import annotations

import pytest
from msgspec.structs import replace

from margelle.domain.limits import TABLE, Bands, bands_of, standing
from margelle.domain.quantity import CATALOGUE
from margelle.domain.site import Band, Disinfection, Site

POOL = Site("a:1", "a", "1", "Pool", "pool", disinfection=Disinfection("chlorine"))
SPA = replace(POOL, kind="spa", disinfection=Disinfection("bromine"))


def test_the_owners_limits_come_before_the_vendors_and_those_before_the_table() -> None:
    vendor = {"ph": Band(7.1, 7.5)}
    assert bands_of(POOL, "ph") == Bands(Band(7.2, 7.6), Band(7.0, 7.8), "usual", bands_of(POOL, "ph").source)  # type: ignore[union-attr]
    assert bands_of(POOL, "ph", vendor) == Bands(Band(7.1, 7.5), Band(7.0, 7.8), "vendor")
    own = replace(POOL, bands={"ph": Band(7.0, 7.2)})
    assert bands_of(own, "ph", vendor) == Bands(Band(7.0, 7.2), Band(7.0, 7.8), "owner")


def test_what_the_owner_admits_is_tolerable_however_far_it_goes() -> None:
    own = replace(POOL, bands={"ph": Band(6.5, 8.4)})
    assert bands_of(own, "ph") == Bands(Band(6.5, 8.4), Band(6.5, 8.4), "owner")
    open_above = replace(POOL, bands={"orp": Band(650, None)})
    assert bands_of(open_above, "orp") == Bands(Band(650, None), Band(600, None), "owner")


def test_a_band_without_an_end_is_no_band() -> None:
    assert bands_of(replace(POOL, bands={"ph": Band()}), "ph") == bands_of(POOL, "ph")


@pytest.mark.parametrize(
    ("site", "quantity"),
    [
        (replace(POOL, kind="tank"), "ph"),
        (replace(POOL, kind="plant"), "orp"),
        (replace(POOL, disinfection=Disinfection("oxygen")), "orp"),
        (POOL, "salt"),
        (POOL, "bromine_estimate"),
        (POOL, "temperature"),
        (replace(POOL, disinfection=Disinfection("salt")), "tds"),
        (POOL, "plant.ozone"),
    ],
)
def test_where_nothing_applies_there_are_no_limits(site: Site, quantity: str) -> None:
    assert bands_of(site, quantity) is None


def test_the_law_of_collective_pools_holds_only_for_those() -> None:
    bands = bands_of(POOL, "ph", regime="collective")
    assert bands is not None
    assert (bands.ideal, bands.tolerable, bands.origin) == (None, Band(6.9, 7.7), "law")
    assert "before the arrêté of 19 December 2025" in bands.source
    spa = bands_of(SPA, "temperature", regime="collective")
    assert spa is not None
    assert spa.tolerable == Band(None, 36)
    private = bands_of(SPA, "temperature")
    assert private is not None
    assert private.tolerable == Band(None, 40)


@pytest.mark.parametrize(
    ("value", "stands"),
    [
        (6.99, "far"),
        (7.0, "outside"),
        (7.19, "outside"),
        (7.2, "within"),
        (7.6, "within"),
        (7.8, "outside"),
        (7.81, "far"),
    ],
)
def test_a_limit_itself_is_within(value: float, stands: str) -> None:
    bands = bands_of(POOL, "ph")
    assert bands is not None
    assert standing(value, bands) == stands


def test_every_limit_of_the_table_is_of_a_known_quantity_has_a_source_and_an_ideal_within_the_tolerable() -> None:
    for limit in TABLE:
        quantity = CATALOGUE[limit.quantity]
        assert limit.source
        assert limit.ideal or limit.tolerable
        for band in filter(None, (limit.ideal, limit.tolerable)):
            assert all(quantity.low <= end <= quantity.high for end in (band.low, band.high) if end is not None)
        if limit.ideal and limit.tolerable:
            for end in (limit.ideal.low, limit.ideal.high):
                assert end is None or standing(end, Bands(limit.ideal, limit.tolerable, "usual")) == "within"


@pytest.mark.parametrize(
    ("quantity", "value", "stands"),
    [
        ("free_chlorine", 16, "far"),
        ("free_chlorine", 9, "far"),
        ("free_chlorine", 2, "within"),
        ("combined_chlorine", 0.7, "far"),
        ("cyanuric_acid", 400, "far"),
        ("cyanuric_acid", 0, "within"),
        ("total_alkalinity", 60, "outside"),
        ("total_hardness", 500, "outside"),
        ("calcium_hardness", 300, "within"),
    ],
)
def test_what_chemical_tests_measure_has_limits(quantity: str, value: float, stands: str) -> None:
    bands = bands_of(POOL, quantity)
    assert bands is not None
    assert standing(value, bands) == stands
