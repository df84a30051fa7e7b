"""A probe that is read over Bluetooth, by commands; the air is not real, everything else is."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from margelle.vendors.flipr import radio
from margelle.vendors.flipr.radio import Waits
from tests.cli.conftest import Margelle
from tests.vendors.flipr.air import ADDRESS, FRAME, FakeProbe, fill


@pytest.fixture(autouse=True)
def _anna(margelle: Margelle) -> None:
    assert margelle("user", "add", "anna@example.org", "--password-stdin", stdin="anna's secret\n").code == 0


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    quick = Waits(listen_s=0.05, measure_s=0.05)
    monkeypatch.setattr(radio, "Waits", lambda: quick)


def values(margelle: Margelle) -> dict[str, Any]:
    (account,) = json.loads(margelle("status", "--json").out)["accounts"]
    (site,) = account["sites"]
    (probe,) = site["probes"]
    return {one["quantity"]: one for one in probe["latest"]}


def test_a_probe_is_added_read_shown_and_removed(margelle: Margelle, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(monkeypatch, probe := FakeProbe(FRAME))
    added = margelle("account", "add", "flipr", "--bluetooth", "f2b123")
    assert (added.code, added.err) == (0, "Listening for f2b123\nLooking up what it has\n")
    assert f"flipr reads F2B123 at bluetooth:{ADDRESS}; it belongs to anna@example.org." in added.out
    assert "  flipr:F2B123  Flipr F2B123" in added.out
    assert probe.connections == 0  # nothing is measured for being looked at

    assert margelle("collect", "--once").code == 0
    assert probe.connections == 1
    told = values(margelle)
    assert (told["temperature"]["text"], told["temperature"]["valid"]) == ("25.0", True)
    assert (told["ph"]["valid"], told["ph"]["reason"][:23]) == (False, "by the factory's line: ")

    assert margelle("collect", "--once").code == 0
    assert probe.connections == 1  # an hour has not passed: its battery is spared

    (listed,) = json.loads(margelle("account", "list", "--json").out)
    assert {name: listed[name] for name in ("id", "login", "cloud", "realm", "sites", "state")} == {
        "id": "flipr", "login": "F2B123", "cloud": f"bluetooth:{ADDRESS}", "realm": "", "sites": 1, "state": "ok",
    }  # fmt: skip
    shown = margelle("status")
    assert "It is read over Bluetooth: no cloud is asked" in shown.out
    assert (
        margelle("account", "remove", "flipr").out
        == "flipr is removed, and its token forgotten. 7 measurements kept.\n"
    )


def test_a_probe_that_is_added_again_is_the_same_account(margelle: Margelle, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(monkeypatch, FakeProbe(FRAME), FakeProbe(FRAME, name=None, address="AA:01"))
    assert margelle("account", "add", "flipr", "--bluetooth", ADDRESS).code == 0
    moved = margelle("account", "add", "flipr", "--bluetooth", "aa:01", "--serial", "f2b123")
    assert "flipr reads F2B123 at bluetooth:AA:01" in moved.out
    (listed,) = json.loads(margelle("account", "list", "--json").out)
    assert listed["cloud"] == "bluetooth:AA:01"


def test_an_account_is_checked_by_a_measure(margelle: Margelle, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(monkeypatch, FakeProbe(FRAME))
    margelle("account", "add", "flipr", "--bluetooth", "F2B123")
    checked = margelle("account", "check", "flipr")
    assert checked.out.startswith("flipr: works. Flipr F2B123: 7 values.\n  It is read over Bluetooth")
    fill(monkeypatch)
    checked = margelle("account", "check", "flipr")
    assert "flipr: FAILED. Flipr F2B123 was not heard over Bluetooth" in checked.out


def test_what_is_out_of_reach_is_recorded_and_nothing_is_lost(
    margelle: Margelle, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(monkeypatch, FakeProbe(FRAME))
    margelle("account", "add", "flipr", "--bluetooth", "F2B123")
    fill(monkeypatch)
    assert margelle("collect", "--once").code == 0
    shown = margelle("status")
    assert "was not heard over Bluetooth" in shown.out
    assert "held by a phone" in shown.out


def test_a_setting_calibrates_the_probe(margelle: Margelle, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(monkeypatch, FakeProbe(FRAME))
    margelle("account", "add", "flipr", "--bluetooth", "F2B123")
    monkeypatch.setenv("MARGELLE_FLIPR_CALIBRATION", "F2B123=ph7=1634/7.02 ph4=1916/4.00 orp=640/650")
    assert margelle("collect", "--once").code == 0
    told = values(margelle)
    assert [(told[name]["text"], told[name]["valid"]) for name in ("ph", "orp")] == [("7.38", True), ("660", True)]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("flipr", "--bluetooth", "F2B999"), "F2B999 was not heard over Bluetooth"),
        (("ondilo", "--bluetooth", "F2B123"), "No probe of Ondilo ICO is read over Bluetooth."),
        (("flipr", "--serial", "F2B123"), "--serial only with it"),
        (("flipr", "--bluetooth", "F2B123", "--realm", "x"), "goes without"),
        (("flipr", "--bluetooth", "AA:01"), "The probe shows no serial.\nSay --serial."),
        (("flipr", "--bluetooth", "AA:01", "--serial", "a b"), "'A B' is no serial."),
    ],
)
def test_what_cannot_be_added_is_refused_in_a_sentence(
    margelle: Margelle, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], sentence: str
) -> None:
    fill(monkeypatch, FakeProbe(FRAME), FakeProbe(name=None, address="AA:01"))
    ended = margelle("account", "add", *arguments)
    assert ended.code != 0
    assert sentence in ended.err
    assert json.loads(margelle("account", "list", "--json").out) == []


def test_without_the_extra_one_line_says_how_to_install_it(margelle: Margelle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bleak", None)
    monkeypatch.delitem(sys.modules, "margelle.vendors.flipr.radio")
    ended = margelle("account", "add", "flipr", "--bluetooth", "F2B123")
    missing = "Bluetooth needs a library that is not installed: pip install 'margelle[bluetooth]'"
    assert (ended.code, ended.err) == (2, f"Listening for F2B123\nError: {missing}\n")
