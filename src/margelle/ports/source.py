"""Collecting from a vendor."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal, Protocol, TypeVar, runtime_checkable

from msgspec import Struct, field
from msgspec.structs import replace

from margelle.domain.measurement import Measurement
from margelle.domain.site import Person, Probe, Recommendation, Site
from margelle.domain.switch import Switch, Turn
from margelle.errors import MargelleError
from margelle.ports.http import Token

_Thing = TypeVar("_Thing", Site, Probe)


Window = Literal["day", "week", "month", "year"]


class Fault(Struct, frozen=True):
    """A part of an answer that could not be understood, and was left out: where it stood and what was wrong."""

    where: str
    what: str


class Discovery(Struct, frozen=True):
    """What an account has at its vendor now. A fault stands at a site, a probe or "person" of this discovery, or else in the list itself.

    `unread` names, by the id of a site or probe and by "person", the fields that were not asked for this time or could not be read: what
    is known of them stays (see `over`).
    """

    person: Person
    sites: tuple[Site, ...]
    probes: tuple[Probe, ...]
    faults: tuple[Fault, ...] = ()
    unread: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether a site that is not in it is gone: with a fault in the list itself, it may lack something that is still there."""
        known = {"person", *(site.id for site in self.sites), *(probe.id for probe in self.probes)}
        return all(fault.where in known for fault in self.faults)

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
    """Measurements of one answer, not yet judged, with what could not be read.

    `broken` is what ended it early, where a cloud tells in several answers: what came before is kept, and all of it is asked for again.
    """

    measurements: tuple[Measurement, ...]
    faults: tuple[Fault, ...] = ()
    broken: MargelleError | None = None


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
class BriefedSource(HistorySource, Protocol):
    """A source that must know what a discovery found out about a site, to tell its past."""

    def brief(self, site: Site) -> None:
        """Take note of a site as it is kept."""
        ...


@runtime_checkable
class LongMemorySource(HistorySource, Protocol):
    """A source that tells more than the last month."""

    reach: Window
    """The largest window that it can be asked for."""


@runtime_checkable
class MappedSource(HistorySource, Protocol):
    """A source whose operator says what its cloud's names mean."""

    def meanings(self, site: Site) -> Mapping[str, str]:
        """By quantity that it remembers, what it is read from: where that becomes another text, the past has to be read anew."""
        ...


@runtime_checkable
class ParameterSink(Protocol):
    """A source whose vendor lets its probes' parameters be set."""

    async def write(self, probe: Probe, parameter: str, value: str) -> None:
        """Set a parameter, by the vendor's name of it, to the vendor's text of a value. Raises Conflict where it will not."""
        ...


@runtime_checkable
class SwitchSource(Protocol):
    """A source whose vendor switches things at its sites, such as pumps."""

    async def standing(self, switch: Switch, now: datetime) -> Batch:
        """How a switch stands now: its `STATE` and `MODE`, under its id."""
        ...

    async def turn(self, switch: Switch, wanted: Turn) -> None:
        """Have it switched. Raises besides Conflict where its cloud will not."""
        ...


@runtime_checkable
class AdviceSource(Protocol):
    """A source whose vendor advises the owner."""

    async def recommendations(self, site: Site, now: datetime) -> tuple[Recommendation, ...]:
        """Those that wait to be done."""
        ...

    async def validate(self, recommendation: Recommendation, site: Site) -> None:
        """Tell the vendor that it has been done. Raises Conflict where it will not have that."""
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
