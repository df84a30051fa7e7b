"""The eight services: who asks, whether they may, and what is answered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from msgspec import Raw, Struct
from msgspec.json import encode
from starlette.datastructures import URL, Headers
from starlette.responses import Response
from starlette.types import Receive, Scope

from margelle.domain.site import User
from margelle.errors import BadInput, Malformed, NotFound, Refused
from margelle.ports import AuditEntry, FaceContext
from margelle.ports.kept import Kept
from margelle.vendors.baxo import pages, wire
from margelle.vendors.baxo.answers import failure, failure_of, options, success
from margelle.vendors.baxo.devices import Device, Devices
from margelle.vendors.baxo.door import PAGED, Door
from margelle.vendors.baxo.profile import Profile
from margelle.vendors.baxo.query import Parameters, parameters
from margelle.vendors.baxo.translate import contract_to, device_to, log_from, log_to, seconds_to
from margelle.vendors.endpoint import Endpoint, address, count
from margelle.vendors.form import body

METHODS: Final = ("GET", "HEAD", "POST", "OPTIONS")
WRITE: Final = "devices-tags-write"
LONGEST_VALUE: Final = 200

KEPT: Final = {"contracts", "devices", "device", "devices-realtimes"}
"""The services whose answers are kept for a moment: what they say follows from the store and the question."""


class Ask(Struct, frozen=True):
    """A request by `user` at `now`; `scope` is the server's of it."""

    user: User
    now: datetime
    given: Parameters
    scope: Scope


Service = Callable[[Ask], Awaitable[Any]]


class Forbidden(Exception):
    """The user may not do this."""


class Api:
    """What each service answers: wire types."""

    def __init__(self, context: FaceContext, profile: Profile, door: Door) -> None:
        self._context = context
        self._devices = Devices(context, profile)
        self._pages = pages.Pages(self._devices, profile.page_rows)
        self._profile = profile
        self._door = door
        self.services: dict[str, Service] = {
            "contracts": self.contracts,
            "devices": self.devices,
            "device": self.device,
            "devices-realtimes": self.realtimes,
            PAGED: self.historics,
            WRITE: self.write,
        }

    async def contracts(self, ask: Ask) -> wire.Contracts:
        """3.1."""
        found = await self._devices.contracts(ask.user)
        return wire.Contracts(
            _list(contract_to(sites[0], sites[0].vendor.title(), ask.user) for sites in found.values())
        )

    async def devices(self, ask: Ask) -> wire.Devices:
        """3.2."""
        found = await self._devices.of(ask.user, ask.given.one("contractId"))
        return wire.Devices(_list(map(_printed, found.values())))

    async def device(self, ask: Ask) -> wire.OneDevice:
        """3.3."""
        return wire.OneDevice(Raw(encode(_printed(await self._one(ask)))))

    async def realtimes(self, ask: Ask) -> wire.Logs:
        """3.4 and 3.5: the newest value of every tag that is asked for."""
        devices, many = self._asked(ask.given), _is_many(ask.given)
        wanted = ask.given.many("tagReferences", "tagReference")
        found = await self._devices.some(ask.user, ask.given.one("contractId"), devices)
        return wire.Logs(
            _list([log for device in found for log in await self._logs(device, wanted, ask.now, many=many)])
        )

    async def historics(self, ask: Ask) -> wire.Historics:
        """3.6 and 3.7: a page of the past, with the address of the next one, which holds no password."""
        wish = await self._wish(ask)
        page, following = await self._pages.page(wish, ask.user)
        if following is not None:
            token = await self._door.keep_page(ask.user, pages.token_of(following), ask.now)
            query = {"get": PAGED, "username": ask.user.email, "pageToken": token}
            address = URL(scope={**ask.scope, "query_string": b""})  # whose bytes may be anything
            page.next = str(address.replace(query=urlencode(query)))
        return page

    async def write(self, ask: Ask) -> dict[str, str]:
        """3.8: carried to where the device is collected from, before it is said to be done."""
        device = await self._one(ask)
        reference, value = ask.given.one("tagRef", "tagReference", "tagReferences"), ask.given.one("value")
        if len(value) > LONGEST_VALUE or not value.isprintable():
            raise BadInput(f"A value is at most {LONGEST_VALUE} characters, without control characters.")
        if ask.user.email.casefold() not in self._profile.writers:
            subject = f"{device.probe.id} {reference[:100]}"
            entry = AuditEntry(ask.now, ask.user.email, "write", subject, "not allowed", device.site.id)
            await self._context.writer.record(entry)
            raise Forbidden
        await self._write(ask, device, reference, value)
        return {}

    async def _write(self, ask: Ask, device: Device, reference: str, value: str) -> None:
        tags = (await self._devices.references(device, (reference,))).get(reference)
        if not tags:
            raise NotFound("There is no such tag.")
        log = wire.Log(tag_reference=reference, value=Raw(encode(value)), timestamp=seconds_to(ask.now))
        wanted = log_from(log, tags[0], device.probe, self._devices.tags)
        assert wanted is not None
        try:
            await self._context.actions.write(reference, wanted, device.probe, ask.user)
        except Refused as error:  # their own password is good
            raise Malformed(error.what, hint=error.hint) from error

    async def _logs(self, device: Device, wanted: tuple[str, ...], now: datetime, *, many: bool) -> list[wire.Log]:
        key, both = device.id if many else "", self._profile.both_keys
        logs = [
            log_to(point, tag, self._devices.tags, event=device.is_event(tag), device=key, both=both)
            for tag, point in await self._devices.latest(device, now, wanted)
        ]
        return [log for log in logs if log is not None]

    async def _one(self, ask: Ask) -> Device:
        (device,) = await self._devices.some(ask.user, ask.given.one("contractId"), (ask.given.one("deviceId"),))
        return device

    def _asked(self, given: Parameters) -> tuple[str, ...]:
        """The devices asked for; a list of them counts before a single one."""
        return given.many("deviceIdentifiers", "deviceIdentifier") or (given.one("deviceId"),)

    async def _wish(self, ask: Ask) -> pages.Wish:
        token = ask.given.maybe("pageToken")
        if not token:
            return pages.asked(ask.given, self._asked(ask.given), ask.now, many=_is_many(ask.given))
        grant = await self._door.page(token, ask.now)
        if grant is None or grant.user.casefold() != ask.user.email.casefold():
            raise NotFound("The address of this page is no longer good.", hint="Ask for the first page again.")
        return pages.wish_of(grant.redirect_uri)


class Services(Endpoint):
    """The one address."""

    def __init__(self, context: FaceContext, profile: Profile) -> None:
        super().__init__(self._answered, failure_of)
        self._context = context
        self._door = Door(context, profile)
        self._api = Api(context, profile, self._door)
        self._kept = Kept()

    async def _answered(self, scope: Scope, receive: Receive) -> Response:
        method = scope["method"]
        if method == "OPTIONS":
            return options(METHODS)
        if method not in METHODS:
            return failure(405, f"{method[:20]} is not allowed here.", allow=", ".join(METHODS))
        form = await body(receive) if method == "POST" else b""
        given = await parameters(scope["query_string"].decode("latin-1"), Headers(scope=scope), form)
        service = self._api.services.get(given.one("get"))
        if service is None:
            known = ", ".join(self._api.services)
            raise BadInput(f"There is no service '{given.one('get')[:40]}'. There are: {known}.")
        if method == "HEAD" and given.one("get") == WRITE:  # which promises to change nothing (RFC 9110, 9.2.1)
            return failure(405, "HEAD changes nothing.", allow=", ".join(METHODS))
        now = self._context.clock()
        user = await self._door.admit(given, address(scope), now)
        count(self._context, user, now)
        ask = Ask(user, now, given, scope)
        try:
            return success(await service(ask)) if given.one("get") not in KEPT else await self._fresh(service, ask)
        except Forbidden:
            return failure(403, "This user may not write parameters.")

    async def _fresh(self, service: Service, ask: Ask) -> Response:
        """The answer, or the one that was given a moment ago, if nothing was stored since."""

        async def made() -> Response:
            return success(await service(ask))

        version = await self._context.reader.version()
        return await self._kept.or_made(version, (ask.user.email, ask.given.question), ask.now, made)


def _printed(device: Device) -> wire.Device:
    return device_to(device.site, device.probe, device.id, alone=device.alone)


def _is_many(given: Parameters) -> bool:
    return bool(given.many("deviceIdentifiers", "deviceIdentifier"))


def _list(things: Any) -> Raw:
    return Raw(encode(list(things)))
