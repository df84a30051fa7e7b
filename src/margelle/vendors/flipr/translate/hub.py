"""Hubs: the pump's switch, which is a module like a probe."""

from __future__ import annotations

from datetime import datetime
from typing import Final, get_args

from msgspec import Raw
from msgspec.json import encode

from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.site import Account, Site
from margelle.domain.switch import MODE, MODES, STATE, Switch, SwitchMode, Turn, mode_at, state_of
from margelle.domain.unit import Unit
from margelle.vendors.flipr import wire
from margelle.vendors.flipr.translate.measure import RAW_KEPT
from margelle.vendors.flipr.translate.module import HUB, version_to
from margelle.vendors.flipr.translate.words import VENDOR, number, word, written

NO_HUB: Final = "Forbidden"
"""The `ErrorCode` of what is no hub."""

_STATES: Final = {"false": 0.0, "true": 1.0}


def switch_from(account: Account, serial: str, module: wire.Module | None) -> Switch:
    """The switch of a hub, of which a place or the list of modules tells."""
    version = module.version if module else None
    key = serial.upper()
    return Switch(f"{account.own_id(key)}/hub", VENDOR, key, firmware="" if version is None else str(version))


def hub_site_from(account: Account, switch: Switch) -> Site:
    """The site of a hub whose account has no probe: one of its own."""
    return Site(account.own_id(switch.key), VENDOR, switch.key, f"Flipr {switch.key}", "pool", switches=(switch,))


def standing_from(said: wire.HubState, switch: Switch, at: datetime, origin: str) -> list[Measurement]:
    """How a hub says that it stands. The id of a planning stays behind the mode's word, as `planning 12`."""
    found = []
    if raw := written(said.state_equipment):
        value = _STATES.get(raw, number(raw))
        doubts = () if value in {0.0, 1.0} else (Doubt("unreadable", f"{raw[:40]} is neither on (1) nor off (0)"),)
        found.append(Measurement(switch.id, STATE, at, value, raw[:RAW_KEPT], Unit.STATE, origin, doubts))
    if said.behavior:
        raw = f"{said.behavior} {word(said.planning)}".strip()
        mode = next((one for one in MODES if one == said.behavior.casefold()), None)
        found.append(_mode(switch, at, mode, raw[:RAW_KEPT], origin))
    return found


def _mode(switch: Switch, at: datetime, mode: SwitchMode | None, raw: str, origin: str) -> Measurement:
    if mode is not None:
        known = mode_at(switch, at, mode, origin)
        return Measurement(switch.id, MODE, at, known.value, raw, Unit.STATE, origin)
    doubt = Doubt("unreadable", f"{raw[:40]} is no mode that is known")
    return Measurement(switch.id, MODE, at, None, raw, Unit.STATE, origin, (doubt,))


def standing_to(latest: dict[str, Measurement]) -> wire.HubState | None:
    """How a switch of any vendor stands, by its newest measurements; None where its state or mode is not known."""
    state, point = state_of(latest), latest.get(MODE)
    if state is None or point is None:
        return None
    own = point.origin.startswith(f"{VENDOR}/")
    behavior, _, planning = (point.raw if own else state.mode or "").partition(" ")
    if not behavior:
        return None
    return wire.HubState(Raw(encode(int(state.on))), behavior, Raw(encode(planning)))


def hub_to(serial: str, switch: Switch, site: Site) -> wire.Module:
    """A switch of any vendor as a module."""
    return wire.Module(
        serial=serial,
        module_type_id=HUB,
        is_suspended=False,
        status=wire.Status(status="Activated"),
        version=version_to(switch.vendor, switch.firmware),
        commercial_type=wire.CommercialType(id=1, value="Start"),
        is_for_spa=site.kind == "spa",
        is_subscription_valid=True,
    )


def not_a_hub(serial: str) -> wire.HubState:
    """The answer about a hub for a module that is none: clients look for their hub by asking all."""
    state, planning = Raw(b"0"), Raw(b'""')
    message = f"The module {serial} is not a HUB"
    return wire.HubState(state, "auto", planning, error_code=NO_HUB, error_message=message)


def mode_from(text: str) -> Turn | None:
    """The mode that a path names, in any case."""
    return next((mode for mode in get_args(SwitchMode) if mode == text.casefold()), None)


def manual_from(text: str) -> Turn | None:
    """What `True` or `False` of a path wants, in any case."""
    turns: dict[str, Turn] = {"true": "on", "false": "off"}
    return turns.get(text.casefold())
