"""What `margelle status` says in words of what is missing and of what was learned."""

from __future__ import annotations

from datetime import timedelta

import pytest

from margelle.cli import status
from margelle.domain.gap import Gap
from margelle.domain.unit import Unit
from margelle.ports import Budget, Filling
from tests.conftest import NOW

HOUR = timedelta(hours=1)


def gap(quantity: str, state: str = "open") -> Gap:
    why = "The cloud remembers only 30 days."
    return Gap("ondilo:1/ico", quantity, NOW - 9 * HOUR, NOW, state, NOW, why)  # type: ignore[arg-type]


def test_it_says_what_is_missing_how_much_was_fetched_and_when_the_rest_will_be(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = [Filling(gap("ph"), NOW + HOUR), Filling(gap("orp"), NOW + HOUR), Filling(gap("tds"), None)]
    gaps = (gap("rssi", "lost"), gap("battery", "lost"))
    status._show_filling({"filled": 3, "to_fill": 9, "filling": told, "gaps": gaps, "paused": False})
    out = capsys.readouterr().out
    assert "3 of 12 requests made" in out
    assert f"ph, orp; asked for about {NOW + HOUR:%Y-%m-%d %H:%M} UTC." in out
    assert "tds; this account cannot ask for them." in out
    assert "lost for good: 2 stretches" in out
    assert "The cloud remembers only 30 days." in out


def test_where_nothing_is_missing_it_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    status._show_filling({"filled": 0, "to_fill": 0, "filling": (), "gaps": (gap("ph", "silent"),), "paused": False})
    status._show_learned(Budget(3, 3600, 20, 20, NOW))
    assert capsys.readouterr().out == ""


def test_it_says_that_the_cloud_seems_to_allow_less(capsys: pytest.CaptureFixture[str]) -> None:
    status._show_learned(Budget(3, 3600, 20, 14, NOW))
    out = capsys.readouterr().out
    assert "14 an hour are planned" in out
    assert f"{NOW:%Y-%m-%d}" in out


def value(quantity: str, reason: str = "") -> dict[str, object]:
    told = {"quantity": quantity, "text": "7.20", "unit": Unit.PH, "age_s": 3600}
    return {**told, "valid": not reason, "reason": reason}


def test_a_long_name_leaves_the_columns_where_they_are_and_a_doubt_goes_on_in_its_sentence(
    capsys: pytest.CaptureFixture[str],
) -> None:
    probes = [
        {"latest": [value("ph", "The value was not confirmed"), value("orp", "ORP is beyond what is plausible.")]},
        {"latest": [value("baxo.CONDUCTIVITE_DU_BASSIN_EXTERIEUR")]},
    ]
    site = {"id": "baxo:1", "name": "Station", "remarks": (), "probes": probes, "switches": []}
    status._show_account(account(sites=[site]))
    lines = [line for line in capsys.readouterr().out.splitlines() if "7.20" in line]
    assert len(lines) == 3
    assert len({line.index("7.20") for line in lines}) == 1
    assert lines[0].endswith("doubted: the value was not confirmed")
    assert lines[1].endswith("doubted: ORP is beyond what is plausible.")


def test_sites_without_a_cloud_are_said_to_be_so(capsys: pytest.CaptureFixture[str]) -> None:
    status._show_account(account(id="own", vendor="own", login=""))
    assert capsys.readouterr().out.splitlines()[0] == "own  sites without a cloud  (of you@example.org)"


def account(**more: object) -> dict[str, object]:
    """An account of which there is nothing to say."""
    nothing = {"id": "baxo", "vendor": "baxo", "login": "me", "owner": "you@example.org", "locked": "", "sites": []}
    told = {
        "requests_left": 0,
        "requests_allowed": 0,
        "budget": Budget(0, 3600, None, None, None),
        "paused": False,
        "waits_until": None,
    }
    return {**nothing, **told, "incidents": (), "gaps": (), "filling": (), "filled": 0, "to_fill": 0, **more}
