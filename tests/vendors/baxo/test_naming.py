"""What a tag may measure, and how what was said on a page goes together with the settings file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from margelle.domain.quantity import CATALOGUE, Catalogue, Quantity
from margelle.domain.site import Site
from margelle.domain.unit import Unit, convert
from margelle.errors import ConfigError
from margelle.vendors.baxo.naming import NAMING
from margelle.vendors.baxo.suggestion import suggest
from margelle.vendors.baxo.translate import Tags

SITE = Site("baxo:14587", "baxo", "14587", "Station", attributes={"tags": "PH\nNIVEAU\nPOMPE", "events": "POMPE"})


@pytest.mark.parametrize(
    ("tag", "values", "quantity", "unit"),
    [
        ("PH", [7.1, 7.3], "ph", Unit.PH),
        ("pH bassin 2", [], "ph", Unit.PH),
        ("NIVEAU", [1.72, 1.7], "level", Unit.METRE),
        ("NIVEAU", [172.0, 170.0], "level", Unit.CENTIMETRE),
        ("Niv_cuve", [1720.0, 1705.5], "level", Unit.MILLIMETRE),
        ("Température eau", [21.5], "temperature", Unit.CELSIUS),
        ("TEMP_EXT", [-4.0], "air_temperature", Unit.CELSIUS),
        ("T_EAU", [78.0, 79.5], "temperature", Unit.FAHRENHEIT),
        ("REDOX", [0.71, 0.69], "orp", Unit.VOLT),
        ("CONDUCTIVITE", [2.4], "conductivity", Unit.MILLISIEMENS_PER_CM),
        ("DEBIT", [12.0], "flow", Unit.CUBIC_METRE_PER_HOUR),
        ("PRESSION", [1450.0], "pressure", Unit.HECTOPASCAL),
        ("SEL", [4100.0], "salt", Unit.MG_PER_L),
        ("SEL", [4.1], "salt", Unit.G_PER_L),
    ],
)
def test_a_tag_is_known_by_its_name_and_its_unit_by_its_values(
    tag: str, values: list[float], quantity: str, unit: Unit
) -> None:
    best = suggest(tag, values, CATALOGUE)[0]
    assert (best.quantity, best.unit) == (quantity, unit)
    assert best.because == ("both" if values else "name")


def test_where_the_name_says_nothing_the_values_may() -> None:
    assert [one.quantity for one in suggest("X17", [7.21, 7.19, 7.2], CATALOGUE)] == ["ph"]
    assert [one.quantity for one in suggest("X18", [702.0, 698.0], CATALOGUE)] == ["orp"]
    assert suggest("X19", [0.0, 0.0], CATALOGUE) == ()
    assert suggest("X20", [], CATALOGUE) == ()


def test_a_name_whose_values_cannot_be_that_is_not_believed() -> None:
    assert suggest("PH", [7200.0], CATALOGUE) == ()


def test_a_quantity_of_ones_own_is_suggested_too() -> None:
    own = Catalogue([Quantity("plant.ozone", Unit.MG_PER_L, 0, 5, "Ozone.")])
    (best,) = suggest("OZONE_1", [0.4], own)
    assert (best.quantity, best.unit) == ("plant.ozone", Unit.MG_PER_L)


@given(st.text(max_size=40), st.lists(st.floats(-1e6, 1e6), max_size=8))
def test_whatever_is_suggested_can_be_said_and_is_plausible(tag: str, values: list[float]) -> None:
    for one in suggest(tag, values, CATALOGUE):
        quantity = CATALOGUE[one.quantity]
        assert Tags({"X": f"{one.quantity} {one.unit}"}).meaning("1", "X")
        assert all(quantity.low <= convert(value, one.unit, quantity.unit) <= quantity.high for value in values)


def test_events_have_no_meaning_to_be_said() -> None:
    assert NAMING.names(SITE) == ("PH", "NIVEAU")
    assert NAMING.series("PH") == "baxo.PH"


@pytest.mark.parametrize(
    ("site", "tag", "key"),
    [(SITE, "PH", "14587/PH"), (None, "PH", "PH"), (SITE, "A/B", "14587/A/B"), (None, "A/B", "/A/B")],
)
def test_a_key_means_the_tag_that_it_was_made_of(site: Site | None, tag: str, key: str) -> None:
    assert NAMING.key(site, tag) == key
    assert NAMING.meant({key: "level cm"}, SITE, tag, CATALOGUE) == "level cm"
    assert NAMING.meant({key: "level m"}, SITE, tag, CATALOGUE) == "level"
    assert NAMING.meant({key: "level"}, SITE, "OTHER", CATALOGUE) == ""


@pytest.mark.parametrize(
    ("file", "said", "both"),
    [
        ({}, {"14587/PH": "ph"}, {"14587/PH": "ph"}),
        ({"PH": "ph"}, {"14587/PH": "orp"}, {"PH": "ph"}),
        ({"14587/PH": "ph"}, {"PH": "orp"}, {"14587/PH": "ph", "PH": "orp"}),
        ({"PH": "ph"}, {"PH": "orp"}, {"PH": "ph"}),
        ({"REDOX": "orp"}, {"14587/ORP1": "orp"}, {"REDOX": "orp"}),
        ({"NIVEAU": "level"}, {"14587/CUVE": "level cm"}, {"NIVEAU": "level"}),
        ({"14587/REDOX": "orp"}, {"14588/ORP1": "orp"}, {"14587/REDOX": "orp", "14588/ORP1": "orp"}),
        ({}, {"PH": "nothing", "NIVEAU": "level cm"}, {"NIVEAU": "level cm"}),
        ({}, {"14587/A": "ph", "14587/B": "ph"}, {"14587/A": "ph"}),
    ],
)
def test_the_file_outranks_the_pages_and_nonsense_is_left_out(
    file: dict[str, str], said: dict[str, str], both: dict[str, str]
) -> None:
    assert NAMING.merged(file, said, CATALOGUE) == both


TAGS = st.sampled_from(["PH", "REDOX", "A/B", "NIVEAU"])
KEYS = st.builds(lambda site, tag: NAMING.key(SITE if site else None, tag), st.booleans(), TAGS)
MAPPINGS = st.dictionaries(KEYS, st.sampled_from(["ph", "orp", "level cm", "level"]), max_size=4)


@given(MAPPINGS, MAPPINGS)
def test_whatever_a_page_says_what_the_file_says_stays_true(file: dict[str, str], said: dict[str, str]) -> None:
    try:
        Tags(file)
    except ConfigError:
        return
    both = NAMING.merged(file, said, CATALOGUE)
    for tag in ("PH", "REDOX", "A/B", "NIVEAU"):
        before = NAMING.meant(file, SITE, tag, CATALOGUE)
        if before:
            assert NAMING.meant(both, SITE, tag, CATALOGUE) == before
