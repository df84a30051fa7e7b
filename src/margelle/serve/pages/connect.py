"""Connecting: an account at a vendor's cloud, by its own sign-in page or with a password, or a site of one's own."""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable, Sequence
from typing import Final
from urllib.parse import parse_qs, urlencode, urlsplit

from msgspec import Struct
from starlette.responses import Response
from starlette.routing import BaseRoute

from margelle.domain.site import Account
from margelle.errors import (
    BadInput,
    Conflict,
    Limited,
    MargelleError,
    NotFound,
    Refused,
    StoreError,
    Unreachable,
)
from margelle.ports import AuditEntry, Connected, Rate, Vendor
from margelle.serve.pages.accounts import account_named, demand_manage
from margelle.serve.pages.hall import Area, Hall
from margelle.serve.pages.own_site import own_site_routes
from margelle.serve.pages.visit import Visit
from margelle.serve.pages.words import Saying
from margelle.serve.patience import Tries
from margelle.serve.sign_in import FaceDesk

STATE_LIFE_S: Final = 900.0
"""How long somebody may take at the vendor's own sign-in page."""

BY_LOGIN: Final = Rate(5, 900)
BY_PERSON: Final = Rate(15, 900)
"""How often somebody may try one login at a vendor, and all that they try there: each costs a request, and a guesser has a session too."""

_log: Final = logging.getLogger("margelle.serve")

_FAILURES: Final[tuple[tuple[type[MargelleError], str], ...]] = (
    (Refused, "refused"),
    (Limited, "limited"),
    (Unreachable, "unreachable"),
    (NotFound, "nowhere"),
    (BadInput, "bad"),
    (Conflict, "bad"),
)


class Complaint(Struct, frozen=True):
    """Why somebody could not be signed in: in the reader's words, and in those of whoever refused it."""

    says: str
    what: Saying = Saying("")


class Way(Struct, frozen=True):
    """Where an account is being connected: at which vendor, and which account is signed in again, if one is."""

    vendor: Vendor
    account: Account | None

    @property
    def query(self) -> str:
        """What names the account in an address."""
        return f"?{urlencode({'account': self.account.id})}" if self.account is not None else ""


def _routes(hall: Hall) -> Sequence[BaseRoute]:
    door = _Door(hall)
    return (
        hall.page("/connect", _choose),
        *own_site_routes(hall),
        hall.page("/connect/{vendor}", door.form),
        hall.form("/connect/{vendor}", door.sign_in),
        hall.form("/connect/{vendor}/leave", door.leave),
        hall.form("/connect/{vendor}/paste", door.paste),
        hall.page("/connect/{vendor}/back", door.back, door=True),
    )


AREA: Final = Area(_routes, "/connect", backstage=True)


async def _choose(visit: Visit) -> Response:
    """What can be connected."""
    visit.caller.demand_somebody()
    nearby = [vendor for vendor in visit.hall.vendors if vendor.nearby]
    first = not await visit.store.accounts()
    return visit.page("connect.html", vendors=visit.hall.vendors, nearby=nearby, first=first)


class _Door:
    """The vendors' doors, to which this hub leads its users. `state` is kept as a grant: it is good once, for who asked for it, in their browser."""

    def __init__(self, hall: Hall) -> None:
        self._desk = FaceDesk("connect", hall.store, hall.clock)
        self._tries = Tries(hall.store, {"login at": BY_LOGIN, "person at": BY_PERSON})

    async def form(self, visit: Visit) -> Response:
        """How to sign in at this vendor."""
        return self._shown(visit, await _way(visit))

    async def sign_in(self, visit: Visit) -> Response:
        """The login as it was sent. The password goes to the vendor's cloud, and is not shown again."""
        way, form = await _way(visit), await visit.form()
        login, password = form.get("login", "").strip(), form.get("password", "")
        if not login or not password:
            return self._shown(visit, way, 400, Complaint(visit.words("connect.empty")), login)
        connections = visit.hall.backstage.connections
        return await self._connected(
            visit,
            way,
            lambda: connections.sign_in(way.vendor.name, visit.user.email, login, password, way.account),
            login,
        )

    async def leave(self, visit: Visit) -> Response:
        """The way out to the vendor's own page, and what to do if the browser does not find back."""
        way, back = await _way(visit), self._back(visit)
        state = await self._desk.issue(
            "code", visit.user.email, life_s=STATE_LIFE_S, redirect_uri=back, client_id=_bound(visit, way)
        )
        try:
            url = await visit.hall.backstage.connections.authorize_url(
                way.vendor.name, visit.user.email, back, state, way.account
            )
        except MargelleError as error:
            return self._failed(visit, way, error)
        return visit.page("connect_leave.html", way=way, url=url, back=back, complaint=None)

    async def back(self, visit: Visit) -> Response:
        """The browser has come back. A page of another site has sent it, so at first it brings no session along: this page sends it once more."""
        query = dict(visit.request.query_params)
        if not visit.user.email:
            if "once" in query:
                return visit.page("connect_back.html", 401, target="")
            target = f"{visit.request.url.path}?{urlencode(query | {'once': 'more'})}"
            return visit.page("connect_back.html", target=target)
        return await self._returned(visit, query)

    async def paste(self, visit: Visit) -> Response:
        """The address at which a browser has ended that could not come back by itself."""
        pasted = (await visit.form()).get("address", "").strip()
        try:
            found = parse_qs(urlsplit(pasted).query)
        except ValueError:
            found = {}
        return await self._returned(visit, {name: values[0] for name, values in found.items()})

    async def _returned(self, visit: Visit, query: dict[str, str]) -> Response:
        way = await _way(visit)
        grant = await self._desk.take_code(query.get("state", ""))
        if grant is None or grant.user != visit.user.email:
            return self._shown(visit, way, 400, Complaint(visit.words("connect.lost")))
        account = grant.client_id.split("\n")[1]
        if account and (way.account is None or way.account.id != account):
            way = await _way(visit, account)
        if grant.client_id != _bound(visit, way):
            return self._shown(visit, way, 400, Complaint(visit.words("connect.lost")))
        if query.get("error") or not query.get("code"):
            return self._shown(
                visit, way, 400, Complaint(visit.words("connect.refused"), Saying(query.get("error", "")[:100], "en"))
            )
        connections = visit.hall.backstage.connections
        return await self._connected(
            visit,
            way,
            lambda: connections.redeem(
                way.vendor.name, visit.user.email, query["code"], grant.redirect_uri, way.account
            ),
        )

    async def _connected(
        self, visit: Visit, way: Way, sign_in: Callable[[], Awaitable[Connected]], login: str = ""
    ) -> Response:
        """The account's page, where its first values come in; or the form again with the reason.

        A try is counted before the cloud is asked, so that many at once are no more than one after another.
        """
        person = f"{visit.user.email}\n{way.vendor.name}"
        keys = f"{person}\n{login.casefold()}", person
        try:
            await self._tries.demand_room(keys, visit.now, "Too many attempts to sign in at this cloud.")
        except Limited as limited:
            return self._limited(visit, way, limited.retry_after_s or 60, login)
        await self._tries.add(keys, visit.now)
        try:
            made = await sign_in()
        except StoreError:
            raise
        except MargelleError as error:
            return self._failed(visit, way, error, login)
        await self._tries.forget(keys[0], visit.now)
        outcome = "signed in again" if made.again else "signed in"
        await visit.store.record(AuditEntry.on(made.account, "connect", outcome, visit.now, user=visit.user.email))
        return visit.go(f"/collection/{made.account.id}", "connected_again" if made.again else "connected")

    def _limited(self, visit: Visit, way: Way, wait_s: float, login: str) -> Response:
        complaint = Complaint(visit.words("limited", n=math.ceil(wait_s / 60)))
        answer = self._shown(visit, way, 429, complaint, login)
        answer.headers["retry-after"] = str(math.ceil(wait_s))
        return answer

    def _failed(self, visit: Visit, way: Way, error: MargelleError, login: str = "") -> Response:
        kind = next((name for known, name in _FAILURES if isinstance(error, known)), "cloud")
        _log.info("signing in at %s was not possible: %s", way.vendor.name, type(error).__name__)
        return self._shown(
            visit, way, 400, Complaint(visit.words(f"connect.failed.{kind}"), visit.words.said(error.sentence)), login
        )

    def _shown(
        self, visit: Visit, way: Way, status: int = 200, complaint: Complaint | None = None, login: str = ""
    ) -> Response:
        known = login or (way.account.login or way.account.person.email if way.account is not None else "")
        return visit.page("connect_vendor.html", status, way=way, login=known, complaint=complaint)

    def _back(self, visit: Visit) -> str:
        return f"{visit.hall.address(visit.request)}/connect/{visit.request.path_params['vendor']}/back"


async def _way(visit: Visit, again: str = "") -> Way:
    """Where the path and the query lead. Raises NotFound, and Forbidden for an account of others."""
    visit.caller.demand_somebody()
    vendor = visit.hall.vendor(visit.request.path_params["vendor"])
    wanted = again or visit.asked("account")
    if not wanted:
        return Way(vendor, None)
    account, sites = await account_named(visit, wanted)
    if account.vendor != vendor.name or account.nearby:
        raise NotFound(f"There is no account {wanted!r} to sign in again.")
    demand_manage(visit, account, sites)
    return Way(vendor, account)


def _bound(visit: Visit, way: Way) -> str:
    """To what a state is bound: the vendor, the account and this browser's session."""
    account = way.account.id if way.account is not None else ""
    return f"{way.vendor.name}\n{account}\n{visit.hall.sessions.mark(visit.request)[:32]}"
