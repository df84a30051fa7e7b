"""What every store agrees on, whatever it keeps things in."""

from __future__ import annotations

import math
import unicodedata
import zlib
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from margelle.domain.access import Membership
from margelle.domain.gap import Gap
from margelle.domain.measurement import Measurement, same
from margelle.domain.series import midnight
from margelle.domain.site import Probe, Recommendation
from margelle.errors import BadInput, Conflict, NotFound, Outdated
from margelle.phrase import Phrase
from margelle.ports import AuditEntry, Grant, Incident

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_PERSONA: Final = 1_000_000
LAST_PERSONA: Final = 2**31 - 1
PACKED_SIZE: Final = 1024
"""Receipts' bodies beyond this many bytes are compressed."""
INCIDENT_LIFE: Final = timedelta(days=365)
"""How long an incident that ended is remembered."""
_MICROSECOND: Final = timedelta(microseconds=1)
_NOTHING: Final = timedelta(0)


def micros(at: datetime) -> int:
    """Microseconds since 1970. Raises BadInput where `at` is naive or not in UTC."""
    if at.tzinfo is not UTC and at.utcoffset() != _NOTHING:
        raise BadInput(
            f"The instant {at.isoformat()} is not in UTC.", hint="Give it a time zone and convert it to UTC."
        )
    return (at - EPOCH) // _MICROSECOND


def instant(at_us: int) -> datetime:
    """The instant `at_us` microseconds after 1970."""
    return EPOCH + timedelta(microseconds=at_us)


def number(measurement: Measurement) -> float | None:
    """The measurement's value as it is kept: finite, and with one zero. Raises BadInput for what is no number."""
    value = measurement.value
    if value is None:
        return None
    try:
        finite = math.isfinite(value)
    except (TypeError, OverflowError):
        finite = False
    if not finite:
        raise BadInput(
            f"{measurement.probe}: {measurement.quantity} has the value {value!r:.40}, which is no number.",
            hint="A measurement without a number has the value None and a doubt that says why.",
        )
    return float(value) + 0.0  # -0.0 + 0.0 is 0.0


def nearer(old: str, new: str) -> bool:
    """Whether the origin `new` tells more than `old`, in that it has more parts: of one measurement, `baxo/historics/distant` stays and not `baxo/realtimes`."""
    return new.count("/") > old.count("/")


def judged(old: Measurement, new: Measurement) -> Measurement | None:
    """`old` with the doubts that `new` has of the same point; None where they are the same, or `new` is not of what `old` is now."""
    return None if old.doubts == new.doubts or not same(old, new) else replace(old, doubts=new.doubts)


def email_key(email: str) -> str:
    """The form in which e-mails are compared: without case, and however its accents are composed."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", email).casefold())


def recorded(entry: AuditEntry) -> AuditEntry:
    """An entry as the log keeps it: whose account it is about, as links know owners."""
    return replace(entry, owner=email_key(entry.owner)) if entry.owner else entry


def public_number(public_id: str) -> int | None:
    """The persona's number that `public_id` spells, or None; `007` spells none."""
    if len(public_id) > len(str(LAST_PERSONA)) or not (public_id.isascii() and public_id.isdecimal()):
        return None
    value = int(public_id)
    return value if str(value) == public_id else None


def device(probe: Probe) -> tuple[str, str, str, str]:
    """What tells one device from another, or the same one at another site."""
    return probe.site, probe.serial, probe.hardware, probe.firmware


def again(known: Incident | None, incident: Incident) -> Incident:
    """The open incident after it has happened (again)."""
    if known is None:
        return replace(incident, ended_at=None)
    return replace(known, what=incident.what, todo=incident.todo, at=incident.at, count=known.count + 1)


def no_account(account: str) -> NotFound:
    """The error for an account that we do not have."""
    return NotFound(f"There is no account {account!r}.", hint="`margelle account list` shows those there are.")


def no_user(email: str) -> NotFound:
    """The error for a user that we do not have."""
    return NotFound(f"There is no user {email!r}.", hint="`margelle user list` shows those there are.")


def no_site(site: str) -> NotFound:
    """The error for a site that we do not have."""
    return NotFound(f"There is no site {site!r}.")


def no_organisation(organisation: str) -> NotFound:
    """The error for an organisation that we do not have."""
    return NotFound(f"There is no organisation {organisation!r}.")


def no_subject(membership: Membership) -> NotFound:
    """The error for a membership in what we do not have."""
    return (no_site if membership.kind == "site" else no_organisation)(membership.subject)


def no_membership(user: str, subject: str) -> NotFound:
    """The error for a role that nobody has given."""
    return NotFound(f"{user} has no role given in {subject}.")


def outdated(store: str, version: int, newest: int) -> Outdated:
    """The error for a store called `store` of which the schema became newer than this process knows while it ran."""
    return Outdated(
        f"{store}: A newer margelle has brought this database to schema {version}; this process knows schemas up to {newest}, and keeps nothing in it any more.",
        hint="End it, and start the newer margelle: nothing that was kept is lost.",
    )


def days(since: date, until: date, time_zone: str) -> tuple[datetime, datetime]:
    """When the day `since` begins in `time_zone`, and the day `until`. Raises BadInput for a zone or a day that there is not."""
    try:
        zone = ZoneInfo(time_zone)
        return midnight(since, zone), midnight(until, zone)
    except (KeyError, ValueError, OSError):
        raise BadInput(f"There is no time zone {time_zone!r}.", hint="It is a name such as Europe/Paris.") from None
    except OverflowError:
        raise BadInput(f"{since} to {until} is outside the calendar.") from None


def has_accounts(email: str, accounts: Sequence[str]) -> Conflict:
    """The error for removing a user whose accounts are still collected."""
    names = ", ".join(accounts)
    return Conflict(
        f"{email} still has accounts: {names}.",
        hint="Remove them first: `margelle account remove`.",
        phrase=Phrase("people.has_accounts", {"user": email, "accounts": names}),
    )


def packed(body: bytes) -> tuple[bool, bytes]:
    """Whether a receipt's body is kept compressed, and what is kept."""
    tight = zlib.compress(body) if len(body) > PACKED_SIZE else body
    return (True, tight) if len(tight) < len(body) else (False, body)


def unpacked(is_packed: bool, kept: bytes) -> bytes:
    """A receipt's body."""
    return zlib.decompress(kept) if is_packed else kept


def belongs(name: str, account: str) -> bool:
    """Whether a secret or memo called `name` is an account's."""
    return name.startswith(f"{account}/")


def spent(grant: Grant, now: datetime) -> bool:
    """Whether a grant is of no use to anybody any more; a refresh token stays until it is taken."""
    return grant.kind != "refresh" and grant.expires_at is not None and grant.expires_at <= now


def check_recommendations(site: str, recommendations: Iterable[Recommendation]) -> None:
    """Raises BadInput where one of them is another site's."""
    for recommendation in recommendations:
        if recommendation.site != site:
            raise BadInput(f"The recommendation {recommendation.id} is of {recommendation.site}, not of {site}.")


def share(accounts: int, collectors: int) -> int:
    """How many accounts a collector may have, so that all of them have somebody."""
    return -(-accounts // collectors)


def surplus(held: Sequence[str], most: int, keep: Collection[str]) -> list[str]:
    """Which of the accounts in `held` are given back so that no more than `most` stay, none of them in `keep`: the last ones."""
    return [account for account in reversed(held) if account not in keep][: max(len(held) - most, 0)]


def check_gap(gap: Gap) -> None:
    """Raises BadInput where an instant of it is not in UTC."""
    for at in (gap.since, gap.until, gap.at):
        micros(at)
