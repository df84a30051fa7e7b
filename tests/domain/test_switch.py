"""How a switch stands, from its newest measurements."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from margelle.domain.measurement import Doubt
from margelle.domain.switch import (
    MODE,
    MODES,
    STATE,
    Switch,
    SwitchMode,
    SwitchState,
    Turn,
    agrees,
    mode_at,
    state_at,
    state_of,
)
from tests.conftest import NOW

PUMP = Switch("fake:9/hub", "fake", "9")
ON = state_at(PUMP, NOW, on=True, origin="fake")
DOUBTS = (Doubt("range", "no"),)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("on", [True, False])
def test_what_is_measured_of_a_switch_is_how_it_stands(mode: SwitchMode, on: bool) -> None:
    points = {STATE: state_at(PUMP, NOW, on=on, origin="fake"), MODE: mode_at(PUMP, NOW, mode, "fake")}
    assert {point.probe for point in points.values()} == {PUMP.id}
    assert state_of(points) == SwitchState(on, mode, NOW)


@pytest.mark.parametrize("points", [{}, {MODE: mode_at(PUMP, NOW, "auto", "fake")}, {STATE: replace(ON, value=None)}, {STATE: replace(ON, value=2.0)}, {STATE: replace(ON, doubts=DOUBTS)}])  # fmt: skip
def test_where_it_is_not_known_whether_it_is_on_there_is_no_state(points: Any) -> None:
    assert state_of(points) is None


@pytest.mark.parametrize("change", [{"value": None}, {"value": 7.0}, {"value": 0.5}, {"doubts": DOUBTS}])
def test_a_mode_that_is_not_known_is_none(change: dict[str, Any]) -> None:
    point = replace(mode_at(PUMP, NOW, "auto", "fake"), **change)
    assert state_of({STATE: ON, MODE: point}) == SwitchState(True, None, NOW)
    assert state_of({STATE: ON}) == SwitchState(True, None, NOW)


@pytest.mark.parametrize(
    ("state", "wanted", "agreed"),
    [
        ((True, "manual"), "on", True), ((True, None), "on", True), ((False, "manual"), "off", True),
        ((True, "manual"), "off", False), ((True, "auto"), "on", False), ((True, "auto"), "auto", True),
        ((False, "planning"), "auto", False), ((True, None), "manual", False),
    ],
)  # fmt: skip
def test_whether_it_stands_as_it_was_wanted(state: tuple[bool, SwitchMode | None], wanted: Turn, agreed: bool) -> None:
    assert agrees(SwitchState(*state, NOW), wanted) is agreed
    assert not agrees(None, wanted)
