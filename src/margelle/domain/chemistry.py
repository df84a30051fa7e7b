"""Water's chemistry: each formula with its units, its source and where it holds."""

from __future__ import annotations

from typing import Final

NACL_FACTOR: Final = 0.5
"""mg/L of dissolved solids, counted as sodium chloride, for each µS/cm at 25 °C.

Standard solutions have 0.497 at 1 413 µS/cm (702 mg/L), 0.512 at 2 764 and 0.500 at 8 974 (Sper Scientific 850038, manual, page 43), so 0.5 is
right within 3 % from about 1 000 to 10 000 µS/cm; below it is up to 10 % too high, above up to 14 % too low. Instruments on the "442" scale
use 0.64 to 0.90 instead.
"""


def conductivity_of_solids(solids: float) -> float:
    """The conductivity, in µS/cm at 25 °C, of water with so many mg/L of solids counted as sodium chloride (`NACL_FACTOR`)."""
    return solids / NACL_FACTOR


def solids_of_conductivity(conductivity: float) -> float:
    """The solids, in mg/L of sodium chloride, of water with so many µS/cm at 25 °C (`NACL_FACTOR`)."""
    return conductivity * NACL_FACTOR
