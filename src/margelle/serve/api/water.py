"""Sites, probes and quantities."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container, Sequence
from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Struct, field

from margelle.domain.access import Role
from margelle.domain.quantity import Quantity
from margelle.domain.site import Address, Band, Disinfection, Probe, Scalar, Share, Site, SiteKind
from margelle.domain.state import Reason, State
from margelle.domain.switch import Switch
from margelle.errors import NotFound
from margelle.serve.api import cursor
from margelle.serve.api.endpoint import Endpoint, Nothing, Page, Visit
from margelle.serve.api.params import Listed, SiteNames
from margelle.serve.api.seen import probes_seen, site_seen
from margelle.serve.glance import Glance, glances


class SiteSeen(Struct, frozen=True):
    """A body of water, with the `role` that the caller has there.

    `id` never changes. `bands` are the limits that its owner set, by quantity, in its unit. `attributes` hold what only its vendor knows. `gone`: its cloud
    does not name it any more; what it measured stays. `state` is how the water is now, and `reasons` all that speaks for it, the gravest first; `measured_at` is when it was
    measured last, by a probe where one measures there.
    """

    id: str
    name: str
    vendor: str
    role: Role
    kind: SiteKind
    volume_m3: float | None
    disinfection: Disinfection
    address: Address
    time_zone: str
    bands: dict[str, Band]
    switches: tuple[Switch, ...]
    shares: tuple[Share, ...]
    attributes: dict[str, Scalar]
    updated_at: datetime | None
    gone: bool
    state: State
    reasons: tuple[Reason, ...]
    measured_at: datetime | None


class QuantitySeen(Struct, frozen=True):
    """Something that can be measured: `unit` is its UCUM code, `low` and `high` bound what is plausible, `uri` names it in a public vocabulary."""

    name: str
    unit: str
    low: float
    high: float
    sentence: str
    uri: str
    decimals: int


class OneSite(Struct, frozen=True):
    """Which site."""

    site: Annotated[str, Meta(min_length=1, max_length=300, description="The site's id.")]


class OneProbe(Struct, frozen=True):
    """Which probe."""

    probe: Annotated[
        str, Meta(min_length=1, max_length=300, description="The probe's id, or that of a site with one probe.")
    ]


class Sites(Listed, frozen=True):
    """Which sites."""

    vendor: Annotated[str, Meta(max_length=100, description="Only those of this vendor.")] | None = None
    name: Annotated[str, Meta(max_length=300, description="Only those in whose name this is, in any case.")] | None = (
        None
    )
    gone: Annotated[bool, Meta(description="Also those that their cloud does not name any more.")] = False


class Probes(Listed, frozen=True):
    """Which probes."""

    site: SiteNames = ()


class ProbeSeen(Probe, frozen=True):
    """A place in the water where a device measures, and the quantities that it ever has. It stays when its device is replaced."""

    quantities: list[str] = field(default_factory=list)


async def sites(visit: Visit, asked: Sites) -> Page[SiteSeen]:
    """All sites in which the caller has a role."""
    email = visit.caller.user.email
    here = {site.id for site in await visit.store.sites(seen_by=email)}
    name = (asked.name or "").casefold()
    found = [
        site
        for site in (await visit.rooms.lookout.sights(email)).sites.values()
        if (asked.gone or site.id in here) and asked.vendor in {None, site.vendor} and name in site.name.casefold()
    ]
    part = _page(found, asked)
    return Page(await _sites(visit, part.items, here), part.next)


async def site(visit: Visit, asked: OneSite) -> SiteSeen:
    """One site."""
    known = await visit.store.site(site_seen(visit, asked.site))
    if known is None:
        raise NotFound(f"There is no site {asked.site!r}, or it is not yours to see.")
    here = await visit.store.accounts_of(known.id)
    return (await _sites(visit, [known], {known.id} if here else ()))[0]


async def probes(visit: Visit, asked: Probes) -> Page[ProbeSeen]:
    """The probes, and what they measure."""
    found = await probes_seen(visit, asked.site, ())
    part = _page(found, asked)
    return Page([await _probe(visit, one) for one in part.items], part.next)


async def probe(visit: Visit, asked: OneProbe) -> ProbeSeen:
    """One probe."""
    (found,) = await probes_seen(visit, (), (asked.probe,))
    return await _probe(visit, found)


async def quantities(visit: Visit, _: Nothing) -> Page[QuantitySeen]:
    """What can be measured."""
    return Page([_quantity(one) for one in visit.rooms.catalogue])


async def _probe(visit: Visit, probe: Probe) -> ProbeSeen:
    told = (probe.id, probe.site, probe.vendor, probe.key, probe.serial, probe.hardware, probe.firmware)
    return ProbeSeen(*told, await visit.store.quantities(probe.id))


async def _sites(visit: Visit, sites: Sequence[Site], here: Container[str]) -> list[SiteSeen]:
    """The sites with their states, which are read of all together; those not `here` are gone."""
    probes: defaultdict[str, list[Probe]] = defaultdict(list)
    for probe in await visit.store.probes_at([site.id for site in sites]):
        probes[probe.site].append(probe)
    found = await glances(visit.store, visit.now, visit.rooms.showing, sites, probes)
    return [_site(visit, one, gone=one.site.id not in here) for one in found]


def _site(visit: Visit, one: Glance, *, gone: bool) -> SiteSeen:
    site, condition = one.site, one.condition
    role = visit.caller.roles[site.id]
    told = (site.kind, site.volume_m3, site.disinfection, site.address, site.time_zone, site.bands, site.switches)
    more = (site.shares, site.attributes, site.updated_at, gone)
    stands = (condition.state, condition.reasons, condition.newest)
    return SiteSeen(site.id, site.name, site.vendor, role, *told, *more, *stands)


def _quantity(one: Quantity) -> QuantitySeen:
    return QuantitySeen(one.name, one.unit.value, one.low, one.high, one.sentence, one.uri, one.decimals)


def _page(found: list[Any], asked: Listed) -> Page[Any]:
    """The part of a list, by id, that was asked for."""
    behind = cursor.read(asked.after, str) or ""
    rest = [one for one in found if one.id > behind]
    part = rest[: asked.limit]
    return Page(part, cursor.told(part[-1].id) if len(rest) > len(part) else None)


ENDPOINTS = (
    Endpoint("GET", "/sites", "water", "All sites in which you have a role, and how each is now: good, watch, act, silent or unjudged, with the reasons, as the first page shows it.", sites, Sites, answer=Page[SiteSeen], tagged="body", kept=True, errors=(404,)),
    Endpoint("GET", "/sites/{site}", "water", "One site, and how it is now, likewise.", site, OneSite, answer=SiteSeen, tagged="body", kept=True, errors=(404,)),
    Endpoint("GET", "/probes", "water", "The probes of your sites, switches among them, and the quantities that each has ever measured.", probes, Probes, answer=Page[ProbeSeen], tagged="store", errors=(404,)),
    Endpoint("GET", "/probes/{probe}", "water", "One probe.", probe, OneProbe, answer=ProbeSeen, tagged="store", errors=(404,)),
    Endpoint("GET", "/quantities", "water", "What can be measured on this hub, and in which unit.", quantities, answer=Page[QuantitySeen], tagged="body"),
)  # fmt: skip
"""In the order of the docs."""
