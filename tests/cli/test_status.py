"""What `margelle status` says in words of what is missing and of what was learned."""

from __future__ import annotations

from datetime import timedelta

import pytest

from margelle.cli import status
from margelle.domain.gap import Gap
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
