"""Collecting from a Flipr that this machine hears over Bluetooth, without any cloud."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from margelle.domain.site import BLUETOOTH, Account, Person, Probe, Site
from margelle.errors import BadInput, ConfigError
from margelle.ports import Batch, Discovery, Nearby
from margelle.vendors.flipr import wire
from margelle.vendors.flipr.calibration import Calibration
from margelle.vendors.flipr.frame import frame_from, measurements_of
from margelle.vendors.flipr.translate import probe_from, site_from

if TYPE_CHECKING:
    from margelle.vendors.flipr.radio import Radio, Waits

MISSING: Final = "Bluetooth needs a library that is not installed: pip install 'margelle[bluetooth]'"
_SERIAL: Final = re.compile(r"[0-9A-Z][0-9A-Z_-]{1,31}")
_NEW: Final = ("F2", "F3", "FLIPR 00", "FLIPR 01")
_IDS: Final = {"id", "site", "vendor", "key", "serial"}


def serial_of(name: str) -> str:
    """The serial in the name that a probe shows: all of it, or what stands behind "Flipr"; empty where there is none."""
    serial = name.upper().removeprefix("FLIPR").strip()
    return serial if _SERIAL.fullmatch(serial) else ""


def has_known_factors(name: str) -> bool:
    """Whether a probe of that name is of a model whose factors are known. One that shows no name is taken for one."""
    return not name or name.upper().startswith(_NEW)


async def heard(which: str, waits: Waits | None = None) -> Nearby:
    """The probe at an address, or of a serial or name. Raises Unreachable and ConfigError."""
    wanted = which.strip().casefold()
    if not wanted:
        raise BadInput("Which probe?", hint="Say its address, or the name that it shows, such as F2B123.")

    def is_meant(address: str, name: str) -> bool:
        return wanted in {address.casefold(), name.casefold(), serial_of(name).casefold()}

    radio = _radio(waits)
    async with radio.adapter:
        device, name = await radio.found(which, is_meant)
    return Nearby(f"{BLUETOOTH}{device.address}", serial_of(name))


class NearbyFlipr:
    """One probe. It is asked for its newest measure only, which it makes when it is asked."""

    def __init__(self, account: Account, calibrations: Mapping[str, Calibration], waits: Waits | None = None) -> None:
        module = wire.Module(serial=account.login)
        self._site = site_from(account, module, None, None, None)
        self._probe = probe_from(self._site, module)
        self._address = account.nearby
        self._calibration = calibrations.get(self._probe.serial, Calibration())
        self._waits = waits
        self._told = b""

    async def discover(self, now: datetime) -> Discovery:  # noqa: ARG002
        """The probe and its water, without asking: what the cloud has told of them stays."""
        unread = {
            self._site.id: tuple(name for name in Site.__struct_fields__ if name not in _IDS),
            self._probe.id: tuple(name for name in Probe.__struct_fields__ if name not in _IDS),
        }
        return Discovery(Person(), (self._site,), (self._probe,), unread=unread)

    async def latest(self, probe: Probe, now: datetime) -> Batch:
        """What it measures now. Its frame has no time, so the measurements are of the second in which it arrived."""
        if probe.id != self._probe.id:
            return Batch(())  # something else at the same water, of which only the cloud tells
        radio, loop = _radio(self._waits), asyncio.get_running_loop()
        began = loop.time()
        async with radio.adapter:
            told, name = await self._measured(radio)
        at = (now + timedelta(seconds=loop.time() - began)).replace(microsecond=0)
        self._told = told
        known_model = has_known_factors(name)
        return Batch(tuple(measurements_of(frame_from(told), probe, at, self._calibration, known_model=known_model)))

    async def _measured(self, radio: Radio) -> tuple[bytes, str]:
        who, address = f"Flipr {self._probe.serial}", self._address.casefold()
        device, name = await radio.found(who, lambda there, _: there.casefold() == address)
        return await radio.measured(device, who, self._told), name


def _radio(waits: Waits | None) -> Radio:
    """This machine's Bluetooth. Raises ConfigError where what it needs is not installed."""
    try:
        from margelle.vendors.flipr.radio import Radio, Waits  # noqa: PLC0415 an optional extra, and slow to import
    except ImportError as error:
        raise ConfigError(MISSING) from error
    return Radio(waits or Waits())
