"""What a cloud has told is judged and kept; a number that is known already is not given up for a word."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

from msgspec.structs import replace

from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.plausible import judge
from margelle.domain.quantity import Catalogue
from margelle.intake import beside
from margelle.ports import Batch, Store

_MOMENT: Final = timedelta(microseconds=1)
_Key = tuple[str, str, datetime]


async def keep(store: Store, batch: Batch, now: datetime, catalogue: Catalogue) -> list[Measurement]:
    """Keep what `batch` told, and return it as it was judged.

    Where it tells a word or nonsense of an instant of which the store has a number, that is no correction: the number stays as it is. Of several
    values of one instant the last number is kept: each would be a correction of the other, again with every answer.
    """
    told = _once(_finite(one) for one in batch.measurements)
    known = await _numbers(store, [one for one in told if one.value is None])
    idle = [judge(one, now, catalogue) for one in told if one.value is None and _key(one) in known]
    new = [one for one in told if one.value is not None or _key(one) not in known]
    return idle + await beside.keep(store, new, now, catalogue)


def _once(told: Iterable[Measurement]) -> list[Measurement]:
    found: dict[_Key, Measurement] = {}
    for one in told:
        if one.value is not None or _key(one) not in found:
            found[_key(one)] = one
    return [*found.values()]


async def _numbers(store: Store, wordless: Sequence[Measurement]) -> set[_Key]:
    """Where the store has a number for what came without one."""
    found: set[_Key] = set()
    for probe, quantity in {(one.probe, one.quantity): None for one in wordless}:
        instants = [one.at for one in wordless if (one.probe, one.quantity) == (probe, quantity)]
        known = await store.history(probe, quantity, min(instants), max(instants) + _MOMENT)
        found |= {_key(one) for one in known if one.value is not None}
    return found


def _key(one: Measurement) -> _Key:
    return one.probe, one.quantity, one.at


def _finite(one: Measurement) -> Measurement:
    """`one`, whose value is None if it is no number that a store keeps; its raw text stays."""
    if one.value is None or math.isfinite(one.value):
        return one
    return replace(one, value=None, doubts=(*one.doubts, Doubt("unreadable", f"{one.raw[:40]!r} is no number")))
