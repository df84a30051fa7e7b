"""BAXO Connect's JSON in BAMO's own words.

Each type cites its section of the vendor's document "BAXO Connect API" (M-201.10-FR-AC, in French). What that document prints as a table is
an object that holds one list; the list stays raw here, so that one wrong entry does not lose the others.
"""

from __future__ import annotations

from msgspec import UNSET, Raw, Struct, UnsetType

Id = str | int
"""Printed as texts; opaque."""

Number = int | float


class Contract(Struct, rename="camel"):
    """3.1 Contrats: one of `contracts`."""

    id: Id
    reference: str | None = None
    company: str | None = None
    details: str | None = None
    contact_email: str | None = None


class Contracts(Struct):
    """3.1 Contrats: the answer."""

    contracts: Raw


class Device(Struct):
    """3.2 Appareils, 3.3 Appareil. `status` is 0 active, 1 inactive, 2 suspended; `timezone` is "UTC" or a name as Windows shows it."""

    id: Id
    name: str | None = None
    details: str | None = None
    status: int | None = None
    timezone: str | None = None


class Devices(Struct):
    """3.2 Appareils: the answer."""

    devices: Raw


class OneDevice(Struct):
    """3.3 Appareil: the answer."""

    device: Raw


class Log(Struct, rename="camel", kw_only=True):
    """3.4 and 3.5 Enregistrements en temps réel: one of `logs`.

    The device is named only where several were asked for, and there with a word of its own, where 3.7 writes `deviceIdentifier`.
    In the platform's newer answers `datetime` stands for `timestamp`.
    """

    device_identifiant: Id | UnsetType | None = UNSET
    device_identifier: Id | UnsetType | None = UNSET
    tag_reference: str
    value: Raw = Raw(b"null")
    timestamp: Number | UnsetType | None = UNSET
    datetime: str | UnsetType | None = UNSET
    is_event: bool | None = None


class Logs(Struct, rename="camel"):
    """3.4 and 3.5 Enregistrements en temps réel: the answer. The platform's newer answers have two lists in place of `logs`."""

    logs: Raw | UnsetType = UNSET
    realtime_logs: Raw | UnsetType = UNSET
    event_logs: Raw | UnsetType = UNSET


class Row(Struct):
    """3.6 and 3.7 Historique, table "logs". `source` is 1 local (the device) or 2 distant (the platform)."""

    value: Raw = Raw(b"null")
    timestamp: Number | UnsetType | None = UNSET
    source: int | None = None
    datetime: str | UnsetType | None = UNSET


class Historic(Struct, rename="camel"):
    """3.6 and 3.7 Historique: one of `historics`. `logs` are rows; the device is named only where several were asked for."""

    tag_reference: str
    device_identifier: Id | UnsetType | None = UNSET
    logs: Raw = Raw(b"[]")


class HistoricLog(Row, rename="camel", kw_only=True):
    """One of `historicLogs` or `eventLogs`, which the platform's newer answers have in place of `historics`: a table, or a row that names its tag."""

    tag_reference: str
    device_identifier: Id | UnsetType | None = UNSET
    logs: Raw | UnsetType = UNSET


class Historics(Struct, rename="camel"):
    """3.6 and 3.7 Historique: the answer. `next` is the address of the next page, where there is one."""

    historics: Raw | UnsetType = UNSET
    next: str | UnsetType | None = UNSET
    historic_logs: Raw | UnsetType = UNSET
    event_logs: Raw | UnsetType = UNSET
