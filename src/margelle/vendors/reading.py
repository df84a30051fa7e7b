"""From what a cloud wrote to measurements, for every vendor."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Final, TypeVar

from msgspec.json import encode

from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.quantity import CATALOGUE
from margelle.domain.site import Probe
from margelle.domain.unit import Unit, convert
from margelle.ports import Batch, Fault
from margelle.vendors.answer import Entries, excerpt, few

T = TypeVar("T")

RAW_KEPT: Final = 2000
"""How much of a value that is no number is kept, in characters."""

_NUMBER: Final = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)


def number(text: str) -> float | None:
    """The number that `text` is in JSON; None if it is none, or too large to count with."""
    value = float(text) if _NUMBER.fullmatch(text) else math.inf
    return value if math.isfinite(value) else None


def measured(  # noqa: PLR0917 - in the order of a measurement
    probe: Probe, quantity: str, at: datetime, raw: str, unit: Unit, origin: str, *doubts: Doubt
) -> Measurement:
    """The number `raw`, which is in `unit`; what is no number is kept with a doubt."""
    value = number(raw)
    if value is None:
        doubts = (*doubts, Doubt("unreadable", f"{raw[:40]} is no number"))
    elif quantity in CATALOGUE:
        value = convert(value, unit, CATALOGUE[quantity].unit)
    return Measurement(probe.id, quantity, at, value, raw[:RAW_KEPT], unit, origin, doubts)


def batch_of(
    listed: Entries[T],
    name: str,
    read: Callable[[T], Iterable[Measurement]],
    remark: Callable[[T], str | None] = lambda _: None,
    *,
    newest_first: bool = False,
) -> Batch:
    """What `read` finds in the entries of one answer, each measurement once; an entry of which it raises ValueError is a fault.

    The same one twice is one, and another value for the same instant is a correction, if the answer has it before (`newest_first`) or else after the one it corrects. What `remark` has to say of an entry that was read is a fault, too.
    """
    faults = listed.faults
    found: dict[Measurement, None] = {}
    numbered = list(enumerate(listed.read))
    for n, one in reversed(numbered) if newest_first else numbered:
        try:
            found |= dict.fromkeys(read(one))
            said = remark(one)
        except ValueError as error:
            said = f"{error}: {excerpt(encode(one).decode())}"
        if said:
            faults.append(Fault(f"{name}[{n}]", said))
    return Batch(tuple(found), few(faults))
