"""Readings that a cloud told at a wrong instant, while its clock was wrong, and tells at another one now: they get a doubt.

Nothing is deleted, and a cloud that tells such a reading again takes the doubt away.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from msgspec.structs import replace

from margelle.domain.gap import is_reading
from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.quantity import Catalogue
from margelle.intake import beside
from margelle.ports import Store

DOUBT: Final = Doubt("withdrawn", "its cloud does not tell it any more, and tells the same values at another time")

SHIFT: Final = timedelta(days=2)
"""So far a cloud's clock, or its zone, is taken to have been wrong at most."""

_BEAT: Final = 1.25
"""Two readings that follow each other within so many rhythms have no other one between them."""

_WITNESSES: Final = 2
"""So many quantities must say that two readings are the same one: one alone has the same value often enough."""

_Reading = dict[str, Measurement]


def surplus(known: Iterable[Measurement], told: Sequence[Measurement], every_s: float) -> list[datetime]:
    """Where `known` has readings of the same cloud between two that it has `told` (in order), one rhythm apart, and told nothing of.

    A reading that was left out of an answer leaves a hole there; one that stands where none belongs does not.
    """
    cloud = _cloud(told[0]) if told else ""
    extra = sorted(one.at for one in known if is_reading(one) and _cloud(one) == cloud)
    most, found = timedelta(seconds=_BEAT * every_s), []
    beats = [(one.at, other.at) for one, other in pairwise(told) if other.at - one.at <= most]
    n = 0
    for since, until in beats:
        while n < len(extra) and extra[n] <= since:
            n += 1
        while n < len(extra) and extra[n] < until:
            found.append(extra[n])
            n += 1
    return found


def shifted(at: datetime, readings: Mapping[datetime, _Reading], told: Collection[datetime]) -> bool:
    """Whether the reading at this instant is one that is `told` at another."""
    here = readings[at]
    return any(
        _same(here, readings[other]) for other in told if other in readings and timedelta(0) < abs(other - at) <= SHIFT
    )


async def doubt(
    store: Store, told: Sequence[Measurement], every_s: float, now: datetime, catalogue: Catalogue
) -> list[Measurement]:
    """Give what a cloud tells elsewhere now (`told`: one quantity of a probe, in order) a doubt; returns it."""
    if len(told) < 2:
        return []
    probe, quantity, cloud = told[0].probe, told[0].quantity, _cloud(told[0])
    extra = surplus(await store.history(probe, quantity, told[0].at, told[-1].at), told, every_s)
    if not extra:
        return []
    readings: defaultdict[datetime, _Reading] = defaultdict(dict)
    for name in await store.quantities(probe):
        for one in await store.history(probe, name, extra[0] - SHIFT, extra[-1] + SHIFT):
            if _cloud(one) == cloud and one.value is not None:
                readings[one.at][name] = one
    instants = [one.at for one in told]
    wrong = [at for at in extra if shifted(at, readings, instants)]
    points = [
        replace(one, doubts=(*one.given, DOUBT))
        for at in wrong
        for one in readings[at].values()
        if DOUBT not in one.doubts
    ]
    return await beside.keep(store, points, now, catalogue)


def _same(one: _Reading, other: _Reading) -> bool:
    both = one.keys() & other.keys()
    return len(both) >= _WITNESSES and all(
        (one[name].value, one[name].raw_unit) == (other[name].value, other[name].raw_unit) for name in both
    )


def _cloud(point: Measurement) -> str:
    """Who told it: the vendor, in whichever answer."""
    return point.origin.partition("/")[0]
