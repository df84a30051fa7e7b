"""What a collector remembers of one account between two rounds, kept as a small note in the store.

Losing the note loses no measurement: the account is then discovered, and its past fetched, once more.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

import msgspec
from msgspec import Struct, field

from margelle.domain.gap import USUAL_RHYTHM_S, Gap
from margelle.domain.site import Site
from margelle.ports import Act, Reader, Window, Writer

Purpose = Literal["discover", "latest", "again", "advice", "history", "switch"]
"""What a request is for, in the budget's record: `again` is for a probe that was asked for its latest values less than a window ago."""

IsState = Callable[[str], bool]
"""Whether a quantity is only ever on or off (`domain.quantity.is_state`)."""

States = Callable[[Site], IsState]
"""Of a site, which of its quantities are."""

LONGEST_SILENCE: Final = timedelta(hours=20)
"""So long, at most, is waited before what did not come is asked for again."""

_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_OPEN: Final = "It is asked for as soon as the budget allows."
_ELSEWHERE: Final = "Only another account of the probe can still tell it."
_log = logging.getLogger(__name__)


REDISCOVERY: Final = timedelta(hours=1)
"""After a discovery, another one is due so much later where something has vanished or was missed."""


def none_is_on_or_off(_: Site) -> IsState:
    """`States` of sites of which nothing is known."""
    return _never


def _never(_: str) -> bool:
    return False


class Attempt(Struct, omit_defaults=True):
    """How asking one thing went: the last success, the last try, failures in a row, and no try before `not_before`."""

    ok_at: datetime | None = None
    asked_at: datetime | None = None
    failures: int = 0
    not_before: datetime | None = None


class Series(Struct, omit_defaults=True):
    """One quantity of one probe.

    `settled_at` is when an answer last told its past; `missing_since` to `missing_until` is where readings are missing that
    nobody has asked for yet. `silences` counts the answers in a row that did not bring what was missing; `swept_at` is when an answer last told
    a month or more. `meaning` is what its source reads it from, where that is the operator's to say. What `is_state` is only on or off, and as it was
    told last until it tells of a change: of it nothing is ever missing.
    """

    newest: datetime | None = None
    rhythm_s: float = USUAL_RHYTHM_S
    settled_at: datetime | None = None
    swept_at: datetime | None = None
    missing_since: datetime | None = None
    missing_until: datetime | None = None
    silences: int = 0
    meaning: str = ""
    is_state: bool = False
    attempt: Attempt = field(default_factory=Attempt)

    @property
    def wanted_at(self) -> datetime | None:
        """When what is missing is to be asked for: at once, and later after each answer in a row that did not bring it. None: nothing is missing."""
        if self.missing_since is None or self.missing_until is None:
            return None
        return self.missing_until + min(timedelta(hours=2 ** min(self.silences, 5) - 1), LONGEST_SILENCE)

    def mean(self, meaning: str) -> None:
        """This is what it is read from now. What was read from something else before is to be read anew."""
        if self.meaning and meaning != self.meaning:
            self.settled_at, self.attempt = None, Attempt()
        self.meaning = meaning


class Track(Struct, omit_defaults=True):
    """One probe.

    `remembered` are the quantities whose past its cloud can tell. `misses` counts the answers in a row without a newer reading,
    `empties` those without any. Until `quick_until` it measures every ten minutes; readings before `suspect_at` may be incomplete.
    """

    site: str
    remembered: tuple[str, ...] = ()
    gone: bool = False
    newest: datetime | None = None
    misses: int = 0
    empties: int = 0
    quick_until: datetime | None = None
    suspect_at: datetime | None = None
    latest: Attempt = field(default_factory=Attempt)
    series: dict[str, Series] = field(default_factory=dict)

    @property
    def rhythm_s(self) -> float:
        """How often it measures: the quickest of its quantities."""
        return min((one.rhythm_s for one in self.measured.values() if one.newest), default=USUAL_RHYTHM_S)

    @property
    def measured(self) -> dict[str, Series]:
        """The quantities that it measures by its rhythm, unlike those that are told when they change."""
        return {name: one for name, one in self.series.items() if not one.is_state}

    def is_paced_by(self, quantity: str) -> bool:
        """Whether this quantity says when the probe has measured. One that is told when it changes does, where it has no others."""
        measured = self.measured
        return quantity in measured or not measured

    def know(self, quantities: Iterable[str], is_state: IsState) -> None:
        """It has these quantities, beside those that are known. Nothing is missing of one that is only on or off."""
        for quantity in {**self.series, **dict.fromkeys(quantities)}:
            series = self.series.setdefault(quantity, Series())
            series.is_state = is_state(quantity)
            if series.is_state:
                series.missing_since = series.missing_until = None


class Hold(Struct, omit_defaults=True):
    """The whole account waits until then, and why (the kind of its incident)."""

    until: datetime
    kind: str


class Progress(Struct, omit_defaults=True):
    """One account. `rediscover` says that something has vanished; `advised` that its cloud gives recommendations,
    `reach` how far back it can be asked.

    `failures` counts failures in a row of the cloud as a whole, `refusals` and `limits` those of its kind; `failing` is the site that
    failed last. `gaps` are those that were open when the note was kept, `closed` what became of gaps since; the store has them all.
    `filled` counts the requests for missing readings that were answered since there are any, which is `filling_since`.
    """

    saved_at: datetime | None = None
    discovery: Attempt = field(default_factory=Attempt)
    discovery_cost: int = 1
    rediscover: bool = False
    advised: bool = False
    reach: Window = "month"
    probes: dict[str, Track] = field(default_factory=dict)
    advice: dict[str, Attempt] = field(default_factory=dict)
    switches: dict[str, Attempt] = field(default_factory=dict)
    hold: Hold | None = None
    failures: int = 0
    refusals: int = 0
    limits: int = 0
    failing: str = ""
    gaps: list[Gap] = field(default_factory=list)
    closed: list[Gap] = field(default_factory=list)
    filled: int = 0
    filling_since: datetime | None = None

    def look_again(self) -> None:
        """What the cloud has is to be discovered anew at once."""
        if self.discovery.ok_at is not None:
            self.discovery.ok_at -= REDISCOVERY
            self.rediscover = True

    def lacks(self, now: datetime) -> bool:
        """Whether readings are missing that are to be asked for."""
        series = (track.series[name] for track in self.tracks.values() for name in track.remembered)
        return any(one.settled_at is None or (one.wanted_at is not None and one.wanted_at <= now) for one in series)

    def note_filling(self, now: datetime) -> None:
        """Note since when readings are missing, at every look at what to ask next."""
        if not self.lacks(now):
            self.filled, self.filling_since = 0, None
        elif self.filling_since is None:
            self.filling_since = now

    @property
    def tracks(self) -> dict[str, Track]:
        """The probes that are there now."""
        return {name: track for name, track in self.probes.items() if not track.gone}

    def attempt(self, act: Act, subject: str, quantity: str = "") -> Attempt:
        """How asking this has gone so far."""
        if act == "discover":
            return self.discovery
        if act == "advice":
            return self.advice[subject]
        if act == "switch":
            return self.switches[subject]
        if act == "latest":
            return self.probes[subject].latest
        return self.probes[subject].series[quantity].attempt

    def asked_at(self, act: Act, subject: str, quantity: str = "") -> datetime:
        """When this was asked last; before all time if never."""
        return self.attempt(act, subject, quantity).asked_at or _NEVER

    def attempts(self) -> Iterator[Attempt]:
        """How asking everything has gone."""
        yield self.discovery
        yield from self.advice.values()
        yield from self.switches.values()
        for track in self.probes.values():
            yield track.latest
            yield from (one.attempt for one in track.series.values())

    def take_over(
        self,
        probes: Mapping[str, str],
        remembered: Mapping[str, tuple[str, ...]],
        *,
        advised: bool,
        reach: Window = "month",
        switches: Iterable[str] = (),
        meanings: Mapping[str, Mapping[str, str]] = {},
        states: Mapping[str, IsState] = {},
    ) -> None:
        """These probes (and the site of each) and switches are there now, and their cloud remembers these quantities of each site.

        Where one of them means something else now (`meanings`, by site and quantity), its past is to be fetched as a first time. What is only on
        or off is told by `states`, by site.
        """
        for probe, track in self.probes.items():
            track.gone = probe not in probes
        for probe, site in probes.items():
            track = self.probes.setdefault(probe, Track(site))
            track.site, track.remembered = site, remembered.get(site, ())
            track.know(track.remembered, states.get(site, _never))
            for quantity in track.remembered:
                track.series[quantity].mean(meanings.get(site, {}).get(quantity, ""))
            self.advice.setdefault(site, Attempt())
        self.advised, self.reach = advised, reach
        self.switches = {switch: self.switches.get(switch, Attempt()) for switch in switches}

    def open_gaps(self) -> list[Gap]:
        """Where readings are missing that nobody has asked for yet; in the holes of such a stretch, where it was widened over known ones."""
        return [
            Gap(
                probe,
                quantity,
                one.missing_since,
                one.missing_until,
                "open",
                one.missing_until,
                _OPEN if quantity in track.remembered else _ELSEWHERE,
                one.rhythm_s,
            )
            for probe, track in self.probes.items()
            for quantity, one in track.series.items()
            if one.missing_since is not None and one.missing_until is not None
        ]


def _name(account: str) -> str:
    return f"{account}/progress"


async def load(store: Reader, account: str) -> Progress:
    """An account's progress; a new one where there is none, or where the note cannot be read."""
    note = await store.memo(_name(account))
    if note is None:
        return Progress()
    try:
        return msgspec.json.decode(note, type=Progress)
    except msgspec.MsgspecError as error:
        _log.warning("The collector's note on %s cannot be read and is begun anew: %s", account, error)
        return Progress()


async def save(store: Writer, account: str, progress: Progress, now: datetime) -> None:
    """Keep an account's progress: the gaps first, which a note that is older only makes known once more."""
    progress.saved_at = now
    known = progress.open_gaps()
    if progress.closed or known != progress.gaps:
        await store.put_gaps(progress.gaps, [*known, *progress.closed])
        progress.gaps, progress.closed = known, []
    await store.put_memo(_name(account), msgspec.json.encode(progress))


def lift(progress: Progress) -> None:
    """The user has acted: nothing waits for them, or for its own failures, any longer."""
    if progress.hold is not None and progress.hold.kind == "sign-in":
        progress.hold = None
    progress.refusals = 0
    for attempt in progress.attempts():
        attempt.not_before = None


def rewind(progress: Progress, now: datetime) -> bool:
    """After the clock was set back: forget every waiting time that was counted on the clock of before. Returns whether it was."""
    if progress.saved_at is None or progress.saved_at <= now + timedelta(minutes=10):
        return False
    _log.warning("The clock was set back by %s: waiting times begin anew", progress.saved_at - now)
    progress.hold = None
    progress.filling_since = progress.filling_since and min(progress.filling_since, now)
    for attempt in progress.attempts():
        attempt.not_before = None
        attempt.ok_at = attempt.ok_at and min(attempt.ok_at, now)
        attempt.asked_at = attempt.asked_at and min(attempt.asked_at, now)
    for track in progress.probes.values():
        track.suspect_at = track.suspect_at and min(track.suspect_at, now)
        for one in track.series.values():
            one.settled_at = one.settled_at and min(one.settled_at, now)
            one.swept_at = one.swept_at and min(one.swept_at, now)
    progress.saved_at = now
    return True
