"""What an electrode's millivolts mean, by a calibration that its owner knows; pure.

Over Bluetooth a Flipr tells what its electrodes say, and its cloud keeps the calibration to itself. The formulas are those of Flipr Local (Adrien40/ha-flipr-local).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from margelle.errors import ConfigError

FACTORY: Final = (22.2083, -0.0084494)
"""The line of pH over mV that all these probes leave the factory with: at 0 mV, and per mV."""

PH7: Final = 7.02
PH4: Final = 4.00
ORP_MV: Final = 650.0
"""What the solutions of the vendor's calibration kit are worth at 20 °C."""

_STEP: Final = re.compile(r"(ph7|ph4|orp)=(\d+(?:\.\d+)?)(?:/(\d+(?:\.\d+)?))?")
_LARGEST_PH: Final = 14
_LEAST_MV, _MOST_MV = 500, 3000
_LEAST_SPAN_MV: Final = 20
_HOW: Final = 'It is like "ph7=1634/7.02 ph4=1916/4.00 orp=640/650": each electrode\'s reading in a solution, a slash, and what the solution is worth.'


class Calibration(Struct, frozen=True):
    """What a probe's electrodes read (mV) in solutions whose pH or ORP (mV) is known. None: not calibrated here."""

    ph7_mv: float | None = None
    ph7: float = PH7
    ph4_mv: float | None = None
    ph4: float = PH4
    orp_reading_mv: float | None = None
    orp_reference_mv: float = ORP_MV

    @property
    def has_ph(self) -> bool:
        """Whether the pH electrode is calibrated."""
        return self.ph7_mv is not None and self.ph4_mv is not None

    @property
    def has_orp(self) -> bool:
        """Whether the ORP electrode is calibrated."""
        return self.orp_reading_mv is not None

    def ph(self, electrode_mv: float) -> float:
        """The pH at an electrode's voltage (mV), to a thousandth: by the line through both solutions, else by the factory's. Temperature is not allowed for."""
        if self.ph7_mv is None or self.ph4_mv is None:
            at_zero, per_mv = FACTORY
            return round(at_zero + per_mv * electrode_mv, 3)
        mv_per_ph = (self.ph4_mv - self.ph7_mv) / (self.ph4 - self.ph7)
        return round(self.ph7 + (electrode_mv - self.ph7_mv) / mv_per_ph, 3)

    def orp(self, electrode_mv: float) -> float:
        """The ORP (mV) at what the electrode reads (mV): moved by as much as it was off in the solution."""
        if self.orp_reading_mv is None:
            return electrode_mv
        return round(electrode_mv + self.orp_reference_mv - self.orp_reading_mv, 3)

    @classmethod
    def of(cls, text: str) -> Calibration:
        """The calibration in a setting's text. A pH reading up to 14 is that of the expert view in Flipr's app, which is by the factory's line. Raises ConfigError."""
        steps = text.lower().split()
        found = [_STEP.fullmatch(step) for step in steps]
        names = [one[1] for one in found if one]
        if not steps or None in found or len(set(names)) != len(names) or ("ph7" in names) != ("ph4" in names):
            raise ConfigError(f"{text!r} is no calibration.", hint=_HOW)
        read = {one[1]: (float(one[2]), one[3]) for one in found if one}
        told: dict[str, float] = {}
        for name in ("ph7", "ph4"):
            if name in read:
                reading, reference = read[name]
                told |= {f"{name}_mv": _electrode_mv(reading)} | ({name: float(reference)} if reference else {})
        if "orp" in read:
            reading, reference = read["orp"]
            told |= {"orp_reading_mv": reading} | ({"orp_reference_mv": float(reference)} if reference else {})
        return cls(**told).checked(text)

    def checked(self, text: str) -> Calibration:
        """Itself. Raises ConfigError where no electrode reads so."""
        for reading in (self.ph7_mv, self.ph4_mv):
            if reading is not None and not _LEAST_MV <= reading <= _MOST_MV:
                raise ConfigError(
                    f"{text!r} is no calibration: a pH electrode reads from {_LEAST_MV} to {_MOST_MV} mV.", hint=_HOW
                )
        apart = self.ph7_mv is None or self.ph4_mv is None or abs(self.ph7_mv - self.ph4_mv) >= _LEAST_SPAN_MV
        if not apart or not self.ph4 < self.ph7 <= _LARGEST_PH:
            raise ConfigError(f"{text!r} is no calibration: its two pH solutions are as good as one.", hint=_HOW)
        return self


def calibrations(told: Mapping[str, str]) -> dict[str, Calibration]:
    """The calibrations of a table of settings, by serial in capitals. Raises ConfigError."""
    found = {}
    for serial, text in told.items():
        try:
            found[serial.upper()] = Calibration.of(text)
        except ConfigError as error:
            raise ConfigError(f"flipr.calibration, {serial}: {error.what}", hint=error.hint) from error
    return found


def _electrode_mv(reading: float) -> float:
    """The voltage (mV) of a reading, which is in mV or a pH by the factory's line."""
    at_zero, per_mv = FACTORY
    return (reading - at_zero) / per_mv if reading <= _LARGEST_PH else reading
