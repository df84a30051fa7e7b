"""Sites at a glance, as who looks at a page sees them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from margelle.domain.site import Probe, Site
from margelle.domain.state import STATES
from margelle.serve.glance import Glance
from margelle.serve.glance import glances as read
from margelle.serve.pages.visit import Visit


async def glances(visit: Visit, sites: Sequence[Site]) -> list[Glance]:
    """All of `sites`, the neediest first, then by name."""
    probes: defaultdict[str, list[Probe]] = defaultdict(list)
    for probe in await visit.store.probes():
        probes[probe.site].append(probe)
    found = await read(visit.store, visit.now, visit.hall.look.showing, sites, probes)
    return sorted(found, key=_need)


async def glance(visit: Visit, site: Site) -> Glance:
    """One site."""
    probes = {site.id: await visit.store.probes(site.id)}
    return (await read(visit.store, visit.now, visit.hall.look.showing, [site], probes))[0]


def _need(one: Glance) -> tuple[int, int, str, str]:
    return STATES.index(one.condition.state), -len(one.condition.reasons), one.site.name.casefold(), one.site.id
