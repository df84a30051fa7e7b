"""The doors between the rooms: what each room may ask of another, and nothing more.

Every method that touches the outside is a coroutine. Instants are aware and in UTC; the caller gives `now`, nobody asks a clock but
through `Clock`. Failures are raised as `margelle.errors`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar, runtime_checkable

from msgspec import Struct, field
from msgspec.structs import replace

from margelle.domain.measurement import Measurement, Revision
from margelle.domain.site import Account, Person, Persona, PersonaKind, Probe, Recommendation, Site, User

if TYPE_CHECKING:
    from starlette.routing import BaseRoute

Clock = Callable[[], datetime]

_Thing = TypeVar("_Thing", Site, Probe)


# --- speaking HTTP ---------------------------------------------------------------------------------------------------


class Request(Struct, frozen=True):
    """An HTTP request to a vendor. `name` is the vendor's operation, as it stands in receipts and `status`.

    `query` and `form` are pairs in order, not yet percent-encoded; `form` is sent as application/x-www-form-urlencoded.
    `redirects` says whether to follow them. Nothing in `url` is secret.
    """

    name: str
    method: Literal["GET", "POST", "PUT"]
    url: str
    query: tuple[tuple[str, str], ...] = ()
    form: tuple[tuple[str, str], ...] | None = None
    headers: dict[str, str] = field(default_factory=dict)
    redirects: bool = True


class Answer(Struct, frozen=True):
    """An HTTP answer, whatever its status. Header names are in lower case. `at` is when it had come whole."""

    status: int
    headers: dict[str, str]
    body: bytes
    at: datetime


class Http(Protocol):
    """Asks one account's cloud: within its request budget, with a receipt of every answer, and no secret in either."""

    async def ask(self, request: Request) -> Answer:
        """The whole answer. Raises Unreachable (none came, or it was cut or too large) and Limited (our own budget is used up)."""
        ...


class Token(Struct, frozen=True):
    """What a vendor's cloud gave for a login. `expires_at` is of the access token; None where it does not say."""

    access: str
    refresh: str = ""
    expires_at: datetime | None = None


class Tokens(Protocol):
    """Keeps one account's token, encrypted at rest."""

    async def access(self, renew: Callable[[Token], Awaitable[Token]]) -> str:
        """An access token that is still good for a while; calls `renew` when it is not, once, whoever asks meanwhile.

        Raises Refused where the account has no token, or `renew` was refused (until a new one is kept).
        """
        ...

    async def reject(self, access: str) -> None:
        """Say that the cloud refused `access`, so that the next `access()` renews it."""
        ...

    async def keep(self, token: Token) -> None:
        """Keep `token` from now on."""
        ...


# --- collecting from a vendor ----------------------------------------------------------------------------------------

Window = Literal["day", "week", "month"]


class Fault(Struct, frozen=True):
    """A part of an answer that could not be understood, and was left out: where it stood and what was wrong."""

    where: str
    what: str


class Discovery(Struct, frozen=True):
    """What an account has at its vendor now. With faults, the list may lack something that is still there.

    `unread` names, by the id of a site or probe and by "person", the fields that were not asked for this time or could not be read: what
    is known of them stays (see `over`).
    """

    person: Person
    sites: tuple[Site, ...]
    probes: tuple[Probe, ...]
    faults: tuple[Fault, ...] = ()
    unread: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def over(self, person: Person, sites: Iterable[Site], probes: Iterable[Probe]) -> Discovery:
        """This discovery with its unread fields as they are in what is known already; to be kept in this form."""
        known_sites, known_probes = {site.id: site for site in sites}, {probe.id: probe for probe in probes}
        return replace(
            self,
            person=replace(self.person, **{name: getattr(person, name) for name in self.unread.get("person", ())}),
            sites=tuple(self._over(site, known_sites.get(site.id)) for site in self.sites),
            probes=tuple(self._over(probe, known_probes.get(probe.id)) for probe in self.probes),
        )

    def _over(self, thing: _Thing, known: _Thing | None) -> _Thing:
        kept = {name: getattr(known, name) for name in self.unread.get(thing.id, ())} if known else {}
        if "attributes" in kept and isinstance(thing, Site):  # the pool's own were read, only the settings' were not
            kept["attributes"] = kept["attributes"] | thing.attributes
        return replace(thing, **kept)


class Batch(Struct, frozen=True):
    """Measurements of one answer, not yet judged, with what could not be read."""

    measurements: tuple[Measurement, ...]
    faults: tuple[Fault, ...] = ()


class Source(Protocol):
    """Collects from one account at one vendor's cloud. Each method costs requests of the account's budget.

    Raises Limited, Refused, NotFound (it has vanished), Unreachable, Unavailable, Malformed.
    """

    async def discover(self, now: datetime) -> Discovery:
        """The account's owner, sites and probes."""
        ...

    async def latest(self, probe: Probe, now: datetime) -> Batch:
        """The newest measurement of every quantity."""
        ...


@runtime_checkable
class HistorySource(Protocol):
    """A source that can also tell the past."""

    async def history(self, probe: Probe, quantity: str, window: Window, now: datetime) -> Batch:
        """All measurements of `quantity` in the window that ends now."""
        ...

    def remembered(self, site: Site) -> tuple[str, ...]:
        """The quantities whose past this source can tell for `site`, most wanted first."""
        ...


@runtime_checkable
class AdviceSource(Protocol):
    """A source whose vendor advises the owner."""

    async def recommendations(self, site: Site, now: datetime) -> tuple[Recommendation, ...]:
        """Those that wait to be done."""
        ...

    async def validate(self, recommendation: Recommendation, site: Site) -> None:
        """Tell the vendor that it has been done."""
        ...


class Connector(Protocol):
    """Signs a user in at a vendor's cloud, once, to get the account's first token."""

    def authorize_url(self, redirect_uri: str, state: str) -> str:
        """Where the user signs in; the browser then comes back to `redirect_uri` with a code. BadInput where the vendor has no such page."""
        ...

    async def redeem(self, code: str, redirect_uri: str) -> Token:
        """The token for a `code`. Raises Refused."""
        ...

    async def sign_in(self, login: str, password: str) -> Token:
        """The token for a login. Raises Refused."""
        ...


# --- keeping ---------------------------------------------------------------------------------------------------------


class Added(Struct, frozen=True):
    """What became of measurements given to the store: new, the same as before, or corrections of what was there."""

    new: int = 0
    same: int = 0
    corrected: int = 0


class Receipt(Struct, frozen=True):
    """A raw answer of a vendor, redacted, kept for some weeks. `status` is 0 where no whole answer came; `body` then says why."""

    account: str
    at: datetime
    name: str
    url: str
    status: int
    body: bytes
    duration_ms: int


class Incident(Struct, frozen=True):
    """Something that went wrong at `where` (an account, a site), since `since`, `count` times, last at `at`; `todo` says who does what.

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


GrantKind = Literal["code", "access", "refresh"]


class Grant(Struct, frozen=True):
    """A code or token that a face of this hub gave to a client; `digest` is its SHA-256, the token itself is nowhere."""

    digest: str
    kind: GrantKind
    face: str
    user: str
    issued_at: datetime
    expires_at: datetime | None = None
    redirect_uri: str = ""
    client_id: str = ""


class AuditEntry(Struct, frozen=True):
    """Who did what to which thing, and what came of it."""

    at: datetime
    user: str
    act: str
    subject: str
    outcome: str


class Reader(Protocol):
    """Answers questions from the store."""

    async def version(self) -> int:
        """A number that is another one after anything was stored, by this process or any other."""
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

    async def sites(self, *, owner: str | None = None, account: str | None = None, gone: bool = False) -> list[Site]:
        """Sites by id: all, those a user sees, or those of one account; with `gone`, also those that vanished from their cloud."""
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

    async def devices(self, probe: str) -> list[tuple[datetime, Probe]]:
        """The probe as it was since each instant at which its device changed, oldest first."""
        ...

    async def latest(self, probe: str, now: datetime) -> dict[str, Measurement]:
        """By quantity, the newest measurement that is not ahead of `now` by more than the clock tolerance."""
        ...

    async def history(
        self,
        probe: str,
        quantity: str,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int | None = None,
    ) -> list[Measurement]:
        """Measurements with since <= at < until, oldest first; at most `limit`, the oldest ones."""
        ...

    async def revisions(self, probe: str, quantity: str, at: datetime) -> list[Revision]:
        """What a corrected measurement was before, oldest first."""
        ...

    async def quantities(self, probe: str) -> list[str]:
        """The quantities that a probe has ever measured."""
        ...

    async def recommendations(self, site: str, *, waiting: bool = True) -> list[Recommendation]:
        """The recommendations of a site, oldest first; with `waiting`, only those not done yet."""
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

    async def secret(self, name: str) -> bytes | None:
        """A secret, decrypted. Raises StoreError where the key does not fit."""
        ...

    async def memo(self, name: str) -> bytes | None:
        """What `put_memo` kept last under this name."""
        ...

    async def receipts(self, account: str, since: datetime | None = None, limit: int = 100) -> list[Receipt]:
        """The newest receipts first."""
        ...

    async def incidents(self, account: str | None = None, *, open_only: bool = False) -> list[Incident]:
        """What went wrong, newest first."""
        ...

    async def audit(self, limit: int = 100) -> list[AuditEntry]:
        """The newest entries first."""
        ...

    async def count(self) -> int:
        """How many measurements are kept."""
        ...


class Writer(Protocol):
    """Keeps things. When a method returns, what it kept survives a kill of the process; when it raises, nothing was kept."""

    async def put_user(self, user: User) -> None:
        """Add or replace a user."""
        ...

    async def remove_user(self, email: str) -> None:
        """Remove a user and their grants. Raises NotFound; Conflict while accounts are theirs."""
        ...

    async def put_account(self, account: Account) -> None:
        """Add or replace an account."""
        ...

    async def remove_account(self, account: str) -> None:
        """Stop collecting: forget the account, its secrets, memos and incidents. Sites and measurements stay. Raises NotFound."""
        ...

    async def put_discovery(self, account: str, discovery: Discovery, now: datetime) -> None:
        """Keep an account's person, sites and probes; without faults, its other sites have vanished since `now`. Nothing is deleted."""
        ...

    async def add(self, measurements: Sequence[Measurement], now: datetime) -> Added:
        """Keep measurements, all or none. The key is (probe, quantity, at).

        The same value and doubts again change nothing; others replace what was there, which stays as a revision.
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

    async def put_secret(self, name: str, value: bytes) -> None:
        """Keep a secret, encrypted with the installation's key."""
        ...

    async def drop_secret(self, name: str) -> None:
        """Forget a secret."""
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

    async def prune(self, now: datetime, *, receipts_days: int) -> None:
        """Forget receipts older than that, expired codes and access tokens, and incidents that ended a year ago. Never a measurement."""
        ...


class Store(Reader, Writer, Protocol):
    """Both, over one database."""

    async def close(self) -> None:
        """Let go of the database."""
        ...


# --- serving as a vendor ---------------------------------------------------------------------------------------------


class Desk(Protocol):
    """Signs the clients of a face in; every answer is bound to that face."""

    async def sign_in(self, login: str, password: str, address: str) -> User:
        """The user with this login. Raises Refused, and Limited after too many refusals for the login or from the address."""
        ...

    async def issue(
        self, kind: GrantKind, user: str, *, life_s: float | None, redirect_uri: str = "", client_id: str = ""
    ) -> str:
        """A new code or token (40 hexadecimal digits) for a user; `life_s` None never expires."""
        ...

    async def take_code(self, code: str) -> Grant | None:
        """The grant of a code, which is then used up; None if there is none or it has expired."""
        ...

    async def holder(self, kind: GrantKind, token: str) -> User | None:
        """Whose token this is; None if nobody's, or it has expired."""
        ...


class Quota(Protocol):
    """The request quota that a face grants each user."""

    def take(self, user: str, now: datetime) -> float | None:
        """Count one request: None if it is within the quota, else after how many seconds the next one will be (it is not counted then)."""
        ...


class Actions(Protocol):
    """Acts of a face's user on what is collected: carried to the cloud it comes from, recorded, then kept."""

    async def validate(self, recommendation: Recommendation, site: Site, user: User) -> None:
        """The recommendation has been done. Raises what the cloud's refusal means; nothing is then changed here."""
        ...


class FaceContext(Struct, frozen=True):
    """All that a face may use. `settings` are the vendor's own, by name without the vendor's prefix."""

    reader: Reader
    writer: Writer
    desk: Desk
    quota: Quota
    actions: Actions
    clock: Clock
    settings: Mapping[str, Any]


# --- being a vendor --------------------------------------------------------------------------------------------------


class Setting(Struct, frozen=True):
    """One setting: its dotted name in the file, the type and default of its value, and one sentence for the reference page.

    `choices` are the values it may have, if only some. A `secret` is never shown.
    """

    name: str
    type: type[str] | type[int] | type[float] | type[bool] | type[list[str]]
    default: Any
    sentence: str
    choices: tuple[str, ...] = ()
    secret: bool = False


class Rate(Struct, frozen=True):
    """At most `requests` in any `seconds`."""

    requests: int
    seconds: float


class Vendor(Struct, frozen=True):
    """All that the house needs to know of a vendor.

    `quota` is what its document allows each user; `pace` is what we allow ourselves. `settings` are those of its face.
    `connect` and `source` take the account's HTTP; `face` returns the routes below the face's prefix.
    """

    name: str
    title: str
    base_url: str
    settings: tuple[Setting, ...]
    quota: tuple[Rate, ...]
    pace: tuple[Rate, ...]
    connect: Callable[[str, Http, Clock], Connector]
    source: Callable[[Account, Http, Tokens], Source]
    face: Callable[[FaceContext], Sequence[BaseRoute]]
