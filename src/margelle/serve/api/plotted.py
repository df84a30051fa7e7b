"""`GET /api/v1/plot`: series shaped for a plot, as the pages draw them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Final

from msgspec import Meta, Struct

from margelle.errors import NotFound
from margelle.serve.api.endpoint import Endpoint, Visit
from margelle.serve.api.measured import known_zone, zone_named
from margelle.serve.api.params import ProbeNames, QuantityNames, Since, SiteName, Until
from margelle.serve.api.problem import bad_field
from margelle.serve.api.seen import series_seen, site_seen
from margelle.serve.line import Track, View
from margelle.serve.plot import Plot, plot

MOST_TRACKS: Final = 40
"""Series in one plot."""

LONGEST: Final = timedelta(days=36_600)
_LEAST: Final = datetime(1970, 1, 1, tzinfo=UTC)
_USUAL: Final = timedelta(days=7)
_BOUNDS: Final = (datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC))


class Plotted(Struct, frozen=True):
    """What to draw."""

    site: SiteName
    probe: ProbeNames = ()
    quantity: QuantityNames = ()
    since: Since | None = None
    until: Until | None = None
    time_zone: (
        Annotated[str, Meta(max_length=100, description="An IANA name, whose days are meant. Default: the site's.")]
        | None
    ) = None


async def plot_columns(visit: Visit, asked: Plotted) -> Plot:
    """The series of a site as columns, never more points than a screen can show."""
    until = asked.until or visit.now
    since = asked.since or max(until, _LEAST + _USUAL) - _USUAL
    for name, at in (("since", since), ("until", until)):
        if not _BOUNDS[0] <= at <= _BOUNDS[1]:
            raise bad_field(name, f"it is between {_BOUNDS[0]:%Y} and {_BOUNDS[1]:%Y}")
    if not timedelta() < until - since <= LONGEST:
        raise bad_field("since", f"it is before until, by at most {LONGEST.days} days")
    site = await visit.store.site(site_seen(visit, asked.site))
    if site is None:
        raise NotFound(f"There is no site {asked.site!r}, or it is not yours to see.")
    series = await series_seen(visit, (site.id,), asked.probe, asked.quantity)
    if len(series) > MOST_TRACKS:
        raise bad_field("quantity", f"{len(series)} series are more than {MOST_TRACKS}: name some")
    tracks = [Track(one.probe, one.quantity) for one in series]
    bands = visit.rooms.showing.limits(site, {track.quantity for track in tracks})
    zone = zone_named(asked.time_zone) or known_zone(site.time_zone)
    states = visit.rooms.showing.display(site).states
    view = View(since, until, zone, {}, bands, visit.rooms.catalogue, states, visit.now)
    return await plot(visit.store, site.id, tracks, view)


ENDPOINTS: Final = (
    Endpoint("GET", "/plot", "measurements", "Series of a site as columns for a plot: thinned readings of up to nine weeks, of longer spans the days' lowest, median and highest values. What is on or off has steps, and of longer spans a `share`: for how much of each day's `time` it was on (where too much was told to read it all, of its `readings`), in `%`, with no `low` and `high`. With what happened there, and the limits. Of the last week where nothing is said.", plot_columns, Plotted, answer=Plot, tagged="body", errors=(404,)),
)  # fmt: skip
"""In the order of the docs."""
