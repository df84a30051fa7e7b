"""What is kept beside measurements: receipts, incidents, gaps, grants, the audit log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal

from msgspec import Struct

from margelle.domain.access import Scope
from margelle.domain.site import Account
from margelle.phrase import Phrase, Sentence


class Added(Struct, frozen=True):
    """What became of measurements given to the store: new, the same as before, or corrections of what was there.

    `others` are the probes of which somebody else had kept something since they had the marks that were `seen` (see `Writer.add`), and `marks` those that
    these have with what was added.
    """

    new: int = 0
    same: int = 0
    corrected: int = 0
    others: frozenset[str] = frozenset()
    marks: Mapping[str, int] = {}


class Folded(Struct, frozen=True):
    """How many points were folded, and whether there is more to do at once."""

    points: int = 0
    more: bool = False


class Inspected(Struct, frozen=True):
    """What was found so far: how many points, a digest of them all in which their order has no part, the same of what was replaced, and in words what
    does not fit.

    `share` says how much of the store has been read, up to 1.
    """

    points: int
    digest: str
    revisions: int
    revisions_digest: str
    faults: tuple[str, ...]
    share: float


class Repaired(Struct, frozen=True):
    """Of how many probes all was made anew so far, and in words which stay as they are, and why. `share` as above."""

    probes: int
    left: tuple[str, ...]
    share: float


class Earlier(Struct, frozen=True):
    """How far the points are folded of a store in which an earlier version kept some: so many of all `points`."""

    folded: int
    points: int

    @property
    def is_large(self) -> bool:
        """Whether that is said in millions."""
        return self.points >= 1_000_000

    def __str__(self) -> str:
        if self.is_large:
            return f"{self.folded / 1e6:.1f} of {self.points / 1e6:.1f} million"
        return f"{self.folded} of {self.points}"


class Receipt(Struct, frozen=True):
    """A raw answer of a vendor, redacted, kept for some weeks. `status` is 0 where no whole answer came; `body` then says why."""

    account: str
    at: datetime
    name: str
    url: str
    status: int
    body: bytes
    duration_ms: int


_NOTES: Final = frozenset({"doubtful"})
_NEED_USER: Final = frozenset({"sign-in", "misled", "store", "bug", "failed", "broker-refused"})


class Incident(Struct, frozen=True):
    """Something that went wrong at `where` (an account, a site), since `since`, `count` times, last at `at`; `todo` says who does what.
    `what` is an English sentence, and `phrase` what it says, for other languages.

    An incident is one (account, where, kind); `ended_at` is None while it lasts.
    """

    account: str
    where: str
    kind: str
    what: str
    todo: str
    since: datetime
    at: datetime
    count: int = 1
    ended_at: datetime | None = None
    phrase: Phrase | None = None

    @property
    def sentence(self) -> Sentence:
        """What happened."""
        return Sentence(self.what, self.phrase)

    @property
    def needs_user(self) -> bool:
        """Whether it lasts until the account's owner or the operator does something."""
        return self.ended_at is None and self.kind in _NEED_USER

    @property
    def is_note(self) -> bool:
        """Whether it is good to know and no more: what came is kept, and collecting is well."""
        return self.kind in _NOTES


GrantKind = Literal["code", "access", "refresh", "link", "invitation"]


class Grant(Struct, frozen=True):
    """A code or token that a face of this hub gave to a client; `digest` is its SHA-256, the token itself is nowhere.

    An API key is an access token of the face `api` with a `name`, given by its user, and `scopes`. A `link` shows one `site` to whoever has it.
    An `invitation` lets its `user` choose a password. Such a grant is told from others by its `id`, which is no secret.
    """

    digest: str
    kind: GrantKind
    face: str
    user: str
    issued_at: datetime
    expires_at: datetime | None = None
    redirect_uri: str = ""
    client_id: str = ""
    id: str = ""
    name: str = ""
    scopes: tuple[Scope, ...] = ()
    site: str = ""


class AuditEntry(Struct, frozen=True):
    """Who did what to which thing, at which `site` if at one (its id), and what came of it. `user` is empty where a command did it.

    What was done to an `account` of an `owner` is an act at each site that it brings. `outcome` is English, and `phrase` what it says, for other languages.
    """

    at: datetime
    user: str
    act: str
    subject: str
    outcome: str
    site: str = ""
    account: str = ""
    owner: str = ""
    phrase: Phrase | None = None

    @property
    def sentence(self) -> Sentence:
        """What came of it."""
        return Sentence(self.outcome, self.phrase)

    @classmethod
    def on(
        cls, account: Account, act: str, outcome: str, at: datetime, *, user: str = "", phrase: Phrase | None = None
    ) -> AuditEntry:
        """What somebody, or a command, did to an account."""
        return cls(at, user, act, account.id, outcome, account=account.id, owner=account.owner, phrase=phrase)
