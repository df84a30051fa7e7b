"""Choosing: by name, by chance, by script."""

from __future__ import annotations

import pytest

from margelle.errors import BadInput
from margelle.simulate.faults import CATALOGUE, Faults
from margelle.simulate.faults.operations import OPERATIONS, operation_of

LAST = next(one for one in OPERATIONS if one.id == "ondilo/lastmeasures")
TOKEN = next(one for one in OPERATIONS if one.id == "ondilo/token")


def turns(faults: Faults, count: int) -> list[str]:
    found = [faults.turn(LAST) for _ in range(count)]
    return [turn.name if turn else "" for turn in found]


def test_every_fault_says_what_it_is_where_it_was_seen_and_what_it_fits() -> None:
    assert len({fault.name for fault in CATALOGUE}) == len(CATALOGUE)
    known = {operation.id for operation in OPERATIONS}
    for fault in CATALOGUE:
        assert len(fault.what) > 20
        assert len(fault.seen) > 15
        assert fault.operations
        assert set(fault.operations) <= known
        assert len(set(fault.operations)) == len(fault.operations)


def test_chance_is_the_same_for_the_same_seed() -> None:
    told = []
    for seed in ("a", "a", "b"):
        faults = Faults(seed)
        faults.choose("html-502", 0.3)
        told.append(turns(faults, 400))
    assert told[0] == told[1] != told[2]
    assert 80 < told[0].count("html-502") < 160


def test_what_does_not_fit_neither_happens_nor_uses_up_chance() -> None:
    alone, among = Faults(), Faults()
    for faults in (alone, among):
        faults.choose("lastmeasures-empty", 0.5)
    expected = turns(alone, 50)
    found = []
    for _ in range(50):
        assert among.turn(TOKEN) is None
        found += turns(among, 1)
    assert found == expected


def test_the_first_chosen_goes_first_and_a_script_before_all() -> None:
    faults = Faults()
    faults.choose("html-502")
    faults.choose("cut")
    faults.script("ondilo/lastmeasures", ["well", "slow"])
    assert turns(faults, 3) == ["", "slow", "html-502"]
    faults.end("html-502")
    assert turns(faults, 1) == ["cut"]
    faults.clear()
    assert turns(faults, 1) == [""]


def test_a_fault_chosen_anew_has_forgotten() -> None:
    faults = Faults()
    faults.choose("token-expired")
    first = faults.turn(LAST)
    assert first is not None
    first.memory["refused"] = "x"
    again = faults.turn(LAST)
    assert again is not None
    assert again.memory == {"refused": "x"}
    faults.choose("token-expired")
    anew = faults.turn(LAST)
    assert anew is not None
    assert anew.memory == {}


@pytest.mark.parametrize("probability", [0, -0.1, 1.01, float("nan"), float("inf")])
def test_a_probability_that_is_none_is_refused(probability: float) -> None:
    with pytest.raises(BadInput, match="probability"):
        Faults().choose("html-502", probability)


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(BadInput, match="Did you mean html-502"):
        Faults().choose("html-503")
    with pytest.raises(BadInput, match="Did you mean ondilo/lastmeasures"):
        Faults().script("ondilo/lastmeasure", [])


@pytest.mark.parametrize(
    ("vendor", "method", "path", "get", "name"),
    [
        ("ondilo", "GET", "/api/customer/v1/pools/234/lastmeasures", "", "lastmeasures"),
        ("ondilo", "PUT", "/api/customer/v1/pools/234/recommendations/9", "", "validate"),
        ("ondilo", "DELETE", "/api/customer/v1/pools", "", None),
        ("ondilo", "GET", "/elsewhere", "", None),
        ("flipr", "POST", "//OAuth2/token", "", "token"),
        ("flipr", "GET", "//modules/", "", "modules"),
        ("flipr", "GET", "/modules/AB256C/survey/lastHours/72", "", "hours"),
        ("flipr", "GET", "/Modules/AB256C/newresume", "", "resume"),
        ("flipr", "POST", "/hub/AB256C/Manual/True", "", "hub-pump"),
        ("flipr", "POST", "//hub/AB256C/state/true", "", "hub-pump"),
        ("flipr", "PUT", "/hub/AB256C/Mode/auto", "", "hub-mode"),
        ("flipr", "GET", "/hub/AB256C/state", "", "hub-state"),
        ("flipr", "GET", "/modules/AB256C/thresholds", "", "thresholds"),
        ("flipr", "GET", "/modules/AB256C/ShortTerm/", "", "short-term"),
        ("flipr", "GET", "/place/7/allalerts", "", "alerts"),
        ("baxo", "GET", "/k1", "devices-historics", "historics"),
        ("baxo", "POST", "/k1/", "contracts", "contracts"),
        ("baxo", "GET", "/k1", "nothing", None),
    ],
)
def test_a_request_is_of_an_operation(vendor: str, method: str, path: str, get: str, name: str | None) -> None:
    found = operation_of(vendor, method, path, get)
    assert (found.name if found else None) == name
