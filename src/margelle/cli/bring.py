"""`margelle import`: measurements from a file."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from msgspec import Struct

from margelle.cli.terminal import Exit, counted, invocation, note, run, say
from margelle.errors import BadInput, NotFound

if TYPE_CHECKING:
    from margelle.cli.brought import Brought
    from margelle.config import Settings
    from margelle.intake.keep import Outcome
    from margelle.intake.point import Arrival

_BATCH = 5000
_SHOWN = 20


class Kind(StrEnum):
    """What a file holds."""

    EXPORT = "export"
    TABLE = "table"
    ONDILO = "ondilo"
    FLIPR = "flipr"
    BAXO = "baxo"


class Wanted(Struct, frozen=True):
    """What the command line says."""

    file: Path
    kind: Kind
    probe: str
    mapping: dict[str, str]
    time_zone: str
    pattern: str
    delimiter: str
    decimal: str
    encoding: str
    dry: bool
    skip: bool
    new_probes: bool
    owner: str


def bring(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to read.")],
    kind: Annotated[
        Kind | None,
        typer.Option(
            "--as",
            metavar="KIND",
            help="export, table, or the vendor whose answer it is: ondilo, flipr, baxo. Default: table where there is --map, else export.",
        ),
    ] = None,
    probe: Annotated[
        str,
        typer.Option(
            metavar="ID", help="The probe, or a site with one probe, that has measured what a table or answer tells."
        ),
    ] = "",
    mapping: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="COLUMN=MEANING",
            help="What a table's column is: at, probe, or a quantity and its unit, such as 'Temp=temperature [degF]'. May be repeated.",
        ),
    ] = None,
    time_zone: Annotated[
        str,
        typer.Option(metavar="ZONE", help="The clock of instants without a zone. Default: that of the probe's site."),
    ] = "",
    pattern: Annotated[
        str,
        typer.Option(
            "--time-format",
            metavar="FORMAT",
            help="How a table writes instants, such as '%d.%m.%Y %H:%M'. Default: ISO 8601.",
        ),
    ] = "",
    delimiter: Annotated[str, typer.Option(metavar="CHARACTER", help="What parts a table's cells.")] = ",",
    decimal: Annotated[str, typer.Option(metavar="CHARACTER", help="The mark in a table's numbers.")] = ".",
    encoding: Annotated[str, typer.Option(metavar="NAME", help="The encoding of a table, such as cp1252.")] = "utf-8",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would become of each line, and keep nothing.")
    ] = False,
    skip: Annotated[
        bool,
        typer.Option(
            "--skip-refused", help="Keep the other lines where some are refused; without, nothing is kept then."
        ),
    ] = False,
    new_probes: Annotated[
        bool, typer.Option("--new-probes", help="Add the sites and probes of an export that this hub does not have.")
    ] = False,
    owner: Annotated[str, typer.Option(metavar="LOGIN", help="Whose those are. Default: the only user there is.")] = "",
) -> None:
    """Read measurements from a file.

    An export of this or another hub, which comes back exactly; a table with a mapping of its columns; or an answer of a vendor's cloud that somebody has saved.
    The whole file is checked before anything is kept. What is known already changes nothing, so an import that was interrupted is simply made again.
    """
    settings = invocation(context).settings()
    pairs = dict(_pair(text) for text in mapping or ())
    wanted = Wanted(
        file,
        kind or (Kind.TABLE if pairs else Kind.EXPORT),
        probe,
        pairs,
        time_zone,
        pattern,
        delimiter,
        decimal,
        encoding,
        dry_run,
        skip,
        new_probes,
        owner,
    )
    counts = run(_bring(settings, wanted))
    done = ", ".join(f"{n} {verdict}" for verdict, n in counts.items())
    say(f"{file.name}: {done}." + (" Nothing was kept: a dry run." if dry_run else ""))
    refused = counts["refused"]
    if refused and not (skip or dry_run):
        raise BadInput(
            f"{counted(refused, 'line')} cannot be kept, so nothing was.", hint="--skip-refused keeps the others."
        )
    raise typer.Exit(Exit.NEEDS_USER if refused else Exit.OK)


def _pair(text: str) -> tuple[str, str]:
    column, equals, meaning = text.rpartition("=")
    if not equals or not column or not meaning.strip():
        raise BadInput(f"--map {text!r} is no column and its meaning.", hint="It is like --map Date=at --map pH=ph")
    return column.strip(), meaning.strip()


async def _bring(settings: Settings, wanted: Wanted) -> dict[str, int]:
    from margelle.cli import house
    from margelle.cli.brought import brought
    from margelle.intake.keep import count, keep
    from margelle.phrase import Phrase

    if not wanted.file.is_file():
        raise NotFound(f"There is no file {wanted.file}.")
    async with house.opened(settings) as home:
        source = await brought(home, wanted)
        counts = {"new": 0, "same": 0, "corrected": 0, "refused": 0}
        told = _Told()
        if not wanted.dry:
            refused = sum(told.refused(one) for one in source.arrivals())
            if refused and not wanted.skip:
                return {**counts, "refused": refused}
            _tell_added(await source.add_missing())
            told = _Told(silent_refusals=True)
        now = home.clock()
        sites = {probe.id: probe.site for probe in await home.store.probes()}
        at_site: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for arrivals in _batches(source):
            outcomes = await keep(home.store, arrivals, now, settings.catalogue, dry=wanted.dry)
            told.tell(outcomes)
            for arrival, outcome in zip(arrivals, outcomes, strict=True):
                at_site[_site(arrival, sites)][outcome.verdict] += 1
            for verdict, n in count(outcomes).items():
                counts[verdict] += n
        for site, verdicts in sorted(at_site.items()) if not wanted.dry else ():
            what = ", ".join(f"{n} {one}" for one, n in verdicts.items())
            phrase = Phrase("imported", {one: str(verdicts[one]) for one in ("new", "same", "corrected", "refused")})
            await home.record("import", wanted.file.name, what, site, phrase)
        return counts


def _tell_added(sites: Sequence[str]) -> None:
    """What an export does not say of sites that were added from it."""
    if sites:
        note(
            f"Added {', '.join(sites)}. An export has no names, kinds and time zones: each is of kind other and in UTC, until you describe it "
            "(Collection, Edit on the pages, if it is your own) or its cloud does (margelle account add)."
        )


def _site(arrival: Arrival, sites: Mapping[str, str]) -> str:
    """The site at which it was measured; empty where a line is no measurement."""
    return sites.get(arrival.measurement.probe, "") if arrival.measurement is not None else ""


def _batches(source: Brought) -> Iterator[list[Arrival]]:
    arrivals = source.arrivals()
    while batch := list(islice(arrivals, _BATCH)):
        yield batch


class _Told:
    """Tells of the lines that are not simply new or known, the first ones only."""

    def __init__(self, *, silent_refusals: bool = False) -> None:
        self._left = {"corrected": _SHOWN, "refused": 0 if silent_refusals else _SHOWN}

    def refused(self, one: Arrival) -> bool:
        """Whether there is no measurement in it; says so."""
        if one.measurement is None:
            self._say("refused", one.n, one.fault)
        return one.measurement is None

    def tell(self, outcomes: Iterable[Outcome]) -> None:
        """Say what was corrected, and what was refused."""
        for outcome in outcomes:
            if outcome.verdict in self._left:
                self._say(outcome.verdict, outcome.n, outcome.reason)

    def _say(self, verdict: str, n: int, reason: str) -> None:
        if self._left[verdict] > 0:
            self._left[verdict] -= 1
            note(f"line {n}: {verdict}{f': {reason}' if reason else ''}")
            if not self._left[verdict]:
                note(f"Further lines that are {verdict} are only counted.")
