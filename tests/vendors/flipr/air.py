"""Probes in the air: a backend for bleak as its own backends are, below its `BleakScanner` and `BleakClient`, which are the real ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar

import bleak
import pytest
from bleak.args import SizedBuffer
from bleak.assigned_numbers import CharacteristicPropertyName
from bleak.backends.characteristic import BleakGATTCharacteristic
from bleak.backends.client import BaseBleakClient
from bleak.backends.descriptor import BleakGATTDescriptor
from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData, BaseBleakScanner
from bleak.backends.service import BleakGATTService, BleakGATTServiceCollection
from bleak.exc import BleakError

from tests.evidence import facts

FACTS = facts("flipr", "bluetooth")
UUIDS = FACTS["characteristics"]
ADDRESS = "AA:BB:CC:00:11:22"
FRAME = bytes.fromhex(FACTS["frames"][0]["bytes"])
OLD = bytes.fromhex("900140061405000002000010 0e".replace(" ", ""))


class FakeProbe:
    """A probe: what it tells when it is read before an analysis, and what it sends or is read after one (None: it hangs up)."""

    def __init__(
        self,
        *after: bytes | None,
        before: bytes = OLD,
        name: str | None = "F2B123",
        address: str = ADDRESS,
        properties: tuple[CharacteristicPropertyName, ...] = ("read", "notify"),
        refusal: BaseException | None = None,
        uuids: tuple[str, ...] = (UUIDS["measure"], UUIDS["analyse"], UUIDS["mode"]),
    ) -> None:
        self.name, self.address, self.properties, self.refusal, self.uuids = name, address, properties, refusal, uuids
        self.after = list(after)
        self.now = before
        self.written: list[tuple[str, bytes, bool]] = []
        self.connections = self.connected = 0
        self.began = asyncio.Event()


class Air:
    """What can be heard, and whether anything can."""

    probes: ClassVar[list[FakeProbe]] = []
    trouble: ClassVar[BaseException | None] = None


class FakeScanner(BaseBleakScanner):
    """Hears every probe once."""

    def __init__(self, callback: Any, service_uuids: list[str] | None, *_: Any, **__: Any) -> None:
        super().__init__(callback, service_uuids)

    async def start(self) -> None:
        if Air.trouble is not None:
            raise Air.trouble
        asyncio.get_running_loop().call_soon(self._hear)

    async def stop(self) -> None:
        return

    def _hear(self) -> None:
        for probe in Air.probes:
            told = AdvertisementData(probe.name, {}, {}, [FACTS["service"]], None, -60, ())
            device = self.create_or_update_device(probe.address, probe.address, probe.name, probe, told)
            self.call_detection_callbacks(device, told)


class FakeClient(BaseBleakClient):
    """Is connected with one probe."""

    def __init__(self, device: BLEDevice | str, **named: Any) -> None:
        named.pop("services"), named.pop("bluez"), named.pop("winrt")
        super().__init__(device, **named)
        assert isinstance(device, BLEDevice)
        self._probe: FakeProbe = device.details
        self._notify: Callable[[bytearray], None] | None = None
        self._connected = self._begun = False

    @property
    def mtu_size(self) -> int:
        return 23

    @property
    def is_connected(self) -> bool:
        return self._connected

    async def connect(self, pair: bool, **_: Any) -> None:
        if self._probe.refusal is not None:
            raise self._probe.refusal
        assert not self._probe.connected, "one conversation at a time"
        self._connected = True
        self._probe.connections += 1
        self._probe.connected += 1
        self.services = _services(self._probe)

    async def disconnect(self) -> None:
        self._probe.connected -= self._connected
        self._connected = False

    async def read_gatt_char(self, characteristic: BleakGATTCharacteristic, **_: Any) -> bytearray:
        assert characteristic.uuid == UUIDS["measure"]
        if self._begun and self._probe.after:
            told = self._probe.after.pop(0)
            if told is None:
                raise BleakError("disconnected")
            self._probe.now = told
        return bytearray(self._probe.now)

    async def write_gatt_char(self, characteristic: BleakGATTCharacteristic, data: SizedBuffer, response: bool) -> None:
        self._probe.written.append((characteristic.uuid, bytes(data), response))
        self._begun = True
        self._probe.began.set()
        if self._notify is not None:
            for told in self._probe.after:
                asyncio.get_running_loop().call_soon(self._send, told)

    async def start_notify(
        self, characteristic: BleakGATTCharacteristic, callback: Callable[[bytearray], None], **_: Any
    ) -> None:
        assert characteristic.uuid == UUIDS["measure"]
        assert "notify" in self._probe.properties
        self._notify = callback

    def _send(self, told: bytes | None) -> None:
        if told is not None and self._notify is not None and self._connected:
            self._notify(bytearray(told))
        elif told is None and self._disconnected_callback is not None:
            self._connected = False
            self._probe.connected -= 1
            self._disconnected_callback()

    async def stop_notify(self, characteristic: BleakGATTCharacteristic) -> None:
        self._notify = None

    async def pair(self, *_: Any, **__: Any) -> None:
        raise NotImplementedError

    async def unpair(self) -> None:
        raise NotImplementedError

    async def read_gatt_descriptor(self, descriptor: BleakGATTDescriptor, **_: Any) -> bytearray:
        raise NotImplementedError

    async def write_gatt_descriptor(self, descriptor: BleakGATTDescriptor, data: SizedBuffer) -> None:
        raise NotImplementedError


def _services(probe: FakeProbe) -> BleakGATTServiceCollection:
    found = BleakGATTServiceCollection()
    service = BleakGATTService(None, 1, FACTS["service"])
    found.add_service(service)
    for handle, uuid in enumerate(probe.uuids, 2):
        properties = list(probe.properties if uuid == UUIDS["measure"] else ("write",))
        found.add_characteristic(BleakGATTCharacteristic(None, handle, uuid, properties, lambda: 20, service))
    return found


def fill(monkeypatch: pytest.MonkeyPatch, *probes: FakeProbe, trouble: BaseException | None = None) -> None:
    """Let these probes, and no others, be in the air for one test; or let there be trouble with this machine's Bluetooth."""
    monkeypatch.setattr(Air, "probes", list(probes))
    monkeypatch.setattr(Air, "trouble", trouble)
    monkeypatch.setattr(bleak, "get_platform_scanner_backend_type", lambda: (FakeScanner, "fake"))
    monkeypatch.setattr(bleak, "get_platform_client_backend_type", lambda: (FakeClient, "fake"))
