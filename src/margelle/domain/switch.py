"""What can be switched at a site: a pump, a light, a heater; whatever its maker."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal, get_args

from msgspec import Struct

from margelle.domain.measurement import Measurement
from margelle.domain.unit import Unit

SwitchKind = Literal["pump", "light", "heater", "other"]

SwitchMode = Literal["manual", "auto", "planning"]
"""Who decides: its user, its own reckoning (such as by the water's temperature), or a timetable."""

Turn = Literal["on", "off", "manual", "auto", "planning"]
"""What a user wants: a mode, or that it runs or rests from now on, which is by hand (`manual`)."""

MODES: Final[tuple[SwitchMode, ...]] = get_args(SwitchMode)
"""The value of a measured `MODE` is the place here."""

STATE: Final = "switch.state"
MODE: Final = "switch.mode"
"""The quantities of a switch: whether it is on (1) or off (0), and its mode. They are no physical ones, and stand in no catalogue."""


class Switch(Struct, frozen=True):
    """Something that can be switched, and the device that does it; `key` is the vendor's.

    How it stands is kept as every other measurement is, under the switch's own `id`: the quantities `STATE` and `MODE`.
    """

    id: str
    vendor: str
    key: str
    kind: SwitchKind = "pump"
    firmware: str = ""


class SwitchState(Struct, frozen=True):
    """How a switch stands, as far as it is known, since or at `at` (aware, UTC)."""

    on: bool
    mode: SwitchMode | None
    at: datetime


def state_at(switch: Switch, at: datetime, *, on: bool, origin: str) -> Measurement:
    """That a switch is on or off at an instant."""
    return Measurement(switch.id, STATE, at, float(on), str(int(on)), Unit.STATE, origin)


def mode_at(switch: Switch, at: datetime, mode: SwitchMode, origin: str) -> Measurement:
    """That a switch is in a mode from an instant on."""
    return Measurement(switch.id, MODE, at, float(MODES.index(mode)), mode, Unit.STATE, origin)


def state_of(latest: Mapping[str, Measurement]) -> SwitchState | None:
    """How a switch stands by its newest measurements; None where it is not known whether it is on."""
    state, mode = latest.get(STATE), latest.get(MODE)
    if state is None or not state.valid or state.value not in {0.0, 1.0}:
        return None
    return SwitchState(state.value == 1.0, _mode(mode), state.at)


def agrees(state: SwitchState | None, wanted: Turn) -> bool:
    """Whether a switch stands as it was wanted."""
    if state is None:
        return False
    if wanted in {"on", "off"}:
        return state.on == (wanted == "on") and state.mode in {"manual", None}
    return state.mode == wanted


def _mode(point: Measurement | None) -> SwitchMode | None:
    known = point is not None and point.valid and point.value in range(len(MODES))
    return MODES[int(point.value)] if known and point and point.value is not None else None
