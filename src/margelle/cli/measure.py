"""`margelle measure`: what a person has measured, with a strip, a meter or in a laboratory."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from margelle.cli.terminal import invocation, note, run, say
from margelle.errors import BadInput

if TYPE_CHECKING:
    from margelle.cli.house import House
    from margelle.config import Settings
    from margelle.domain.measurement import Measurement
    from margelle.domain.site import Band, Probe
    from margelle.domain.unit import Unit
    from margelle.intake.keep import Outcome

_VALUE = re.compile(
    r"(?P<quantity>[^=]+)=\s*(?P<number>[-+]?[\d.,]+(?:[ \u00a0\u202f\u2009]\d{3})*(?:[.,]\d+)?(?:[eE][-+]?\d+)?)\s*(?P<unit>.*)"
)


def measure(
    context: typer.Context,
    probe: Annotated[str, typer.Argument(metavar="SITE", help="A site, by its id or name; or a probe of your own.")],
    values: Annotated[
        list[str], typer.Argument(metavar="QUANTITY=VALUE...", help="Such as ph=7.4 or temperature=78°F.")
    ],
    at: Annotated[
        str | None,
        typer.Option(
            metavar="INSTANT",
            help="When it was measured: 2026-07-14T12:30, on the clock of the site, or with Z or +02:00. Default: now.",
        ),
    ] = None,
    means: Annotated[str, typer.Option("--by", metavar="MEANS", help="hand, strip, meter or lab.")] = "hand",
    remark: Annotated[str, typer.Option("--note", metavar="TEXT", help="A remark, for the audit log.")] = "",
) -> None:
    """Keep what you have measured yourself.

    In the quantity's own unit, or in the one that you write after the number. All of it is kept, or, where one value is wrong, nothing. At a site that
    is collected from a cloud it is kept beside what the cloud tells, as a probe of its own.
    """
    from margelle.intake.hand import MEANS

    settings = invocation(context).settings()
    if means not in MEANS:
        raise BadInput(f"There is no {means!r} to measure by.", hint=f"Known: {', '.join(MEANS)}.")
    if any("\ud800" <= character <= "\udfff" for character in remark):
        raise BadInput("The note is not valid Unicode.")  # said before anything is kept
    named = [_split(text) for text in values]
    if len({quantity.casefold() for quantity, _, _ in named}) < len(named):
        raise BadInput("A quantity stands there twice.")
    where, outcomes, beyond = run(_measure(settings, probe, named, at, means, remark))
    for (quantity, number, unit), outcome in zip(named, outcomes, strict=True):
        word = {"new": "kept", "same": "known already", "corrected": "corrected"}[outcome.verdict]
        say(f"{where.id}: {quantity} {number} {unit}".rstrip() + f": {word}.")
        for doubt in outcome.doubts:
            note(f"  doubted: {doubt}")
        if said := beyond.get(quantity.casefold()):
            note(f"  not tolerable at this site: {said}")


def _split(text: str) -> tuple[str, str, str]:
    """Quantity, number and unit. Raises BadInput."""
    from margelle.intake.hand import plain

    found = _VALUE.fullmatch(text.strip())
    if found is None:
        raise BadInput(f"{text!r} is no value.", hint="It is like ph=7.4 or temperature=78°F.")
    return found["quantity"].strip(), plain(found["number"]), found["unit"].strip()


async def _measure(
    settings: Settings, name: str, values: list[tuple[str, str, str]], at: str | None, means: str, remark: str
) -> tuple[Probe, list[Outcome], dict[str, str]]:
    """Where it was kept, what became of each value, and of what is not tolerable there, by quantity, which limits hold."""
    from margelle.cli import house
    from margelle.domain.plausible import EARLIEST, is_past
    from margelle.intake.hand import keep_by_hand
    from margelle.intake.keep import count
    from margelle.intake.point import Point, measurement_of
    from margelle.phrase import Phrase

    async with house.opened(settings) as home:
        now = home.clock()
        probe = await _probe(home, name)
        instant = now.replace(microsecond=0) if at is None else await _instant(home, probe, at)
        if not is_past(instant, now):
            raise BadInput(f"{at} is not between {EARLIEST:%Y} and now.")
        points = [Point(probe.id, quantity, instant.isoformat(), number, unit) for quantity, number, unit in values]
        origin, catalogue = f"own/{means}", settings.catalogue
        measured = [measurement_of(one, probe, catalogue, origin) for one in points]
        outcomes = await keep_by_hand(home.store, probe, measured, now, catalogue)
        told = ", ".join(f"{quantity}={number}{unit}" for quantity, number, unit in values)
        outcome = (
            f"{told} at {instant:%Y-%m-%dT%H:%M:%SZ}: {_counted(count(outcomes))}{f'; {remark}' if remark else ''}"
        )
        phrase = Phrase(
            "measured", {"values": told, "at": f"{instant:%Y-%m-%d %H:%M} UTC", "means": Phrase(f"means.{means}")}
        )
        await home.record("measure", probe.id, outcome, probe.site, phrase)
        return probe, outcomes, await _beyond(home, probe, measured)


async def _beyond(home: House, probe: Probe, points: Sequence[Measurement]) -> dict[str, str]:
    """What is beyond what is tolerable at the site, by quantity: within which limits it would be."""
    from margelle.intake.hand import intolerable
    from margelle.serve.glance import Showing

    settings, site = home.settings, await home.store.site(probe.site)
    if site is None:
        return {}
    showing = Showing.of(list(home.vendors.values()), home.meanings.sections, settings.catalogue, settings["limits"])
    bands = showing.limits(site, {one.quantity for one in points})
    found = intolerable(points, bands, settings.catalogue)
    return {
        one.quantity: _ends(band, settings.catalogue[one.quantity].unit, one.raw_unit)
        for one in found
        if (band := bands[one.quantity].tolerable) is not None
    }


def _ends(band: Band, unit: Unit, written: Unit) -> str:
    """The limits of a band, which are in `unit`, in the one in which somebody wrote."""
    from margelle.domain.unit import convert, symbol

    low, high = (None if end is None else f"{convert(end, unit, written):.4g}" for end in (band.low, band.high))
    ends = f"{low} to {high}" if low and high else f"at least {low}" if low else f"at most {high}"
    return f"{ends} {symbol(written)}".rstrip()


def _counted(counts: dict[Any, int]) -> str:
    return ", ".join(f"{n} {verdict}" for verdict, n in counts.items() if n)


async def _probe(home: House, name: str) -> Probe:
    from margelle.domain.site import OWN
    from margelle.intake.hand import hand_probe

    probes = await home.store.probes()
    if named := next((probe for probe in probes if probe.id == name and probe.vendor == OWN), None):
        return named
    sites = await home.store.sites()
    alike = [site for site in sites if name in {site.id, site.name, *(one.id for one in probes if one.site == site.id)}]
    if len(alike) == 1:
        return await hand_probe(home.store, alike[0])
    if alike:
        raise BadInput(f"Several sites are called {name!r}.", hint=f"Say which: {', '.join(one.id for one in alike)}.")
    known = f"Known: {', '.join(site.id for site in sites)}." if sites else "Add one: margelle site add 'Garden pool'"
    raise BadInput(f"There is no site {name[:100]!r}.", hint=known)


async def _instant(home: House, probe: Probe, text: str) -> datetime:
    from zoneinfo import ZoneInfo

    from margelle.intake.point import instant_of

    site = await home.store.site(probe.site)
    return instant_of(text, ZoneInfo(site.time_zone if site else "UTC"))
