"""The audit log: who did what, and what came of it. Operators read all of it, owners that of their sites."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from datetime import timedelta
from typing import Any, Final

from msgspec import Struct
from starlette.responses import Response
from starlette.routing import BaseRoute

from margelle.errors import Forbidden
from margelle.phrase import Phrase
from margelle.ports import AuditEntry
from margelle.serve.pages.figures import clock_time, zone
from margelle.serve.pages.hall import Area, Hall
from margelle.serve.pages.moment import day_named, midnight
from margelle.serve.pages.sheet import sheet
from margelle.serve.pages.visit import Visit
from margelle.serve.pages.words import Saying

LISTED: Final = 100
AT_ONCE: Final = 1000
"""Entries that are read at once for a table."""
_MOMENT: Final = timedelta(microseconds=1)

ACTS: Final = (
    "validate", "write", "switch", "read back", "measure", "import", "event", "share", "link", "key", "sign in", "sign out", "password",
    "profile", "invite", "join", "add user", "operator", "disable user", "remove user", "organisation", "account", "connect", "remove account",
    "ask now", "pause", "resume", "add site", "describe site", "remove site", "map tags",
)  # fmt: skip
"""What is recorded, as far as the pages have a word for it."""

_COLUMNS: Final = ("at", "user", "act", "subject", "site", "outcome")


class Line(Struct, frozen=True):
    """An entry in the list."""

    when: str
    iso: str
    user: str
    act: str
    subject: str
    site: str
    outcome: Saying


def _routes(hall: Hall) -> Sequence[BaseRoute]:
    if hall.look.public:
        return ()
    return (hall.page("/audit", _list), hall.page("/audit.csv", _csv))


AREA = Area(_routes, "/audit")


async def _list(visit: Visit) -> Response:
    wanted, names = _wanted(visit), await _names(visit)
    number = visit.number
    found = await visit.store.audit(LISTED + 1, skip=(number - 1) * LISTED, **wanted)
    return visit.page(
        "audit.html",
        lines=[_line(visit, one, names) for one in found[:LISTED]],
        further=len(found) > LISTED,
        number=number,
        acts=ACTS,
        asked={name: visit.asked(name) for name in ("act", "user", "site", "since", "until")},
        sites=[(site, names.get(site, site)) for site in sorted(_sites(visit), key=lambda one: names.get(one, one))],
        query=visit.request.url.query,
    )


async def _csv(visit: Visit) -> Response:
    wanted = _wanted(visit)
    wanted["until"] = wanted["until"] or visit.now + _MOMENT  # what is recorded meanwhile would shift all others

    async def rows() -> AsyncIterator[Sequence[object]]:
        skip = 0
        while entries := await visit.store.audit(AT_ONCE, skip=skip, **wanted):
            for one in entries:
                yield tuple(getattr(one, name) for name in _COLUMNS)
            skip += len(entries)

    return sheet("audit", _COLUMNS, rows())


def _wanted(visit: Visit) -> dict[str, Any]:
    """What is asked of the store: never more than this user may read. Raises Forbidden for who owns nothing."""
    mine = _sites(visit)
    if not mine and not visit.caller.operator:
        raise Forbidden("Only operators, and owners of a site, read the audit log.", phrase=Phrase("may.audit"))
    asked, where = visit.asked("site"), zone(visit.hall.look.time_zone)
    sites: Collection[str] | None = None if visit.caller.operator else mine
    if asked:
        sites = [asked] if visit.caller.operator or asked in mine else []
    return {
        "sites": sites,
        "user": visit.asked("user").strip() or None,
        "act": visit.asked("act") or None,
        "since": midnight(day_named(visit.asked("since")), where),
        "until": midnight(day_named(visit.asked("until")), where, days=1),
    }


def _sites(visit: Visit) -> list[str]:
    """The sites that are this user's to manage."""
    return [site for site in visit.caller.roles if visit.caller.may("manage", site)]


async def _names(visit: Visit) -> dict[str, str]:
    """What sites are called, those that vanished too."""
    return {site.id: site.name or site.key for site in await visit.store.sites(seen_by=_seen_by(visit), gone=True)}


def _seen_by(visit: Visit) -> str | None:
    return None if visit.caller.operator else visit.user.email


def _line(visit: Visit, entry: AuditEntry, names: dict[str, str]) -> Line:
    return Line(
        clock_time(entry.at, zone(visit.hall.look.time_zone), visit.now, visit.words.language),
        entry.at.isoformat(),
        entry.user,
        visit.words(f"act.{entry.act}") if entry.act in ACTS else entry.act,
        entry.subject,
        names.get(entry.site, entry.site),
        visit.words.said(entry.sentence),
    )
