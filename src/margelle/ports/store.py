"""Keeping, and answering from what is kept."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from margelle.domain.access import Membership, Organisation, Role
from margelle.domain.event import Event
from margelle.domain.gap import Gap
from margelle.domain.measurement import Measurement, Revision
from margelle.domain.series import Columns, DaySlice, DayStatistics, Slice
from margelle.domain.site import Account, Persona, PersonaKind, Probe, Recommendation, Site, User
from margelle.ports.record import Added, AuditEntry, Earlier, Folded, Grant, Incident, Inspected, Receipt, Repaired
from margelle.ports.source import Discovery

Mark = int
"""See `Reader.marks`."""


class Reader(Protocol):
    """Answers questions from the store."""

    async def version(self, *, but_points: bool = False) -> int:
        """A number that is another one after anything was stored: by this process at once, by any other soon. Refusals and forms that were taken are nothing that is shown.

        With `but_points` it may be the same after nothing but measurements were kept.
        """
        ...

    def version_at_once(self) -> int | None:
        """What `version` tells, where that is known without waiting; else None. Raises as it does."""
        ...

    async def users(self) -> list[User]:
        """All users, by e-mail."""
        ...

    async def user(self, email: str) -> User | None:
        """The user with this e-mail, compared without case."""
        ...

    async def accounts(self, owner: str | None = None) -> list[Account]:
        """All accounts, or those of one user, by id."""
        ...

    async def account(self, account: str) -> Account | None:
        """One account."""
        ...

    async def sites(self, *, seen_by: str | None = None, account: str | None = None, gone: bool = False) -> list[Site]:
        """Sites by id: all, those in which a user has a role, or those of one account; with `gone`, also those that vanished from their cloud."""
        ...

    async def roles(self, user: str) -> dict[str, Role]:
        """By site, vanished or not: the highest role of a user.

        They own what their accounts reach, and may have other roles by membership. What only a removed account of theirs reached they still
        own, and view where somebody else collects it now.
        """
        ...

    async def organisations(self) -> list[Organisation]:
        """All organisations, by id."""
        ...

    async def organisation_of_each(self) -> dict[str, str]:
        """By site that an account reaches, the id of the organisation to which that account belongs, if to any; of several, of the last one by id."""
        ...

    async def memberships(self, *, user: str | None = None, subject: str | None = None) -> list[Membership]:
        """All memberships, those of a user, or those in a site or organisation; by user, then subject."""
        ...

    async def site(self, site: str) -> Site | None:
        """One site, vanished or not."""
        ...

    async def accounts_of(self, site: str) -> list[Account]:
        """The accounts through which a site is collected."""
        ...

    async def probes(self, site: str | None = None) -> list[Probe]:
        """The probes of one site, or all, by id."""
        ...

    async def probes_at(self, sites: Collection[str]) -> list[Probe]:
        """The probes of all these sites, by id."""
        ...

    async def devices(self, probe: str) -> list[tuple[datetime, Probe]]:
        """The probe as it was since each instant at which its device or its site changed, oldest first."""
        ...

    async def latest(self, probe: str, now: datetime) -> dict[str, Measurement]:
        """By quantity, the newest measurement that is not ahead of `now` by more than the clock tolerance."""
        ...

    async def latest_of(self, ids: Collection[str], now: datetime) -> dict[str, Mapping[str, Measurement]]:
        """By probe, what `latest` tells of each of those with these `ids`, all at one moment: for who looks at many."""
        ...

    async def history(
        self,
        probe: str,
        quantity: str,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        *,
        descending: bool = False,
    ) -> list[Measurement]:
        """Measurements with since <= at < until, oldest first, or newest first where `descending`; at most `limit`, the first ones in that order."""
        ...

    async def columns_of(
        self, series: Collection[tuple[str, str]], since: datetime, until: datetime
    ) -> dict[tuple[str, str], Columns]:
        """By probe and quantity, what `columns` tells of each of them, all at one moment."""
        ...

    async def columns(
        self, probe: str, quantity: str, since: datetime | None = None, until: datetime | None = None
    ) -> Columns:
        """The points with since <= at < until, as columns."""
        ...

    async def slices(
        self,
        probe: str,
        quantity: str,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        *,
        descending: bool = False,
    ) -> list[Slice]:
        """The points of which `history` tells, as they are kept. Where `descending`, the newest slice is first; in itself each begins with its oldest point. None is empty."""
        ...

    async def statistics(
        self, probe: str, quantity: str, since: date, until: date, time_zone: str = "UTC"
    ) -> list[DayStatistics]:
        """Of each calendar day of `time_zone` (IANA name) with since <= day < until that has a valid value, oldest first."""
        ...

    async def days(self, probe: str, quantity: str, since: date, until: date, time_zone: str = "UTC") -> list[DaySlice]:
        """The days of which `statistics` tells, as they are kept, the oldest slice first. None is empty."""
        ...

    async def revisions(self, probe: str, quantity: str, at: datetime) -> list[Revision]:
        """What a corrected measurement was before, oldest first."""
        ...

    async def quantities(self, probe: str) -> list[str]:
        """The quantities that a probe has ever measured."""
        ...

    async def gaps(self, probe: str | None = None, *, open_only: bool = False, limit: int | None = None) -> list[Gap]:
        """Where readings are or were missing, of one probe or all, the latest stretch first; at most `limit`."""
        ...

    async def events(
        self,
        site: str,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
        *,
        removed: bool = False,
    ) -> list[Event]:
        """What happened at a site, since <= at < until, the newest first; at most `limit`; with `removed`, also what was taken back."""
        ...

    async def event(self, event: str) -> Event | None:
        """One event, taken back or not."""
        ...

    async def recommendations(self, site: str, *, waiting: bool = True) -> list[Recommendation]:
        """The recommendations of a site, oldest first; with `waiting`, only those not done yet."""
        ...

    async def recommendations_of(self, sites: Collection[str]) -> dict[str, list[Recommendation]]:
        """By site, those of each of them that wait, oldest first."""
        ...

    async def recommendation(self, recommendation: str) -> Recommendation | None:
        """One recommendation."""
        ...

    async def subject(self, face: str, kind: PersonaKind, public_id: str) -> str | None:
        """Whom a face's public id stands for, or None."""
        ...

    async def grant(self, digest: str) -> Grant | None:
        """The grant with this digest, expired or not."""
        ...

    async def grants(self, *, user: str | None = None, site: str | None = None) -> list[Grant]:
        """The grants that have an id (keys, links, invitations) of a user or for a site, the newest first."""
        ...

    async def secret(self, name: str) -> bytes | None:
        """A secret, decrypted. Raises StoreError where the key does not fit."""
        ...

    async def memo(self, name: str) -> bytes | None:
        """What `put_memo` kept last under this name."""
        ...

    async def receipts(self, account: str, since: datetime | None = None, limit: int = 100) -> list[Receipt]:
        """The newest receipts first."""
        ...

    async def marks(self, probes: Sequence[str]) -> dict[str, Mark]:
        """Of each of these probes a number that is another one after anything was kept of it, by whomever."""
        ...

    async def refusals(self, subject: str, now: datetime) -> list[datetime]:
        """When this subject was refused, the earliest first, as far as that still counts."""
        ...

    async def form(self, digest: str, now: datetime) -> bytes | None:
        """How the form with this digest was answered; empty while it is being taken, None where nobody has taken it or its time has run out."""
        ...

    async def incidents(self, account: str | None = None, *, open_only: bool = False) -> list[Incident]:
        """What went wrong, newest first."""
        ...

    async def audit(
        self,
        limit: int = 100,
        *,
        skip: int = 0,
        sites: Collection[str] | None = None,
        user: str | None = None,
        act: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
    ) -> list[AuditEntry]:
        """At most `limit` entries, the newest first, after as many as `skip` of them: all, or those at one of `sites` or on an account that brings one, of a `user` as it is written there, of an act, with since <= at < until."""
        ...

    async def count(self) -> int:
        """How many measurements are kept."""
        ...

    async def collectors(self, now: datetime) -> dict[str, int]:
        """The collectors whose last claim has not run out, and how many accounts with a cloud each has."""
        ...


class Writer(Protocol):
    """Keeps things. When a method returns, what it kept survives a kill of the process; when it raises, nothing was kept."""

    async def put_user(self, user: User) -> None:
        """Add or replace a user."""
        ...

    async def remove_user(self, email: str) -> None:
        """Remove a user, their grants and memberships. Raises NotFound; Conflict while accounts are theirs."""
        ...

    async def put_organisation(self, organisation: Organisation) -> None:
        """Add or replace an organisation."""
        ...

    async def remove_organisation(self, organisation: str) -> None:
        """Remove an organisation and the memberships in it. Raises NotFound; Conflict while accounts are its own."""
        ...

    async def put_membership(self, membership: Membership) -> None:
        """Add or replace the role of a user in a subject. Raises NotFound where there is no such site or organisation."""
        ...

    async def remove_membership(self, user: str, subject: str) -> None:
        """Take a user's role in a subject back. Raises NotFound."""
        ...

    async def put_event(self, event: Event) -> None:
        """Add or replace an event. Raises NotFound where there is no such site."""
        ...

    async def put_account(self, account: Account) -> None:
        """Add or replace an account."""
        ...

    async def remove_account(self, account: str) -> None:
        """Stop collecting: forget the account, its secrets, memos and incidents. Sites and measurements stay. Raises NotFound."""
        ...

    async def put_discovery(self, account: str, discovery: Discovery, now: datetime) -> None:
        """Keep an account's person, sites and probes; where the discovery is complete, its other sites have vanished since `now`. Nothing is deleted."""
        ...

    async def put_probe(self, probe: Probe, now: datetime) -> None:
        """Add or replace a probe that no discovery tells of, such as what people measure by hand with. Raises NotFound where there is no such site."""
        ...

    async def add(
        self,
        measurements: Sequence[Measurement],
        now: datetime,
        reviewed: Sequence[Measurement] = (),
        *,
        seen: Mapping[str, Mark] | None = None,
    ) -> Added:
        """Keep measurements, all or none. The key is (probe, quantity, at).

        The same value and given doubts again change nothing, but that an origin with more parts is taken over; others replace what was there, which
        stays as a revision. Gaps into which readings fall are filled by it, as far as they do (see `put_gaps`). `reviewed` are points that are kept, with other verdicts: they take the place of theirs, without a revision, where the
        point is still the same. `seen` are the marks (see `Reader.marks`) that these probes had when the caller began to read what it has judged them by.
        """
        ...

    async def put_gaps(self, past: Sequence[Gap], gaps: Sequence[Gap]) -> None:
        """Keep `gaps`; what of `past` is still open is no more, where it is not among them. Raises BadInput.

        Of one series no two overlap, and none but those that are `filled` contains a reading: each is kept in its holes between the readings
        that the store has, and what is known better of a stretch stays (see `domain.gap.over`).
        """
        ...

    async def put_recommendations(self, site: str, recommendations: Sequence[Recommendation]) -> None:
        """The complete list of those waiting: others of the site that were waiting are over (`ended`)."""
        ...

    async def put_recommendation(self, recommendation: Recommendation) -> None:
        """Add or replace one."""
        ...

    async def persona(self, face: str, kind: PersonaKind, subject: str, preferred: int | None = None) -> Persona:
        """The subject's public id on a face, a positive integer below 2**31, given at the first call and the same for ever.

        It is `preferred` if nobody has that on this face, else the lowest free one from 1 000 000 on.
        """
        ...

    async def put_grant(self, grant: Grant) -> None:
        """Keep a grant."""
        ...

    async def take_grant(self, digest: str) -> Grant | None:
        """Remove a grant and return it: of two who take it, one gets it."""
        ...

    async def drop_grants(self, user: str, *, keep: Collection[str] = ()) -> None:
        """Remove every grant of a user but those with the ids in `keep`: their clients and browsers must sign in again."""
        ...

    async def put_secret(self, name: str, value: bytes) -> None:
        """Keep a secret, encrypted with the installation's key."""
        ...

    async def put_memo(self, name: str, value: bytes) -> None:
        """Keep a small note of a room's own, such as a collector's progress. Names of an account's notes begin with its id and a slash."""
        ...

    async def keep_receipt(self, receipt: Receipt) -> None:
        """Keep a receipt."""
        ...

    async def note_incident(self, incident: Incident) -> None:
        """Open an incident; one that is open already counts one more and takes over `what`, `todo` and `at`."""
        ...

    async def end_incident(self, account: str, where: str, kind: str | None, now: datetime) -> None:
        """Close the open incident of that kind, or of every kind, if any."""
        ...

    async def record(self, entry: AuditEntry) -> None:
        """Add to the audit log."""
        ...

    async def claim(self, collector: str, now: datetime, life_s: float, keep: Collection[str] = ()) -> list[str]:
        """The accounts, by id, that `collector` collects until `now` + `life_s`: of two collectors, never both have one.

        It keeps those that it has and takes those that nobody has, up to an equal share among all collectors that live; what it has beyond
        its share it gives back, but for `keep`, which are being asked. A collector lives until its last claim has run out.
        """
        ...

    async def refuse(self, subject: str, now: datetime, life_s: float) -> None:
        """Count that this subject was refused, for so long."""
        ...

    async def pardon(self, subject: str) -> None:
        """Forget all refusals of this subject."""
        ...

    async def take_form(self, digest: str, now: datetime, life_s: float) -> bool:
        """Take the form with this digest for so long: of two who do, one gets True, in whichever process they are."""
        ...

    async def answer_form(self, digest: str, answer: bytes, now: datetime, life_s: float) -> None:
        """Keep for so long, encrypted with the installation's key, how a form was answered. `answer` is not empty."""
        ...

    async def drop_form(self, digest: str) -> None:
        """Forget that a form was taken: who sends it again has it taken anew."""
        ...

    async def release(self, collector: str) -> None:
        """Give back all that `collector` has claimed."""
        ...

    async def prune(self, now: datetime, *, receipts_days: int) -> None:
        """Forget receipts older than that, expired codes and access tokens, incidents that ended a year ago, and forms whose time has run out. Never a measurement."""
        ...


class Store(Reader, Writer, Protocol):
    """Both, over one database."""

    async def fold(self, *, everything: bool = False) -> Folded:
        """Move some of what came lately to where it stays, in one short transaction; with `everything`, also what would better wait for more.

        No answer changes by it. It is made for a hub to call again and again, in one process or in several.
        """
        ...

    async def loose(self) -> int:
        """How many points are not folded yet."""
        ...

    async def earlier(self) -> Earlier | None:
        """How far that is of which an earlier version kept every point by itself; None where nothing of it is left. To look is cheap."""
        ...

    async def compact(self) -> None:
        """Give room that is not needed any more back to the disk. Others may have to wait for it."""
        ...

    def inspect(self) -> AsyncIterator[Inspected]:
        """Read all that is kept of one probe after another, and compare it with what is kept beside it. Raises StoreError where it cannot be read."""
        ...

    def repair(self) -> AsyncIterator[Repaired]:
        """Make anew what follows from the points (the newest, the statistics of days, the counts), one probe after another; no point is touched.

        A probe of which a point cannot be read stays as it is. Raises StoreError where the store itself cannot be read.
        """
        ...

    async def close(self) -> None:
        """Let go of the database."""
        ...
