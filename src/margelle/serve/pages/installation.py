"""The hub itself: where it keeps things, who collects, and every setting in force with where it came from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from msgspec import Struct
from starlette.responses import Response
from starlette.routing import BaseRoute

from margelle.ports import Earlier, InForce
from margelle.serve.pages.figures import bytes_of, number
from margelle.serve.pages.hall import Area, Hall
from margelle.serve.pages.visit import Visit


class Group(Struct, frozen=True):
    """The settings whose names begin alike; those without a dot stand under an empty name."""

    name: str
    settings: tuple[InForce, ...]

    @property
    def changed(self) -> int:
        """How many of them somebody has set."""
        return sum(one.origin != "default" for one in self.settings)


def _routes(hall: Hall) -> Sequence[BaseRoute]:
    return (hall.page("/hub", _show),)


AREA: Final = Area(_routes, "/hub", "hub", shown=lambda caller: caller.operator, backstage=True)


async def _show(visit: Visit) -> Response:
    """For operators."""
    visit.caller.demand_operator()
    installation, language = visit.hall.backstage.installation, visit.words.language
    premises = installation.premises()
    collectors = await visit.store.collectors(visit.now)
    return visit.page(
        "hub.html",
        premises=premises,
        size=bytes_of(premises.store_bytes, language) if premises.store_bytes is not None else "",
        points=number(await visit.store.count(), 0, language),
        earlier=_told(visit, await visit.store.earlier()),
        collectors=sorted(collectors.values(), reverse=True),
        accounts=sum(not one.is_own for one in await visit.store.accounts()),
        groups=_groups(installation.settings()),
    )


def _told(visit: Visit, earlier: Earlier | None) -> str:
    """How far the measurements of an earlier version are folded, in words; empty where none are left."""
    if earlier is None:
        return ""
    parts, language = (earlier.folded, earlier.points), visit.words.language
    if earlier.is_large:
        folded, points = (number(one / 1e6, 1, language) for one in parts)
        return visit.words("hub.earlier_millions", folded=folded, points=points)
    folded, points = (number(one, 0, language) for one in parts)
    return visit.words("hub.earlier_some", folded=folded, points=points)


def _groups(settings: Sequence[InForce]) -> list[Group]:
    found: dict[str, list[InForce]] = {}
    for setting in settings:
        head, dot, _ = setting.name.partition(".")
        found.setdefault(head if dot else "", []).append(setting)
    return [Group(name, tuple(group)) for name, group in found.items()]
