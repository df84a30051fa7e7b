"""`margelle export`: measurements as CSV, NDJSON, Parquet or Arrow, streamed, and in a file all or nothing."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO, Final

import msgspec
import typer

from margelle.cli.terminal import counted, invocation, note, progress, run
from margelle.errors import BadInput, NotFound, StoreError

if TYPE_CHECKING:
    from margelle.cli.house import House
    from margelle.config import Settings
    from margelle.domain.quantity import Catalogue
    from margelle.export.row import Row, Series


class Format(StrEnum):
    """How measurements are written."""

    CSV = "csv"
    NDJSON = "ndjson"
    PARQUET = "parquet"
    ARROW = "arrow"


_ENDINGS: Final = {
    ".ndjson": Format.NDJSON,
    ".jsonl": Format.NDJSON,
    ".parquet": Format.PARQUET,
    ".arrow": Format.ARROW,
}


class Choice(msgspec.Struct, frozen=True):
    """Which measurements: since <= at < until, of these sites, probes and quantities; all where none is named."""

    sites: frozenset[str] = frozenset()
    probes: frozenset[str] = frozenset()
    quantities: frozenset[str] = frozenset()
    since: datetime | None = None
    until: datetime | None = None


Names = list[str] | None


def export(
    context: typer.Context,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="The file to write; it appears when it is whole. Default: standard output.",
        ),
    ] = None,
    form: Annotated[
        Format | None,
        typer.Option(
            "--format",
            metavar="FORMAT",
            help="csv, ndjson, parquet or arrow. Default: as the file's name ends, else csv.",
        ),
    ] = None,
    site: Annotated[Names, typer.Option(metavar="NAME", help="Only this site, by id or name. May be repeated.")] = None,
    probe: Annotated[Names, typer.Option(metavar="ID", help="Only this probe. May be repeated.")] = None,
    quantity: Annotated[
        Names, typer.Option(metavar="NAME", help="Only this quantity, such as ph. May be repeated.")
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="INSTANT",
            help="From this day or instant on: 2026-07-14 or 2026-07-14T12:30Z; UTC where no zone stands.",
        ),
    ] = None,
    until: Annotated[str | None, typer.Option(metavar="INSTANT", help="Before this day or instant.")] = None,
) -> None:
    """Write measurements as CSV, NDJSON, Parquet or Arrow.

    The columns are at, probe, site, quantity, value, unit, valid, reason, raw, raw_unit, origin, doubts. Units are UCUM codes. A value that is
    doubted is there too, with valid=false, the reason, and in doubts each reason with its kind, as JSON. `margelle import` reads CSV and NDJSON back, exactly. The CSV begins with lines that start with # and say what is in it. Parquet and Arrow need the extra margelle[columnar].
    """
    settings = invocation(context).settings()
    choice = Choice(
        frozenset(site or ()), frozenset(probe or ()), frozenset(quantity or ()), instant(since), instant(until)
    )
    if choice.since and choice.until and choice.since >= choice.until:
        raise BadInput("--since must be before --until.")
    form = form or _ENDINGS.get(output.suffix if output else "", Format.CSV)
    written = run(_export(settings, choice, output, form))
    note(f"{counted(written, 'measurement')} written{f' to {output}' if output else ''}.")


def instant(text: str | None) -> datetime | None:
    """The instant that `text` (ISO 8601) names, in UTC. Raises BadInput."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text.strip())
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadInput(
            f"{text!r} is not a day or instant.", hint="It is like 2026-07-14 or 2026-07-14T12:30Z."
        ) from error


async def _export(settings: Settings, choice: Choice, output: Path | None, form: Format) -> int:
    from margelle.cli import house
    from margelle.export import columnar, text
    from margelle.export.row import Row

    async with house.opened(settings, only_reads=True) as home:
        chosen = await _chosen(home, choice)
        packed = columnar.writer(form, Row) if form in {Format.PARQUET, Format.ARROW} else None
        with _sink(output) as sink, progress("Exporting") as told:
            if form is Format.CSV:
                sink.write(_head(choice, {series.quantity for series in chosen}, settings.catalogue, home.clock()))
            write = packed.write if packed else text.csv if form is Format.CSV else text.ndjson
            written = await _write(home, chosen, choice, sink, write, told)
            sink.write(packed.close() if packed else b"")
            return written


async def _chosen(home: House, choice: Choice) -> list[Series]:
    """The series to write, those of switches among them. Raises NotFound for a name that nothing has."""
    from margelle.domain.site import Probe
    from margelle.export.row import Series

    sites = await home.store.sites(gone=True)
    wanted = {site.id for site in sites if not choice.sites or choice.sites & {site.id, site.name}}
    switches = [Probe(one.id, site.id, one.vendor, one.key) for site in sites for one in site.switches]
    every = {probe.id: probe for probe in (*await home.store.probes(), *switches)}.values()
    probes = [probe for probe in every if not choice.probes or probe.id in choice.probes]
    series = [
        Series(probe.id, quantity, probe.site)
        for probe in probes
        if probe.site in wanted
        for quantity in await home.store.quantities(probe.id)
    ]
    _demand("site", choice.sites, [name for site in sites for name in (site.id, site.name)])
    _demand("probe", choice.probes, [probe.id for probe in probes])
    known = [*(one.name for one in home.settings.catalogue), *(one.quantity for one in series)]
    spelled = {name.casefold(): name for name in known}
    quantities = frozenset(spelled.get(name.casefold(), name) for name in choice.quantities)
    _demand("quantity", quantities, known)
    return [one for one in series if not quantities or one.quantity in quantities]


def _demand(what: str, wanted: frozenset[str], known: Sequence[str]) -> None:
    for name in sorted(wanted.difference(known)):
        raise NotFound(
            f"There is no {what} {name!r}.", hint=f"Known: {', '.join(sorted(set(known)))}." if known else ""
        )


async def _write(
    home: House,
    chosen: Sequence[Series],
    choice: Choice,
    sink: BinaryIO,
    write: Callable[[Sequence[Row]], bytes],
    told: Callable[[float], None],
) -> int:
    from margelle.export.row import chunks, rows

    written = 0
    for n, series in enumerate(chosen):
        told(n / len(chosen))
        async for points in chunks(home.store, series, choice.since, choice.until):
            sink.write(write(rows(points, series.site, home.settings.catalogue)))
            written += len(points)
            await asyncio.sleep(0)  # SQLite never waits, and Ctrl-C is heard only where something does
    return written


def _head(choice: Choice, quantities: Collection[str], catalogue: Catalogue, now: datetime) -> bytes:
    from margelle.export import text
    from margelle.export.row import COLUMNS

    lines = [
        "Margelle export",
        f"written: {now:%Y-%m-%dT%H:%M:%SZ}",
        f"sites: {', '.join(sorted(choice.sites)) or 'all'}",
        f"probes: {', '.join(sorted(choice.probes)) or 'all'}",
        f"since: {choice.since.isoformat() if choice.since else 'the beginning'}",
        f"until: {choice.until.isoformat() if choice.until else 'now'}",
        "at: UTC; value: in unit (UCUM); raw: as the vendor wrote it, in raw_unit; valid=false: doubted, for the reason",
        *(f"{one.name}: {one.unit} - {one.sentence}" for one in catalogue if one.name in quantities),
    ]
    return "".join(f"# {line}\n" for line in lines).encode() + text.csv_head(COLUMNS)


@contextmanager
def _sink(output: Path | None) -> Iterator[BinaryIO]:
    """Where to write: standard output, a device or pipe as it is, or a draft that becomes the file `output` once it is whole and on the disk."""
    try:
        if output is None:
            yield sys.stdout.buffer
            sys.stdout.buffer.flush()
        elif output.exists() and not output.is_file():
            with output.open("wb") as file:
                yield file
        else:
            with _draft(output.resolve()) as file:
                yield file
    except BrokenPipeError:
        raise
    except OSError as error:
        raise StoreError(f"{output or 'Standard output'} cannot be written: {error.strerror}.") from error


@contextmanager
def _draft(output: Path) -> Iterator[BinaryIO]:
    draft = output.with_name(f".{output.name}.{os.getpid()}.part")
    try:
        with draft.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        draft.replace(output)
    finally:
        draft.unlink(missing_ok=True)
