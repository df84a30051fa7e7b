"""How a site is, at one glance: good, to be watched, to be acted upon, silent, or not to be judged; and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final, Literal

from msgspec import Struct

from margelle.domain.limits import Bands, standing
from margelle.domain.measurement import Measurement
from margelle.domain.site import OWN, Recommendation

State = Literal["act", "silent", "watch", "unjudged", "good"]
STATES: Final[tuple[State, ...]] = ("act", "silent", "watch", "unjudged", "good")
"""The neediest first."""

ReasonKind = Literal["never", "silent", "far", "overdue", "outside", "advised", "doubtful", "late", "unjudged"]
"""`never`, `silent`: nothing was measured, or nothing for long. `far`, `outside`: a sound value is beyond what is tolerable, or ideal.
`overdue`, `advised`: a recommendation waits, past its day or not. `doubtful`: the newest value of a quantity is doubted. `late`: readings are overdue.
`unjudged`: nothing sound that was measured lately has limits, so that nobody can say how the water is."""

_STATE_OF: Final[dict[ReasonKind, State]] = {
    "never": "silent",
    "silent": "silent",
    "far": "act",
    "overdue": "act",
    "outside": "watch",
    "advised": "watch",
    "doubtful": "watch",
    "late": "watch",
    "unjudged": "unjudged",
}

HOURLY: Final = timedelta(hours=1)
BY_HAND: Final = timedelta(days=4)
"""Who measures with a strip does so once or twice a week."""

_OF_THE_DEVICE: Final = frozenset({"battery"})
"""Within its limits, it says nothing of the water."""

_LATE: Final = 3
_SILENT: Final = 24
"""So many readings of the rhythm missing."""

_LEAST_LATE, _LEAST_SILENT = timedelta(hours=1), timedelta(hours=6)
MOST_SILENT: Final = timedelta(days=30)
"""Whatever its rhythm, after so long a probe is silent."""


class Reason(Struct, frozen=True):
    """Why a site is in its state. `quantity` and `probe` say whose value it is; `count` how many recommendations."""

    kind: ReasonKind
    quantity: str = ""
    probe: str = ""
    count: int = 1


class Condition(Struct, frozen=True):
    """A site's state with all that speaks for it, the gravest first, and when it was measured last."""

    state: State
    reasons: tuple[Reason, ...]
    newest: datetime | None


def condition(
    latest: Sequence[Measurement],
    bands: Mapping[str, Bands],
    advice: Sequence[Recommendation],
    now: datetime,
    rhythm: timedelta = HOURLY,
) -> Condition:
    """The condition of a site whose probes' newest measurements are `latest`.

    `bands` are by quantity; a quantity without them gets no verdict, nor does a doubted value, nor one so old that it says nothing of the water now.
    Where nothing gets one, the site is not good but not judged: no news is no good news.
    `advice` are the recommendations that wait. `rhythm` is the time from one reading to the next, as the probe keeps it.
    """
    newest = max((point.at for point in _told(latest)), default=None)
    reasons = [*_of_age(newest, now, rhythm), *_of_advice(advice, now)]
    since = now - silent_after(rhythm)
    lately = [point for point in latest if point.at > since]
    for point in lately:
        reasons += _of_value(point, bands.get(point.quantity))
    if lately and not any(_is_judged(point, bands) for point in lately):
        reasons.append(Reason("unjudged"))
    reasons.sort(key=lambda reason: STATES.index(_STATE_OF[reason.kind]))
    # Silence comes first where there is any: of water that nobody measures nothing else is known, unless somebody has just found it bad by hand.
    kinds = {reason.kind for reason in reasons}
    silent = "never" in kinds or ("silent" in kinds and "far" not in kinds)
    state: State = "silent" if silent else _STATE_OF[reasons[0].kind] if reasons else "good"
    return Condition(state, tuple(reasons), newest)


def late_after(rhythm: timedelta) -> timedelta:
    """The age from which readings of this rhythm are overdue: three are missing."""
    return max(_LATE * rhythm, _LEAST_LATE)


def silent_after(rhythm: timedelta) -> timedelta:
    """The age from which a probe of this rhythm is silent: a day's worth of hourly readings is missing."""
    return max(min(max(_SILENT * rhythm, _LEAST_SILENT), MOST_SILENT), late_after(rhythm))


def rhythm_of(latest: Iterable[Measurement]) -> timedelta:
    """How often a site is measured, as far as where its newest measurement came from tells: by a probe hourly, by hand much less often."""
    point = max(_told(latest), key=lambda one: one.at, default=None)
    return BY_HAND if point is not None and _is_by_hand(point.origin) else HOURLY


def _told(latest: Iterable[Measurement]) -> list[Measurement]:
    """Those by which it is told how long ago a site was measured: where a probe does so, no strip beside it hides that it is silent."""
    every = list(latest)
    return [point for point in every if not _is_by_hand(point.origin)] or every


@lru_cache(1024)
def _is_by_hand(origin: str) -> bool:
    vendor, _, means = origin.partition("/")
    return vendor == OWN and means not in {"http", "mqtt"}


def _of_age(newest: datetime | None, now: datetime, rhythm: timedelta) -> list[Reason]:
    if newest is None:
        return [Reason("never")]
    age = now - newest
    if age >= silent_after(rhythm):
        return [Reason("silent")]
    return [Reason("late")] if age >= late_after(rhythm) else []


def _of_advice(advice: Sequence[Recommendation], now: datetime) -> list[Reason]:
    overdue = sum(each.deadline is not None and each.deadline < now for each in advice)
    kinds: tuple[tuple[ReasonKind, int], ...] = (("overdue", overdue), ("advised", len(advice) - overdue))
    return [Reason(kind, count=n) for kind, n in kinds if n]


def _is_judged(point: Measurement, bands: Mapping[str, Bands]) -> bool:
    """Whether a value says how the water is. A doubted one speaks for itself: it is to be watched."""
    return not point.valid or (
        point.value is not None and point.quantity in bands and point.quantity not in _OF_THE_DEVICE
    )


def _of_value(point: Measurement, bands: Bands | None) -> list[Reason]:
    if not point.valid:
        return [Reason("doubtful", point.quantity, point.probe)]
    if bands is None or point.value is None:
        return []
    stands = standing(point.value, bands)
    return [] if stands == "within" else [Reason(stands, point.quantity, point.probe)]
