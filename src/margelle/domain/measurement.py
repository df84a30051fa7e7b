"""One value of one quantity by one probe at one instant: the form in which everything is kept."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Final, Literal

from msgspec import Struct

from margelle.domain.unit import Unit

DoubtKind = Literal[
    "vendor",
    "unreadable",
    "uncalibrated",
    "withdrawn",
    "range",
    "future",
    "past",
    "exposed",
    "jump",
    "stuck",
    "cross",
]

GIVEN: Final[frozenset[DoubtKind]] = frozenset({"vendor", "unreadable", "uncalibrated", "withdrawn", "future"})
"""Doubts that came with the measurement: they are part of what was told. All others are verdicts, which can be recomputed."""

BESIDE: Final[frozenset[DoubtKind]] = frozenset({"exposed", "jump", "stuck", "cross"})
"""Verdicts that a point's neighbours have a say on."""


class Doubt(Struct, frozen=True):
    """A reason not to trust a value; it stands beside the value, never in its place.

    `vendor`: the probe's maker excluded it, `reason` in its own words. `unreadable`: what came is not a number.
    `uncalibrated`: computed from what an electrode reads without knowing its calibration.
    `withdrawn`: its cloud tells it at another instant now, or who read it by hand took it back.
    `range`: not plausible for the quantity. `future`, `past`: its instant cannot be true. `exposed`: the probe was out of the water.
    `jump`: nothing in the water changes so fast and back. `stuck`: the same for too long. `cross`: it contradicts another quantity.
    """

    kind: DoubtKind
    reason: str


class Measurement(Struct, frozen=True, gc=False):
    """A value with its instant, its doubts and where it came from.

    `value` is in the quantity's canonical unit; None where no number could be read, and then there is a doubt.
    `at` is aware, in UTC. `raw` is the number as the vendor wrote it, in `raw_unit`: neither is ever lost.
    `origin` names the vendor and the request, such as `ondilo/lastmeasures`.
    """

    probe: str
    quantity: str
    at: datetime
    value: float | None
    raw: str
    raw_unit: Unit
    origin: str
    doubts: tuple[Doubt, ...] = ()

    @property
    def valid(self) -> bool:
        """Whether nothing speaks against the value."""
        return not self.doubts

    @property
    def given(self) -> tuple[Doubt, ...]:
        """The doubts that came with it, without our verdicts."""
        return tuple(doubt for doubt in self.doubts if doubt.kind in GIVEN) if self.doubts else ()

    @property
    def reason(self) -> str | None:
        """Why the value is not valid, in one line; None where it is."""
        return self.doubts[0].reason if self.doubts else None


@lru_cache(8192)
def spelt(value: float | None) -> str:
    """The shortest decimal that spells `value`: 7.2, 25."""
    return repr(value).removesuffix(".0")


class Revision(Struct, frozen=True):
    """What a measurement was before it was corrected, and when (`replaced_at`, aware UTC) the correction came."""

    measurement: Measurement
    replaced_at: datetime


class Reading(Struct, frozen=True):
    """All quantities that one probe measured at one instant."""

    probe: str
    at: datetime
    measurements: dict[str, Measurement]


def same(old: Measurement, new: Measurement) -> bool:
    """Whether `new` says nothing that `old` does not: the same number, however it was spelt, in the same unit, with the same doubts given.

    From where it came does not matter: the same point arrives as the latest one and again as history. Nor do our own verdicts: what we
    think of a point is no correction of it.
    """
    return (
        old.value == new.value
        and old.raw_unit == new.raw_unit
        and (old.raw == new.raw or _same_number(old.raw, new.raw))
        and (old.doubts == new.doubts or _grounds(old.doubts) == _grounds(new.doubts))
    )


def _same_number(one: str, other: str) -> bool:
    try:
        return Decimal(one) == Decimal(other)
    except InvalidOperation:
        return False


def _grounds(doubts: tuple[Doubt, ...]) -> list[tuple[str, str]]:
    # The reason of "future" names the clock at which it was judged, so it reads differently at each arrival.
    return [(doubt.kind, "" if doubt.kind == "future" else doubt.reason) for doubt in doubts if doubt.kind in GIVEN]
