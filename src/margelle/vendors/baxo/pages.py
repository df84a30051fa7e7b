"""The past, in pages of 10 000 rows (3.6, 3.7), or of fewer where the settings say so."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import msgspec
from msgspec import UNSET, Raw, Struct
from msgspec.structs import replace

from margelle.domain.measurement import Measurement
from margelle.domain.plausible import CLOCK_TOLERANCE
from margelle.domain.site import User
from margelle.errors import BadInput, NotFound
from margelle.vendors.baxo import wire
from margelle.vendors.baxo.devices import Device, Devices
from margelle.vendors.baxo.query import Parameters
from margelle.vendors.baxo.translate import EPOCH, Tag, instant_from, row_to

PAGE: Final = 10_000
"""Rows, counted over all tags."""

_MICROSECOND: Final = timedelta(microseconds=1)


class Place(Struct, frozen=True, array_like=True):
    """Where a page begins: a device, a tag, and microseconds since 2000-01-01."""

    device: str
    reference: str
    at_us: int


class Wish(Struct, frozen=True):
    """What of the past is asked for, in seconds since 2000-01-01, both included; `many` says that devices are named in the answer."""

    contract: str
    devices: tuple[str, ...]
    many: bool
    tags: tuple[str, ...]
    start: int
    end: int
    place: Place | None = None


def asked(given: Parameters, devices: tuple[str, ...], now: datetime, *, many: bool) -> Wish:
    """What the parameters ask for. The document does not call endTime optional, but clients leave it out. Raises BadInput."""
    start, end = given.seconds("startTime"), given.seconds("endTime")
    if start is None:
        raise BadInput("The parameter 'startTime' is missing.")
    latest = (now + CLOCK_TOLERANCE - EPOCH) // timedelta(seconds=1)
    end = latest if end is None else min(end, latest)
    return Wish(given.one("contractId"), devices, many, given.many("tagReferences", "tagReference"), start, end)


def token_of(wish: Wish) -> str:
    """A wish as a text."""
    return msgspec.json.encode(wish).decode()


def wish_of(text: str) -> Wish:
    """The wish that a text is."""
    return msgspec.json.decode(text, type=Wish)


class Pages:
    """Reads one page after another, of at most `rows` rows."""

    def __init__(self, devices: Devices, rows: int) -> None:
        self._devices = devices
        self._rows = rows

    async def page(self, wish: Wish, user: User) -> tuple[wire.Historics, Wish | None]:
        """A page, and what the next one is. Raises NotFound where a device is not there, or the tag where the page began."""
        left, tables = min(PAGE, self._rows), list[wire.Historic]()
        for device, reference, tags, since in await self._begin(wish, user):
            points = await self._devices.history(device, tags, since, _until(wish), left + 1)
            table = self._table(device, points[:left], tags, many=wish.many)
            if table is not None:
                tables.append(table)
            if len(points) > left:
                at_us = (points[left].at - EPOCH) // _MICROSECOND
                return _printed(tables), replace(wish, place=Place(device.id, reference, at_us))
            left -= len(points)
        return _printed(tables), None

    async def _begin(self, wish: Wish, user: User) -> list[tuple[Device, str, list[Tag], datetime]]:
        """Every tag of every device from where the page begins, and since when."""
        since = _instant(wish.start)
        every = [
            (device, reference, tags, since)
            for device in await self._devices.some(user, wish.contract, wish.devices)
            for reference, tags in (await self._devices.references(device, wish.tags)).items()
        ]
        place = wish.place
        if place is None:
            return every
        for n, (device, reference, tags, _) in enumerate(every):
            if (device.id, reference) == (place.device, place.reference):
                return [(device, reference, tags, EPOCH + place.at_us * _MICROSECOND), *every[n + 1 :]]
        raise NotFound("What this page would begin with is not there any more.")

    def _table(self, device: Device, points: list[Measurement], tags: list[Tag], *, many: bool) -> wire.Historic | None:
        """What was measured of one reference, whose tags these are; None where there is nothing that has words."""
        tag_of, mapping = {tag.quantity: tag for tag in tags}, self._devices.tags
        rows = [row for point in points if (row := row_to(point, tag_of[point.quantity], mapping)) is not None]
        if not rows:
            return None
        return wire.Historic(
            tag_reference=tags[0].reference,
            device_identifier=device.id if many else UNSET,
            logs=Raw(msgspec.json.encode(rows)),
        )


def _printed(tables: list[wire.Historic]) -> wire.Historics:
    return wire.Historics(Raw(msgspec.json.encode(tables)))


def _until(wish: Wish) -> datetime:
    return _instant(wish.end) + timedelta(seconds=1)


def _instant(seconds: int) -> datetime:
    try:
        return instant_from(seconds)
    except ValueError as error:
        raise BadInput(f"{error}.") from None
