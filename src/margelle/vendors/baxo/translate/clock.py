"""In which time a device's past is told: universal time, or the time of its own clock.

BAMO's document says universal time of values of now only, and public clients of the platform beneath read the past in either. So a value of
now is looked for in the past: the newest row of its tag stands at the same time, or as far from it as the device's clock is from UTC.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final, Literal

from msgspec import Struct

from margelle.phrase import Phrase
from margelle.vendors.baxo.translate.words import instant_from, seconds_to

PastTime = Literal["utc", "local"]

_AN_HOUR_S: Final = 3600


class Said(Struct, frozen=True):
    """A value, and the seconds since 2000-01-01 at which an answer puts it."""

    at_s: int
    value: str


class Finding(Struct, frozen=True):
    """In which time the past is; None where it cannot be told. `why` is a sentence, and `phrase` what it says."""

    time: PastTime | None
    why: str
    phrase: Phrase | None = None


class WallClock:
    """Reads one series' stamps on the clock of `zone`, in the order of the answer.

    The hour that a clock shows twice is told apart by the stamps themselves: one that comes again, or goes back, is of the second time.
    """

    def __init__(self, zone: tzinfo) -> None:
        self.zone = zone
        self._highest_s = float("-inf")

    def instant(self, seconds: float) -> datetime:
        """The instant at which the clock shows so many seconds after 2000-01-01. Raises ValueError where there is none."""
        if self.zone is UTC or not _is_ambiguous(seconds, self.zone):
            return instant_from(seconds, self.zone)
        again = seconds <= self._highest_s
        self._highest_s = max(self._highest_s, seconds)
        return instant_from(seconds, self.zone, fold=int(again))


def offset_s(universal_s: int, zone: tzinfo) -> int:
    """How far the clock of `zone` is ahead of UTC at that instant."""
    return seconds_to(instant_from(universal_s), zone) - universal_s


def finding(now: Mapping[str, Said], past: Mapping[str, Sequence[Said]], zone: tzinfo) -> Finding:
    """In which time `past` is, by tag; `now` are the values of now, in UTC, of a device whose clock is in `zone`."""
    votes = {
        tag: vote
        for tag, said in sorted(now.items())
        if past.get(tag) and (vote := _vote(said, past[tag], offset_s(said.at_s, zone)))
    }
    if not votes:
        return _unknown(now.values(), zone)
    if len(set(votes.values())) > 1:
        told = ", ".join(f"{tag} {vote}" for tag, vote in votes.items())
        return Finding(None, f"Its tags contradict each other: {told}", Phrase("baxo.contradict", {"tags": told}))
    tag, time = next(iter(votes.items()))
    apart_s = offset_s(now[tag].at_s, zone)
    if time == "utc":
        why = "Its newest value has the same time there as among the values of now, which are in UTC."
        return Finding(time, why, Phrase("baxo.same_time"))
    where, side = ("ahead", "later") if apart_s > 0 else ("back", "earlier")
    apart = _span(abs(apart_s))
    why = f"Its newest value is {apart} {side} there than among the values of now, as the device's clock is."
    return Finding(time, why, Phrase(f"baxo.clock_{where}", {"apart": apart}))


def _vote(now: Said, past: Sequence[Said], ahead_s: int) -> PastTime | None:
    """What one tag says. The newest row must be the value of now itself: with its value, and exactly where it may stand.

    A row may also stand there because the device was late by just that much: then others are likely to have its value too.
    """
    newest = max(past, key=lambda row: row.at_s)
    if ahead_s == 0 or newest.value != now.value or newest.at_s - now.at_s not in {0, ahead_s}:
        return None
    vote: PastTime = "local" if newest.at_s != now.at_s else "utc"
    late_s = -ahead_s if vote == "local" else ahead_s
    alone = len(past) > 1 and sum(row.value == now.value for row in past) == 1
    return vote if late_s < 0 or alone else None


def _unknown(now: Iterable[Said], zone: tzinfo) -> Finding:
    if all(offset_s(said.at_s, zone) == 0 for said in now):
        return Finding(None, "Its clock showed UTC.", Phrase("baxo.shows_utc"))
    return Finding(None, "No value of now stands in its past.", Phrase("baxo.not_in_past"))


def _is_ambiguous(seconds: float, zone: tzinfo) -> bool:
    try:
        shown = instant_from(seconds).replace(tzinfo=zone)
    except ValueError:
        return False
    first, second = (shown.replace(fold=fold).utcoffset() or timedelta(0) for fold in (0, 1))
    return first > second


def _span(seconds: int) -> str:
    hours, rest = divmod(seconds, _AN_HOUR_S)
    return f"{hours} h" + (f" {rest // 60} min" if rest else "")
