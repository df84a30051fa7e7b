"""What was done at a site, or happened there: beside the measurements, so that a curve can be understood."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

from msgspec import Struct

EventKind = Literal[
    "dose",
    "backwash",
    "filter_cleaning",
    "water_change",
    "refill",
    "probe_cleaning",
    "calibration",
    "opening",
    "wintering",
    "incident",
    "note",
]
"""`dose`: a product was added. `backwash`: the filter was rinsed against its flow. `water_change`, `refill`: water was replaced, or added.
`opening`, `wintering`: the season began, ended. `incident`: something went wrong there. `note`: anything else worth knowing."""

Product = Literal[
    "ph_minus",
    "ph_plus",
    "chlorine",
    "shock_chlorine",
    "bromine",
    "active_oxygen",
    "salt",
    "alkalinity_plus",
    "hardness_plus",
    "stabiliser",
    "algaecide",
    "flocculant",
    "other",
]

AmountUnit = Literal["g", "kg", "mL", "L", "m3", "tablet"]

EVENT_KINDS: Final[tuple[EventKind, ...]] = EventKind.__args__  # type: ignore[attr-defined]
PRODUCTS: Final[tuple[Product, ...]] = Product.__args__  # type: ignore[attr-defined]
AMOUNT_UNITS: Final[tuple[AmountUnit, ...]] = AmountUnit.__args__  # type: ignore[attr-defined]


class Event(Struct, frozen=True):
    """An intervention, or something that happened, at a site.

    `at` is when, `recorded_at` when it was written down, both aware in UTC; `by` is the user (e-mail) who wrote it. Of a dose, `product` says
    what was added; `amount` is in `unit`. One that was taken back stays, with `removed_at` and `removed_by`.
    """

    id: str
    site: str
    kind: EventKind
    at: datetime
    by: str
    recorded_at: datetime
    product: Product | None = None
    amount: float | None = None
    unit: AmountUnit | None = None
    note: str = ""
    removed_at: datetime | None = None
    removed_by: str = ""
