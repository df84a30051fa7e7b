"""Every error says what failed, and what the caller does next: try again, when, and who must act."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import Literal

from margelle.phrase import Phrase, Sentence

Actor = Literal["nobody", "user", "operator", "vendor"]


class MargelleError(Exception):
    """The root of all our errors.

    `what` is one sentence a person can read; `hint` says what to do about it. Neither ever holds a secret. `phrase` is what both say, for other languages.
    `retryable` says whether the same attempt can succeed later, `retry_after_s` (seconds) when, if that is known.
    """

    retryable = False
    actor: Actor = "nobody"

    def __init__(
        self, what: str, *, hint: str = "", retry_after_s: float | None = None, phrase: Phrase | None = None
    ) -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint
        self.retry_after_s = retry_after_s
        self.phrase = phrase

    @property
    def sentence(self) -> Sentence:
        """What is to be told of it."""
        return Sentence(str(self), self.phrase)

    def __str__(self) -> str:
        return f"{self.what} {self.hint}".strip()


class BadInput(MargelleError):
    """Something given to us (an argument, a file, a request) is wrong; the user corrects it."""

    actor: Actor = "user"


class NotFound(MargelleError):
    """The thing asked for does not exist, or not for this user."""

    actor: Actor = "user"


class Refused(MargelleError):
    """A login, token or permission was refused; the user signs in again."""

    actor: Actor = "user"


class Forbidden(MargelleError):
    """Whoever asks is known, and may not do that here; whoever decides about it gives them a role."""

    actor: Actor = "user"


class Conflict(MargelleError):
    """The thing exists already, or is in a state that forbids the act."""

    actor: Actor = "user"


class Limited(MargelleError):
    """A quota is used up: wait `retry_after_s` seconds, or as the quota says."""

    retryable = True


class Unreachable(MargelleError):
    """No answer: name look-up, connection, TLS, time-out, or a body cut short."""

    retryable = True


class Misled(Unreachable):
    """A cloud's name leads to a hub (this one or another) instead of the cloud; the operator mends the look-up."""

    actor: Actor = "operator"


class Unavailable(MargelleError):
    """The other side answered that it cannot answer now (5xx), or we are not ready ourselves."""

    retryable = True
    actor: Actor = "vendor"


class Malformed(MargelleError):
    """An answer came and is not what its document says: HTML, cut JSON, wrong types."""

    retryable = True
    actor: Actor = "vendor"


class ConfigError(MargelleError):
    """A setting is unknown or has a value it cannot have."""

    actor: Actor = "operator"


class StoreError(MargelleError):
    """The store cannot be read or written: read-only, full, corrupt, of a newer schema, locked."""

    actor: Actor = "operator"


class Outdated(StoreError):
    """A newer margelle has changed the store's schema while this process ran: it may keep nothing more, and ends."""


def of_status(status: int, said: str, *, retry_after_s: float | None = None) -> MargelleError:
    """The error that an HTTP `status` of a vendor's cloud means; `said` is a short, redacted excerpt of its answer."""
    what = f"The cloud answered {status}" + (f": {said}" if said else ".")
    phrase = answered(status, said)
    if status == 429:
        return Limited(what, retry_after_s=retry_after_s, phrase=phrase)
    if status in {401, 403}:
        return Refused(what, phrase=phrase)
    if status == 404:
        return NotFound(what, phrase=phrase)
    if status >= 500:
        return Unavailable(what, retry_after_s=retry_after_s, phrase=phrase)
    return Malformed(what, phrase=phrase)


def answered(status: int, said: str) -> Phrase:
    """That a cloud answered so, and what it said itself."""
    values: dict[str, str | Phrase] = {"status": str(status), "said": said}
    return Phrase("cloud.said" if said else "cloud.answered", values)


def wait_asked_s(retry_after: str, at: datetime) -> float | None:
    """The seconds that a Retry-After header of an answer that came `at` asks to wait (RFC 9110, 10.2.3: a number, or a date); None if it says neither."""
    text = retry_after.strip()
    if re.fullmatch(r"\d+(\.\d+)?", text, re.ASCII):
        return float(text)
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 seldom needed, and slow to import

    with suppress(ValueError, TypeError, OverflowError):
        until = parsedate_to_datetime(text)
        return max(((until if until.tzinfo else until.replace(tzinfo=UTC)) - at).total_seconds(), 0.0)
    return None
