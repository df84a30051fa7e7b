"""Talking with a Flipr over Bluetooth Low Energy, through `bleak`. Only `nearby` imports this, and only where there is a probe to talk with.

The characteristics are named as Flipr Local (Adrien40/ha-flipr-local) and a script of the same kind name them: tests/evidence/flipr/facts/bluetooth.json.
"""

from __future__ import annotations

import asyncio
from asyncio import AbstractEventLoop, Lock, Queue
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final
from weakref import WeakKeyDictionary

from bleak import BleakClient, BleakScanner
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData
from bleak.exc import BleakBluetoothNotAvailableError, BleakDBusError, BleakError
from msgspec import Struct

from margelle.errors import Malformed, MargelleError, Unreachable
from margelle.vendors.flipr.frame import frame_from

MEASURE: Final = "00000006-0000-1000-8000-00805f9b34fb"
ANALYSE: Final = "0000940d-0000-1000-8000-00805f9b34fb"
BEGIN: Final = b"\x01"

NO_RADIO: Final = "Is there a Bluetooth adapter, is it on, and may this program use it? On Linux, BlueZ must run."
FAR: Final = "It is out of reach, asleep, or held by a phone with Flipr's app, which must be closed."

_NO_SERVICE: Final = frozenset(
    {"org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.AccessDenied", "org.bluez.Error.NotReady"}
)


SPARING_S: Final = 1800.0
"""So long a probe that was made to measure, for nothing, is not made to again: its battery has paid for it."""


class Waits(Struct, frozen=True):
    """How long things may take, in seconds: those of Flipr Local. `still_s` and `again_s` are for a probe that does not notify, before its first and its second reading."""

    listen_s: float = 30.0
    connect_s: float = 30.0
    write_s: float = 15.0
    measure_s: float = 60.0
    still_s: float = 35.0
    again_s: float = 8.0

    @property
    def all_s(self) -> float:
        """A whole conversation, with time to hang up."""
        return self.connect_s + 2 * self.write_s + self.measure_s + 15.0


_ADAPTERS: Final[WeakKeyDictionary[AbstractEventLoop, Lock]] = WeakKeyDictionary()


class Radio:
    """This machine's Bluetooth. Whoever uses it holds `adapter`: one that listens while it connects often does neither."""

    def __init__(self, waits: Waits = Waits()) -> None:  # noqa: B008 - frozen
        self._waits = waits
        self.adapter = _ADAPTERS.setdefault(asyncio.get_running_loop(), Lock())

    async def found(self, who: str, is_meant: Callable[[str, str], bool]) -> tuple[BLEDevice, str]:
        """The first device whose address and name are those that are meant, and its name. Raises Unreachable."""
        return await _found(who, is_meant, self._waits)

    async def measured(self, device: BLEDevice, who: str, known: bytes) -> bytes:
        """The frame of a measure that the probe makes now: one that is neither `known` nor what it told before. Raises Unreachable and Malformed."""
        return await _measured(device, who, known, self._waits)


async def _found(who: str, is_meant: Callable[[str, str], bool], waits: Waits) -> tuple[BLEDevice, str]:
    names: dict[str, str] = {}

    def meant(device: BLEDevice, told: AdvertisementData) -> bool:
        name = names[device.address] = told.local_name or device.name or names.get(device.address, "")
        return is_meant(device.address, name)

    with _in_words(who):
        device = await BleakScanner.find_device_by_filter(meant, timeout=waits.listen_s)
    if device is None:
        raise Unreachable(f"{who} was not heard over Bluetooth in {waits.listen_s:g} s.", hint=FAR)
    return device, names[device.address]


async def _measured(device: BLEDevice, who: str, known: bytes, waits: Waits) -> bytes:
    told: Queue[bytes | None] = Queue()
    client = BleakClient(
        device,
        lambda _: told.put_nowait(None),
        timeout=waits.connect_s,
        winrt={"use_cached_services": False},  # a Start Max must not be asked by what is remembered of it
    )
    talk = _Talk(client, who, known, waits, told)
    try:
        with _in_words(who):
            async with asyncio.timeout(waits.all_s), client:
                return await talk.measure()
    except MargelleError as error:
        if talk.begun:
            error.retry_after_s = SPARING_S
        raise


class _Talk:
    """One conversation, connected."""

    def __init__(self, client: BleakClient, who: str, known: bytes, waits: Waits, told: Queue[bytes | None]) -> None:
        self._client, self._who, self._waits, self._told = client, who, waits, told
        self.begun = False
        self._old = {known}
        self._last: bytes | None = None

    async def measure(self) -> bytes:
        """See `Radio.measured`."""
        measure = self._client.services.get_characteristic(MEASURE)
        if measure is None:
            raise Malformed(f"{self._who} has no characteristic {MEASURE[4:8]}: it is no Flipr that is known.")
        if "read" in measure.properties:
            with suppress(BleakError):  # some only notify, whatever they say
                self._old.add(bytes(await self._client.read_gatt_char(measure)))
        if "notify" in measure.properties:
            return await self._notified(measure)
        return await self._read(measure)

    async def _notified(self, measure: BleakGATTCharacteristic) -> bytes:
        await self._client.start_notify(measure, lambda _, data: self._told.put_nowait(bytes(data)))
        await self._begin()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._waits.measure_s):
                while (told := await self._told.get()) is not None:
                    if self._is_new(told):
                        return told
                raise Unreachable(f"{self._who} hung up before it had measured.", hint=FAR)
        raise self._silent()

    async def _read(self, measure: BleakGATTCharacteristic) -> bytes:
        await self._begin()
        for wait_s in (self._waits.still_s, self._waits.again_s):
            await asyncio.sleep(wait_s)
            told = bytes(await self._client.read_gatt_char(measure))
            if self._is_new(told):
                return told
        raise self._silent()

    async def _begin(self) -> None:
        """Let it measure now."""
        self.begun = True
        async with asyncio.timeout(self._waits.write_s):
            await self._client.write_gatt_char(ANALYSE, BEGIN, response=True)

    def _is_new(self, told: bytes) -> bool:
        self._last = told
        with suppress(ValueError):
            return told not in self._old and not frame_from(told).asleep
        return False

    def _silent(self) -> Malformed | Unreachable:
        """Why there is no measure, by what came instead."""
        if self._last is None:
            return Unreachable(f"{self._who} took the command, and told no measure in time.")
        try:
            asleep = frame_from(self._last).asleep
        except ValueError as error:
            return Malformed(f"{self._who} sent {error}.")
        if asleep:
            return Unreachable(f"{self._who} is in standby: it told no measure.", hint="Wake it with Flipr's app.")
        return Unreachable(f"{self._who} told only what it had told before, and no new measure.")


@contextmanager
def _in_words(who: str) -> Iterator[None]:
    """What goes wrong with the radio, in our words."""
    try:
        yield
    except BleakBluetoothNotAvailableError as error:
        raise Unreachable(f"This machine's Bluetooth cannot be used ({error.args[0]}).", hint=NO_RADIO) from error
    except BleakDBusError as error:
        if error.dbus_error in _NO_SERVICE:
            raise Unreachable(f"This machine's Bluetooth cannot be used ({error}).", hint=NO_RADIO) from error
        raise Unreachable(f"Talking with {who} over Bluetooth failed: {error}.", hint=FAR) from error
    except TimeoutError as error:
        raise Unreachable(f"{who} was heard over Bluetooth, and did not answer in time.", hint=FAR) from error
    except OSError as error:
        raise Unreachable(
            f"This machine's Bluetooth cannot be used ({error.strerror or error}).", hint=NO_RADIO
        ) from error
    except (BleakError, EOFError) as error:
        raise Unreachable(f"Talking with {who} over Bluetooth failed: {error}.", hint=FAR) from error
