"""What a file that is imported holds, line by line."""

from __future__ import annotations

import codecs
from collections.abc import Iterator, Mapping, Sequence, Set
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol
from zoneinfo import ZoneInfo

from margelle.cli.terminal import progress
from margelle.domain.site import Probe, Site
from margelle.errors import BadInput, StoreError
from margelle.intake import exported
from margelle.intake.form import Csv, Entry, Form, Ndjson, entries
from margelle.intake.mapped import Columns
from margelle.intake.point import Arrival, probe_named

if TYPE_CHECKING:
    from margelle.cli.bring import Wanted
    from margelle.cli.house import House

CHUNK: Final = 1 << 18
LARGEST_ANSWER: Final = 256 << 20
"""In bytes; a vendor's answer is read whole."""


class Brought(Protocol):
    """The lines of a file. They can be read again."""

    def arrivals(self) -> Iterator[Arrival]:
        """Each line. Raises BadInput where the file is broken."""
        ...

    async def add_missing(self) -> Sequence[str]:
        """Add the sites and probes that were missing, if that was wanted. Returns the ids of these sites."""
        ...


async def brought(home: House, wanted: Wanted) -> Brought:
    """What reads the file. Raises BadInput."""
    probes = {probe.id: probe for probe in await home.store.probes()}
    if wanted.kind == "export":
        switches = {switch.id for site in await home.store.sites(gone=True) for switch in site.switches}
        return _Export(home, wanted, probes.keys() | switches)
    if not wanted.probe and wanted.kind != "table":
        raise BadInput("Which probe has measured it?", hint="Say --probe.")
    zone = await _zone(home, wanted, probes)
    if wanted.kind == "table":
        return _Table(home, wanted, probes, zone)
    return _Answer(home, wanted, probes, zone)


class _Export:
    """An export of a hub's."""

    def __init__(self, home: House, wanted: Wanted, known: Set[str]) -> None:
        """`known` are the ids of what measures on this hub: probes, and switches, whose standing is measured too."""
        self._home, self._wanted, self._known = home, wanted, known
        self._missing: dict[str, str] = {}

    def arrivals(self) -> Iterator[Arrival]:
        for entry in _entries(self._wanted.file, self._form()):
            try:
                yield self._line(entry)
            except BadInput as error:
                yield Arrival(entry.n, fault=str(error))

    async def add_missing(self) -> Sequence[str]:
        if not self._missing:
            return ()
        from margelle.cli.wanted import owner_named
        from margelle.intake.own import extend, own_account

        account = await own_account(self._home.store, await owner_named(self._home.store, self._wanted.owner))
        known = {site.id for site in await self._home.store.sites()}
        sites = {site: _bare(site) for site in self._missing.values() if site not in known}
        probes = [_bare_probe(probe, site) for probe, site in self._missing.items()]
        await extend(self._home.store, account, list(sites.values()), probes, self._home.clock())
        return list(sites)

    def _form(self) -> Form:
        with self._wanted.file.open("rb") as file:
            begin = file.read(1 << 16).decode("utf-8-sig", "replace")
        first = next((line for line in begin.splitlines() if line.strip() and not line.startswith("#")), "")
        if first.lstrip().startswith("{"):
            return Ndjson(exported.Row)
        if exported.is_head(first):
            return exported.table()
        raise BadInput(
            f"{self._wanted.file.name} is no export of margelle.",
            hint="A table wants --map, a vendor's answer --as ondilo, flipr or baxo.",
        )

    def _line(self, entry: Entry) -> Arrival:
        if entry.fault:
            return Arrival(entry.n, fault=entry.fault)
        row: exported.Row = entry.told
        if row.probe not in self._known:
            if not self._wanted.new_probes:
                raise BadInput(f"This hub has no probe {row.probe[:100]}.", hint="--new-probes adds it.")
            self._missing[row.probe] = row.site
        return Arrival(entry.n, row.measurement(self._home.settings.catalogue))


class _Table:
    """Anybody's table."""

    def __init__(self, home: House, wanted: Wanted, probes: Mapping[str, Probe], zone: tzinfo | None) -> None:
        self._wanted = wanted
        self._columns = Columns(
            wanted.mapping,
            home.settings.catalogue,
            probes,
            wanted.probe,
            zone=zone,
            pattern=wanted.pattern,
            decimal=wanted.decimal,
        )

    def arrivals(self) -> Iterator[Arrival]:
        form: Csv = self._columns.table(self._wanted.delimiter)
        for entry in _entries(self._wanted.file, form, self._wanted.encoding):
            try:
                for found in self._columns.measurements(entry.told):
                    yield Arrival(entry.n, fault=found) if isinstance(found, str) else Arrival(entry.n, found)
            except BadInput as error:
                yield Arrival(entry.n, fault=str(error))

    async def add_missing(self) -> Sequence[str]:
        """A table names only probes that there are."""
        return ()


class _Answer:
    """An answer of a vendor's cloud; its lines are its entries."""

    def __init__(self, home: House, wanted: Wanted, probes: Mapping[str, Probe], zone: tzinfo | None) -> None:
        self._home, self._wanted = home, wanted
        self._vendor = home.vendor(wanted.kind)
        self._probe = probe_named(wanted.probe, probes)
        self._zone = zone

    def arrivals(self) -> Iterator[Arrival]:
        assert self._vendor.printed is not None
        assert self._zone is not None
        if self._wanted.file.stat().st_size > LARGEST_ANSWER:
            raise BadInput(f"{self._wanted.file.name} is larger than any answer: {LARGEST_ANSWER >> 20} MiB.")
        settings = self._home.settings
        body = self._wanted.file.read_bytes()
        batch = self._vendor.printed(
            body, self._probe, self._zone, settings.section(self._vendor.name), settings.catalogue
        )
        for n, point in enumerate(batch.measurements, 1):
            yield Arrival(n, point)
        for n, fault in enumerate(batch.faults, len(batch.measurements) + 1):
            yield Arrival(n, fault=f"{fault.where}: {fault.what}")

    async def add_missing(self) -> Sequence[str]:
        """An answer is of one probe, which is there."""
        return ()


async def _zone(home: House, wanted: Wanted, probes: Mapping[str, Probe]) -> tzinfo | None:
    """The clock of instants without a zone: the one that was named, else the site's."""
    name = wanted.time_zone
    if not name and wanted.probe:
        site = await home.store.site(probe_named(wanted.probe, probes).site)
        name = site.time_zone if site else "UTC"
    try:
        return ZoneInfo(name) if name else None
    except (ValueError, OSError, KeyError):
        raise BadInput(f"There is no time zone {name!r}.", hint="It is like Europe/Paris.") from None


def _entries(file: Path, form: Form, encoding: str = "utf-8") -> Iterator[Entry]:
    """The entries of a file, read piece by piece."""
    try:
        decoder = None if encoding == "utf-8" else _decoder(encoding)
        with progress("Reading") as told, file.open("rb") as opened:
            size, done = file.stat().st_size, 0
            while chunk := opened.read(CHUNK):
                yield from entries(form.feed(chunk if decoder is None else decoder.decode(chunk).encode()))
                done += len(chunk)
                told(done / size)
        if decoder is not None:
            yield from entries(form.feed(decoder.decode(b"", final=True).encode()))  # raises where a character is cut
        yield from entries(form.close())
    except UnicodeError as error:
        why = error.reason if isinstance(error, UnicodeDecodeError | UnicodeEncodeError) else str(error)
        raise BadInput(f"{file.name} is not in {encoding}: {why}.") from None
    except OSError as error:
        raise StoreError(f"{file} cannot be read: {error.strerror}.") from error


def _decoder(encoding: str) -> codecs.IncrementalDecoder:
    """Raises BadInput for what is no encoding of texts, such as hex."""
    try:
        "".encode(encoding)  # which refuses the codecs that are of no text
        return codecs.getincrementaldecoder(encoding)()
    except (LookupError, ValueError):
        raise BadInput(f"There is no encoding {encoding!r}.", hint="It is like cp1252.") from None


def _bare(site: str) -> Site:
    """A site of which only the id is known, until its cloud, if it has one, tells more."""
    realm, _, key = site.partition(":")
    return Site(site, realm.partition("@")[0], key, key)


def _bare_probe(probe: str, site: str) -> Probe:
    realm, _, key = site.partition(":")
    return Probe(probe, site, realm.partition("@")[0], key)
