"""Sites at a glance, as who looks at a page sees them."""

from __future__ import annotations

import re
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


def _need(one: Glance) -> tuple[int, int, list[tuple[int, str]], str]:
    return STATES.index(one.condition.state), -len(one.condition.reasons), natural(one.site.name), one.site.id


def natural(name: str) -> list[tuple[int, str]]:
    """A name's place among others as people order them: Pool 2 before Pool 10."""
    parts = re.split("([0-9]+)", name.casefold())
    return [
        (len(part.lstrip("0")) if n % 2 else 0, part.lstrip("0") if n % 2 else part) for n, part in enumerate(parts)
    ]
