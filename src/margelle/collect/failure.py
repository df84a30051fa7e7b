"""What a failure means: who waits, until when, and what stands in `status` about it. Pure: changes only the progress."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Final

from margelle.collect.plan import Ask
from margelle.collect.progress import Hold, Progress
from margelle.errors import (
    Conflict,
    Limited,
    Malformed,
    MargelleError,
    Misled,
    NotFound,
    Refused,
    Unavailable,
    Unreachable,
)
from margelle.phrase import Phrase
from margelle.ports import Incident
from margelle.redaction import redact, redacted

SIGN_IN: Final = "sign-in"
"""The kind of an account that waits for its user to sign in again."""

KINDS: Final[dict[type[MargelleError], str]] = {
    Limited: "limited",
    Refused: SIGN_IN,
    NotFound: "not-found",
    Conflict: "forbidden",
    Unreachable: "unreachable",
    Misled: "misled",
    Unavailable: "unavailable",
    Malformed: "malformed",
}

OF_ACCOUNT: Final = frozenset({"limited", SIGN_IN})
"""Kinds that are of the whole account from the first time on."""

OF_CLOUD: Final = frozenset({"unreachable", "misled", "unavailable"})
"""Kinds that are of the whole account when nothing else was answered in between."""

TODO: Final[dict[str, str]] = {
    "limited": "Nothing to do: asking goes on when the quota allows. Other programs on the same account use it up too.",
    SIGN_IN: "The account's owner: sign in again, on the account's page or with `margelle account add`. Everything else goes on.",
    "not-found": "Nothing to do yet: what the account has is looked up again soon.",
    "forbidden": "The account's owner: if it lasts, ask the vendor why its cloud keeps this from you. Everything else goes on.",
    "unreachable": "Nothing to do yet: it is asked again. If it lasts, the operator: check this machine's network.",
    "misled": "The operator: mend how this machine finds the cloud. Nothing was asked, and nothing is lost.",
    "unavailable": "The vendor: its cloud has trouble. It is asked again, nothing that it keeps is lost.",
    "malformed": "The vendor: its cloud sends what is no answer. It is asked again; if it lasts, report it with the receipt.",
    "vanished": "The account's owner: nothing, if it was given away; else look in the vendor's own app.",
    "unreadable": "Nothing to do: what could be read is kept. If it lasts, report it with the receipt.",
    "doubtful": "Nothing to do: the values are kept beside their doubts, and no page counts them as true.",
    "latest-empty": "The vendor: its cloud tells no latest values. They come from its past, a little later.",
    "store": "The operator: see to the store. What could not be kept is asked for again.",
    "failed": "The operator: read the sentence beside this, and report it if it makes no sense.",
    "bug": "The operator: report this, with the log of that minute. Other accounts are not touched.",
}
"""Who does what, by kind; the pages say it in other languages too."""

LONGEST: Final = timedelta(days=1)
"""No cloud makes us wait longer, whatever it says."""

LONGEST_PAUSE: Final = timedelta(hours=1)
LONGEST_OF_PAST: Final = timedelta(hours=12)
"""So long, at most, something waits that failed again and again; what is asked of the past longer."""

SPREAD: Final = 0.2
"""By this part of it a wait may be longer or shorter, so that not all come back at once."""

_FIRST: Final = timedelta(minutes=1)
_FREE_RETRY: Final = timedelta(minutes=2)


def pause(key: str, attempt: int, first: timedelta, most: timedelta) -> timedelta:
    """The wait after the `attempt`-th failure in a row (from 1): it doubles up to `most`, and differs by up to a fifth between keys."""
    part = int.from_bytes(hashlib.sha256(f"{key}#{attempt}".encode()).digest()[:2]) / 0xFFFF
    return min(first * (1 << min(attempt - 1, 12)), most) * (1 - SPREAD + 2 * SPREAD * part)


def failed(account: str, ask: Ask, error: MargelleError, progress: Progress, now: datetime, *, asked: bool) -> Incident:
    """Note that `ask` failed; `asked` says whether that cost a request. Returns the incident to record."""
    kind = KINDS.get(type(error), "failed")
    attempt = progress.attempt(ask.act, ask.subject, ask.quantity)
    attempt.asked_at = now
    if kind in OF_ACCOUNT | OF_CLOUD:
        site = _site(ask, progress)
        known = progress.failing
        progress.failing = site
        if kind in OF_ACCOUNT or site != known or len({one.site for one in progress.tracks.values()}) < 2:
            _hold(account, kind, error, progress, now, asked=asked)
    if kind in {"not-found", "forbidden"} and ask.act != "discover" and attempt.failures < 3:
        progress.rediscover = True
    if kind != "limited" and (asked or kind not in OF_ACCOUNT):
        attempt.failures += 1
        most = LONGEST_OF_PAST if ask.act == "history" else LONGEST_PAUSE
        wait = pause(f"{account} {ask.where}", attempt.failures, _FIRST, most)
        attempt.not_before = now + max(wait, _told(error))
    where = account if kind in OF_ACCOUNT or (kind in OF_CLOUD and progress.failures > 1) else ask.where
    return incident(account, where, kind, error.what, now, hint=error.hint, phrase=error.phrase)


def broken(account: str, ask: Ask, error: Exception, progress: Progress, now: datetime) -> Incident:
    """Note that `ask` met an error of our own; other asks of the account go on. Returns the incident to record."""
    attempt = progress.attempt(ask.act, ask.subject, ask.quantity)
    attempt.asked_at, attempt.failures = now, attempt.failures + 1
    attempt.not_before = now + pause(f"{account} {ask.where}", attempt.failures, 5 * _FIRST, timedelta(hours=6))
    return incident(
        account, ask.where, "bug", f"An unexpected {type(error).__name__}: {error!s:.200}", now, phrase=bug(error)
    )


def bug(error: Exception) -> Phrase:
    """That something failed which nobody foresaw."""
    return Phrase("bug", {"kind": type(error).__name__, "what": f"{error!s:.200}"})


def incident(
    account: str, where: str, kind: str, what: str, now: datetime, *, hint: str = "", phrase: Phrase | None = None
) -> Incident:
    """An incident that says what happened, and who does what."""
    todo = TODO.get(kind, TODO["failed"])
    said = redact(f"{todo} {hint}".strip())
    return Incident(account, where, kind, redact(what), said, now, now, phrase=redacted(phrase))


def answered(progress: Progress, ask: Ask, now: datetime) -> None:
    """Note that `ask` was answered: the cloud is well, and so is the account."""
    attempt = progress.attempt(ask.act, ask.subject, ask.quantity)
    attempt.ok_at = attempt.asked_at = now
    attempt.failures, attempt.not_before = 0, None
    progress.hold = None
    progress.failures = progress.refusals = progress.limits = 0
    progress.failing = ""


def _site(ask: Ask, progress: Progress) -> str:
    """Of which site `ask` is; the account itself for a discovery."""
    return progress.probes[ask.subject].site if ask.subject in progress.probes else ask.subject


def _told(error: MargelleError) -> timedelta:
    """How long the cloud told us to wait, within reason."""
    seconds = error.retry_after_s
    return timedelta(0) if seconds is None or not seconds > 0 else min(timedelta(seconds=min(seconds, 1e6)), LONGEST)


def _limited(account: str, told: timedelta, limits: int) -> timedelta:
    """How long to wait where the quota is used up: a cloud that names the same minute again and again is not believed for ever."""
    if not told:
        return pause(account, limits, 5 * _FIRST, timedelta(hours=1))
    return max(told, pause(account, limits - 1, _FIRST, timedelta(hours=1)))


def _hold(account: str, kind: str, error: MargelleError, progress: Progress, now: datetime, *, asked: bool) -> None:
    if kind == "limited":
        progress.limits += 1
        told = _told(error)
        again = asked and progress.limits > 1  # what our own budget says is true however often it says so
        wait = _limited(account, told, progress.limits) if again or not told else told
    elif kind == SIGN_IN:
        progress.refusals += asked
        wait = pause(account, progress.refusals, 15 * _FIRST, timedelta(hours=6)) if asked else _FREE_RETRY
    else:
        progress.failures += 1
        if progress.failures == 1:
            return  # one site may be in trouble while the cloud is not, for as long as it is the only one
        wait = max(pause(account, progress.failures, _FIRST, timedelta(hours=1)), _told(error))
    progress.hold = Hold(now + wait, kind)
