"""How what a Flipr tells is shown to people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec.structs import replace

from margelle.domain.site import Band
from margelle.ports import Display
from margelle.vendors.flipr.translate.module import USUAL_LIMITS
from margelle.vendors.flipr.translate.words import DEVIATION, PH_DEVIATION

_DISPLAY: Final = Display(
    aside=frozenset({DEVIATION, PH_DEVIATION}),
    bands={"ph": Band(USUAL_LIMITS["ph_min"], USUAL_LIMITS["ph_max"])},
)
"""The deviations only say once more how the values stand to their limits. The pH is TooLow or TooHigh beyond the usual ones, as `Thresholds` tells them."""


def display(settings: Mapping[str, Any]) -> Display:
    """How every Flipr is shown, as this installation has it."""
    return replace(_DISPLAY, switchable=bool(settings.get("switch_pumps", True)))
