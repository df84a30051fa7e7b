"""The lists within an answer: as BAMO's document prints them, or as the newer answers of the platform beneath it are said to be.

Those have `realtimeLogs`, `historicLogs` and `eventLogs` in place of `logs` and `historics`, and an ISO `datetime` in place of `timestamp`.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import UNSET, Raw, Struct, UnsetType

from margelle.errors import Malformed
from margelle.ports import Answer, Fault
from margelle.vendors.answer import Entries, excerpt
from margelle.vendors.baxo import wire
from margelle.vendors.baxo.cloud import envelope, listed


class Table(Struct, frozen=True):
    """What an answer tells of one tag. `where` it stood; `device` as the answer names it, if it does."""

    where: str
    tag_reference: str
    device: wire.Id | UnsetType | None
    rows: list[wire.Row]


class Page(Struct):
    """One answer about the past: its tables, what of it could not be read, and the address of the next one."""

    tables: list[Table]
    faults: list[Fault]
    next: str | None


def logs_in(answer: Answer, where: str) -> Entries[wire.Log]:
    """The values of now. Raises Malformed where there is no list of them."""
    said = envelope(answer, wire.Logs, where)
    found: Entries[wire.Log] = Entries([], [], [])
    for name, raw in _lists(answer, where, logs=said.logs, realtimeLogs=said.realtime_logs, eventLogs=said.event_logs):
        part = listed(raw, wire.Log, where)
        for log in part.read:
            log.is_event = True if name == "eventLogs" else log.is_event
        found = Entries(found.read + part.read, found.wrong + part.wrong, found.lost + part.lost)
    return found


def page_in(answer: Answer, where: str) -> Page:
    """The values of the past. Raises Malformed where there is no list of them."""
    said = envelope(answer, wire.Historics, where)
    page = Page([], [], None if said.next is UNSET else said.next)
    lists = _lists(answer, where, historics=said.historics, historicLogs=said.historic_logs, eventLogs=said.event_logs)
    for name, raw in lists:
        at = where if name == "historics" else f"{where}.{name}"
        found = listed(raw, wire.HistoricLog, at)
        page.faults += found.faults
        _put(page, found.read, at, flat=name != "historics")
    return page


def _put(page: Page, told: list[wire.HistoricLog], at: str, *, flat: bool) -> None:
    """Add tables, and rows that stand alone as the tables of their tags."""
    alone: dict[tuple[str, object], Table] = {}
    for n, one in enumerate(told):
        where = f"{at}[{n}]"
        if one.logs is UNSET and flat:
            key = one.tag_reference, one.device_identifier
            if key not in alone:
                alone[key] = Table(at, one.tag_reference, one.device_identifier, [])
                page.tables.append(alone[key])
            alone[key].rows.append(one)
            continue
        try:
            rows = listed(Raw(b"[]") if one.logs is UNSET else one.logs, wire.Row, f"{where}.logs")
        except Malformed as error:
            page.faults.append(Fault(where, str(error)))
            continue
        page.faults += rows.faults
        page.tables.append(Table(where, one.tag_reference, one.device_identifier, rows.read))


def _lists(answer: Answer, where: str, **lists: Raw | UnsetType) -> Iterator[tuple[str, Raw]]:
    """Those that are there. Raises Malformed where there is none."""
    there = [(name, raw) for name, raw in lists.items() if not isinstance(raw, UnsetType)]
    if not there:
        names = ", ".join(lists)
        raise Malformed(
            f"{where}: there is none of {names}. It says: {excerpt(answer.body[:20_000].decode(errors='replace'))}"
        )
    yield from there
