"""The measure that a Flipr tells over Bluetooth: 13 bytes, little endian; pure.

No document of the vendor's describes it. Layout, factors and limits are those of Flipr Local (Adrien40/ha-flipr-local), a public program that reads
these probes; they stand in tests/evidence/flipr/facts/bluetooth.json. Two pairs of bytes are known to nobody: they are kept as they come.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Final

from msgspec import Struct

from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.site import Probe
from margelle.domain.unit import Unit
from margelle.vendors.flipr.calibration import Calibration
from margelle.vendors.flipr.translate.words import NEARBY

LENGTH: Final = 13

# The step of each number on the wire, in the unit beside it.
TEMPERATURE_STEP: Final = Decimal("0.06")  # °C
ORP_STEP: Final = Decimal("0.5")  # mV

MODES: Final = {0: "sleep", 1: "eco", 2: "normal", 3: "boost"}

PLAUSIBLE: Final[dict[str, tuple[int, int, Unit]]] = {
    "temperature": (0, 50, Unit.CELSIUS),
    "ph": (500, 3000, Unit.MILLIVOLT),
    "orp": (0, 1500, Unit.MILLIVOLT),
    "battery": (2000, 4100, Unit.MILLIVOLT),
}
"""What the probe can have meant, of the numbers that it sends."""

CHARGE: Final[tuple[tuple[int, int], ...]] = (
    (2800, 0), (2900, 2), (3000, 5), (3100, 12), (3200, 25), (3300, 45), (3400, 70), (3450, 85), (3500, 95), (3550, 99), (3600, 100),
)  # fmt: skip
"""Voltage (mV) and charge (%) of a lithium thionyl chloride cell, as Flipr Local has them; a straight line between two."""

UNCALIBRATED_PH: Final = "by the factory's line: the calibration of this probe's pH electrode is not known here"
UNCALIBRATED_ORP: Final = "as the electrode says it: the calibration of this probe's ORP electrode is not known here"
UNKNOWN_MODEL: Final = "the factors of this model are not known: those of newer ones were taken"

_LAYOUT: Final = struct.Struct("<HHHHBHH")


class Frame(Struct, frozen=True):
    """What the bytes say, as whole numbers: steps of 0.06 °C, mV, steps of 0.5 mV, unknown, mode, unknown, mV."""

    temperature: int
    ph_mv: int
    orp: int
    word_6: int
    mode: int
    word_9: int
    battery_mv: int

    @property
    def asleep(self) -> bool:
        """Whether the probe is in standby, and the rest says nothing."""
        return self.temperature == 0


def frame_from(told: bytes) -> Frame:
    """The frame in the bytes that a probe sent. Raises ValueError where they are not 13."""
    if len(told) != LENGTH:
        raise ValueError(f"{len(told)} bytes where a measure has {LENGTH}: {told[:40].hex()}")
    return Frame(*_LAYOUT.unpack(told))


def charge(voltage_mv: int) -> float:
    """The charge (%) of the battery at a voltage (mV), by `CHARGE`, to a tenth: 0 below it and 100 above."""
    if voltage_mv <= CHARGE[0][0]:
        return 0.0
    for (low_mv, low), (high_mv, high) in pairwise(CHARGE):
        if voltage_mv <= high_mv:
            return round(low + (high - low) * (voltage_mv - low_mv) / (high_mv - low_mv), 1)
    return 100.0


def measurements_of(
    frame: Frame, probe: Probe, at: datetime, calibration: Calibration, *, known_model: bool
) -> list[Measurement]:
    """What a frame tells of `probe` at `at`; nothing where it sleeps.

    The raw number is the electrode's or the battery's, in mV: with it, a value can be computed again when a calibration is corrected.
    """
    if frame.asleep:
        return []
    told = [*_values(frame, calibration)]
    model = () if known_model else (Doubt("uncalibrated", UNKNOWN_MODEL),)
    measured = [
        Measurement(
            probe.id, name, at, value, str(raw), PLAUSIBLE[name][2], NEARBY, (*_odd(name, raw), *doubts, *model)
        )
        for name, value, raw, doubts in told
    ]
    unread = {"flipr.mode": frame.mode, "flipr.word_6": frame.word_6, "flipr.word_9": frame.word_9}
    return measured + [
        Measurement(probe.id, name, at, float(number), str(number), Unit.RATIO, NEARBY)
        for name, number in unread.items()
    ]


def _values(frame: Frame, calibration: Calibration) -> Iterator[tuple[str, float, Decimal, tuple[Doubt, ...]]]:
    """Each quantity: its value in the canonical unit, the number it came from, and whether that can be trusted."""
    temperature, orp_mv = frame.temperature * TEMPERATURE_STEP, frame.orp * ORP_STEP
    yield "temperature", float(temperature), temperature, ()
    doubts = () if calibration.has_ph else (Doubt("uncalibrated", UNCALIBRATED_PH),)
    yield "ph", calibration.ph(frame.ph_mv), Decimal(frame.ph_mv), doubts
    doubts = () if calibration.has_orp else (Doubt("uncalibrated", UNCALIBRATED_ORP),)
    yield "orp", calibration.orp(float(orp_mv)), orp_mv, doubts
    yield "battery", charge(frame.battery_mv), Decimal(frame.battery_mv), ()


def _odd(name: str, raw: Decimal) -> tuple[Doubt, ...]:
    low, high, unit = PLAUSIBLE[name]
    if low <= raw <= high:
        return ()
    return (Doubt("vendor", f"the probe sent {raw} {unit}, which cannot be: it is not between {low} and {high}"),)
