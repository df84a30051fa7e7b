"""`margelle export`: measurements as CSV or NDJSON, streamed, and in a file all or nothing."""

from __future__ import annotations

import asyncio
import csv
import io
import os
import sys
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, BinaryIO

import msgspec
import typer

from margelle.cli.terminal import counted, invocation, note, progress, run
from margelle.errors import BadInput, NotFound, StoreError

if TYPE_CHECKING:
    from margelle.cli.house import House
    from margelle.config import Settings
    from margelle.domain.measurement import Measurement
    from margelle.domain.quantity import Catalogue
    from margelle.domain.site import Probe

COLUMNS = ("at", "probe", "site", "quantity", "value", "unit", "valid", "reason", "raw", "raw_unit", "origin", "doubts")
_CHUNK = 5000
_NEXT = timedelta(microseconds=1)


class Format(StrEnum):
    """How measurements are written."""

    CSV = "csv"
    NDJSON = "ndjson"


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
        typer.Option("--format", metavar="FORMAT", help="csv or ndjson. Default: as the file's name ends, else csv."),
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
    """Write measurements as CSV or NDJSON.

    The columns are at, probe, site, quantity, value, unit, valid, reason, raw, raw_unit, origin, doubts. Units are UCUM codes. A value that is
    doubted is there too, with valid=false, the reason, and in doubts each reason with its kind, as JSON. `margelle import` reads either form back, exactly. The CSV begins with lines that start with # and say what is in it.
    """
    settings = invocation(context).settings()
    choice = Choice(
        frozenset(site or ()), frozenset(probe or ()), frozenset(quantity or ()), instant(since), instant(until)
    )
    if choice.since and choice.until and choice.since >= choice.until:
        raise BadInput("--since must be before --until.")
    ndjson = form is Format.NDJSON or (form is None and output is not None and output.suffix in {".ndjson", ".jsonl"})
    written = run(_export(settings, choice, output, ndjson=ndjson))
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


async def _export(settings: Settings, choice: Choice, output: Path | None, *, ndjson: bool) -> int:
    from margelle.cli import house

    async with house.opened(settings) as home:
        chosen = await _chosen(home, choice)
        with _sink(output) as sink, progress("Exporting") as told:
            head = (
                b"" if ndjson else _head(choice, {quantity for _, quantity in chosen}, settings.catalogue, home.clock())
            )
            sink.write(head)
            line = _ndjson if ndjson else _csv
            return await _write(home, chosen, choice, sink, line, told)


Series = tuple["Probe", str]


async def _chosen(home: House, choice: Choice) -> list[Series]:
    """The series to write, those of switches among them. Raises NotFound for a name that nothing has."""
    from margelle.domain.site import Probe

    sites = await home.store.sites(gone=True)
    wanted = {site.id for site in sites if not choice.sites or choice.sites & {site.id, site.name}}
    switches = [Probe(one.id, site.id, one.vendor, one.key) for site in sites for one in site.switches]
    every = {probe.id: probe for probe in (*await home.store.probes(), *switches)}.values()
    probes = [probe for probe in every if not choice.probes or probe.id in choice.probes]
    series = [
        (probe, quantity)
        for probe in probes
        if probe.site in wanted
        for quantity in await home.store.quantities(probe.id)
    ]
    _demand("site", choice.sites, [name for site in sites for name in (site.id, site.name)])
    _demand("probe", choice.probes, [probe.id for probe in probes])
    known = [*(one.name for one in home.settings.catalogue), *(quantity for _, quantity in series)]
    spelled = {name.casefold(): name for name in known}
    quantities = frozenset(spelled.get(name.casefold(), name) for name in choice.quantities)
    _demand("quantity", quantities, known)
    return [(probe, quantity) for probe, quantity in series if not quantities or quantity in quantities]


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
    line: Callable[[dict[str, Any]], bytes],
    told: Callable[[float], None],
) -> int:
    written = 0
    for n, (probe, quantity) in enumerate(chosen):
        told(n / len(chosen))
        async for measurement in _stream(home, probe, quantity, choice):
            sink.write(line(row(measurement, probe.site, home.settings.catalogue)))
            written += 1
    return written


async def _stream(home: House, probe: Probe, quantity: str, choice: Choice) -> AsyncIterator[Measurement]:
    since = choice.since
    while True:
        chunk = await home.store.history(probe.id, quantity, since, choice.until, _CHUNK)
        for measurement in chunk:
            yield measurement
        await asyncio.sleep(0)  # SQLite never waits, and Ctrl-C is heard only where something does
        if len(chunk) < _CHUNK:
            return
        since = chunk[-1].at + _NEXT


def row(measurement: Measurement, site: str, catalogue: Catalogue) -> dict[str, Any]:
    """A measurement as the columns of an export; the unit of a quantity that the catalogue does not know is that of its raw value."""
    quantity = catalogue.get(measurement.quantity)
    at = measurement.at.isoformat().removesuffix("+00:00") + "Z"
    unit = quantity.unit if quantity else measurement.raw_unit
    reason = "; ".join(doubt.reason for doubt in measurement.doubts) or None
    values = (at, measurement.probe, site, measurement.quantity, measurement.value, unit, measurement.valid, reason)
    rest = (measurement.raw, measurement.raw_unit, measurement.origin, measurement.doubts or None)
    return dict(zip(COLUMNS, (*values, *rest), strict=True))


def _ndjson(cells: dict[str, Any]) -> bytes:
    return msgspec.json.encode(cells) + b"\n"


def _csv(cells: dict[str, Any]) -> bytes:
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(
        _cell(value) for value in cells.values()
    )  # so that both are quoted
    return line.getvalue().removesuffix("\r\n").encode("utf-8", "backslashreplace") + b"\n"


def _cell(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return msgspec.json.encode(value).decode()
    if isinstance(value, float):
        return repr(value).removesuffix(".0")
    return "" if value is None else str(value)


def _head(choice: Choice, quantities: Collection[str], catalogue: Catalogue, now: datetime) -> bytes:
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
    return "".join(f"# {line}\n" for line in lines).encode() + (",".join(COLUMNS) + "\n").encode()


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
