"""What the simulated cloud recommends, and when again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from margelle.domain.site import Recommendation, User
from margelle.ports import Vendor
from margelle.simulate.advice import Adviser
from margelle.simulate.pool import FAMILY, SALT, SPA, Pool
from margelle.simulate.roster import Place, Roster
from margelle.simulate.rules import RULES
from margelle.vendors import VENDORS

MONDAY = datetime(2026, 7, 13, 4, 9, 59, tzinfo=UTC)
FINE = {"temperature": 24.0, "ph": 7.3, "orp": 690.0, "tds": 800.0, "salt": 4000.0, "battery": 80.0}
ONDILO: list[Vendor] = [VENDORS["ondilo"]]


def place(pool: Pool = FAMILY, language: str = "en") -> Place:
    return Roster(ONDILO, [User("a@b.example", "x", language=language)], [[pool]]).places[0]


def waiting(
    means: dict[str, float],
    *,
    pool: Pool = FAMILY,
    at: datetime = MONDAY,
    known: list[Recommendation] | None = None,
    language: str = "en",
) -> list[Recommendation]:
    return Adviser(place(pool, language)).waiting(known or [], means, at)


def titles(found: list[Recommendation]) -> list[str]:
    return [recommendation.title for recommendation in found]


def test_fine_water_needs_nothing_on_an_ordinary_day() -> None:
    assert waiting(FINE) == []


def test_the_filter_is_cleaned_on_the_maintenance_day() -> None:
    saturday = MONDAY + timedelta(days=5)
    assert titles(waiting(FINE, at=saturday)) == ["Clean your filter"]
    assert titles(waiting(FINE, at=MONDAY, pool=SPA)) == ["Clean your filter"]


@pytest.mark.parametrize(
    ("quantity", "value", "title", "pool"),
    [
        ("ph", 7.9, "The pH is too high", FAMILY),
        ("ph", 6.8, "The pH is too low", FAMILY),
        ("orp", 520, "The water lacks disinfectant", FAMILY),
        ("orp", 900, "There is too much disinfectant", FAMILY),
        ("tds", 1800, "Renew a part of the water", FAMILY),
        ("salt", 2500, "Add salt", SALT),
        ("temperature", 29, "Filter longer", FAMILY),
        ("battery", 12, "Charge your device", FAMILY),
    ],
)
def test_what_is_beyond_its_limit_is_recommended_against(quantity: str, value: float, title: str, pool: Pool) -> None:
    assert titles(waiting(FINE | {quantity: value}, pool=pool)) == [title]


def test_a_spa_is_not_told_to_filter_longer_for_being_hot() -> None:
    assert "Filter longer" not in titles(waiting(FINE | {"temperature": 37}, pool=SPA))


def test_the_value_and_its_limit_are_named_but_no_dose() -> None:
    message = waiting(FINE | {"ph": 7.87})[0].message
    assert "The pH is 7.9, above your limit of" in message
    assert " g " not in message


def test_the_owners_language_is_spoken() -> None:
    assert titles(waiting(FINE | {"ph": 7.9}, language="fr")) == ["Le pH est trop haut"]
    assert titles(waiting(FINE | {"ph": 7.9}, language="fr-CA")) == ["Le pH est trop haut"]
    assert titles(waiting(FINE | {"ph": 7.9}, language="de")) == ["The pH is too high"]


@pytest.mark.parametrize("language", ["en", "fr"])
def test_every_rule_has_its_words(language: str) -> None:
    for rule in RULES:
        title, message = rule.texts[language]
        assert title
        assert "{" not in message.format(value=7.0, limit=7.6, hours=12.0)


def test_it_waits_unchanged_while_its_rule_holds() -> None:
    first = waiting(FINE | {"ph": 7.9})
    assert waiting(FINE | {"ph": 7.8}, at=MONDAY + timedelta(days=1), known=first) == first


def test_it_is_over_when_its_rule_holds_no_more() -> None:
    assert waiting(FINE, at=MONDAY + timedelta(days=1), known=waiting(FINE | {"ph": 7.9})) == []


def test_without_readings_nothing_changes() -> None:
    first = waiting(FINE | {"ph": 7.9})
    assert waiting({}, at=MONDAY + timedelta(days=1), known=first) == first


def test_what_was_done_comes_again_after_its_days_if_the_water_is_still_bad() -> None:
    bad = FINE | {"ph": 7.9}
    done = [replace(one, status="ok", updated_at=MONDAY + timedelta(hours=6)) for one in waiting(bad)]
    assert waiting(bad, at=MONDAY + timedelta(days=2), known=done) == []
    again = waiting(bad, at=MONDAY + timedelta(days=4), known=done)
    assert titles(again) == ["The pH is too high"]
    assert again[0].id != done[0].id
    assert waiting(FINE, at=MONDAY + timedelta(days=4), known=done) == []


def test_the_filter_done_this_week_comes_again_the_next_even_if_the_water_is_fine() -> None:
    saturday = MONDAY + timedelta(days=5)
    done = [replace(one, status="ok", updated_at=saturday + timedelta(hours=9)) for one in waiting(FINE, at=saturday)]
    assert waiting(FINE, at=saturday + timedelta(days=1), known=done) == []
    assert titles(waiting(FINE, at=saturday + timedelta(days=7), known=done)) == ["Clean your filter"]


def test_a_sleeping_pool_is_asked_half_as_often() -> None:
    saturday = MONDAY + timedelta(days=5)
    cold = FINE | {"temperature": 6.0}
    first = waiting(cold, at=saturday)
    assert waiting(cold, at=saturday + timedelta(days=7), known=first) == first
    assert waiting(cold, at=saturday + timedelta(days=14), known=first) != first


def test_a_recommendation_is_as_the_vendor_has_them() -> None:
    found = waiting(FINE | {"ph": 7.9})[0]
    assert found.id == f"ondilo:31415/recommendation/{found.key}"
    assert 0 < int(found.key) < 2**31
    assert (found.status, found.created_at, found.updated_at) == ("waiting", MONDAY, MONDAY)
    assert found.deadline == datetime(2026, 7, 14, tzinfo=UTC)


def test_no_two_of_a_clouds_recommendations_share_a_key() -> None:
    everything = {"temperature": 29.0, "ph": 7.9, "orp": 500.0, "tds": 2000.0, "salt": 100.0, "battery": 5.0}
    places = Roster(ONDILO, [User("a@b.example", "x")], [[FAMILY, SALT, SPA]]).places
    keys = [
        one.key
        for spot in places
        for day in range(20)
        for one in Adviser(spot).waiting([], everything, MONDAY + timedelta(days=day))
    ]
    assert len(keys) == len(set(keys)) > 100
