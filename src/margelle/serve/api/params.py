"""The parameters that many endpoints share."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Final

from msgspec import Meta, Struct

from margelle.domain.access import Scope

PAGE: Final = 1000
"""Things in a page, where nobody says how many."""

MOST: Final = 10_000
"""Things in a page."""

_Name = Annotated[str, Meta(min_length=1, max_length=300)]

SiteNames = Annotated[tuple[_Name, ...], Meta(max_length=1000, description="Only these sites, by id. May be repeated.")]
ProbeNames = Annotated[
    tuple[_Name, ...],
    Meta(
        max_length=1000, description="Only these probes, by id, or by that of a site with one probe. May be repeated."
    ),
]
QuantityNames = Annotated[
    tuple[_Name, ...], Meta(max_length=200, description="Only these quantities, such as ph. May be repeated.")
]
SiteName = Annotated[str, Meta(min_length=1, max_length=300, description="A site, by id.")]
Since = Annotated[datetime, Meta(tz=True, description="From this instant on (RFC 3339, with a zone).")]
Until = Annotated[datetime, Meta(tz=True, description="Before this instant.")]
FirstDay = Annotated[date, Meta(description="From this day on.")]
NextDay = Annotated[date, Meta(description="Before this day.")]
Limit = Annotated[int, Meta(ge=1, le=MOST, description="At most so many.")]
After = Annotated[
    str, Meta(min_length=1, max_length=1000, description="Go on behind here: the `next` of the part before.")
]
Scopes = tuple[Scope, ...]


class Chosen(Struct, frozen=True, kw_only=True):
    """Which series."""

    site: SiteNames = ()
    probe: ProbeNames = ()
    quantity: QuantityNames = ()


class Listed(Struct, frozen=True, kw_only=True):
    """Which part of a list."""

    limit: Limit = PAGE
    after: After | None = None
