"""A vendor as others know it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct, field
from starlette.types import ASGIApp

from margelle.domain.quantity import CATALOGUE
from margelle.domain.site import Account
from margelle.ports import Answer, Http, Source, Tokens, Vendor
from tests.asgi import Response, call
from tests.evidence import GotAnswer
from tests.vendors.fakes import Script

Scripts = Mapping[str, Script | list[Script]]


class Moment(Struct, frozen=True):
    """An instant at which somebody was told something: the cloud's answers by the client's operation (`_` for `/`)."""

    now: datetime
    answers: Scripts


class Knock(Struct, frozen=True):
    """A request to a face as its clients send it."""

    target: str
    headers: dict[str, str] = field(default_factory=dict)
    method: str = "GET"
    body: bytes = b""


class Party(Struct, frozen=True):
    """A vendor, its cloud's answers and its clients' requests.

    `moments` are oldest first. `listing` are the operations without which a discovery is not complete, each with the body that lists
    nothing. `lists` is the path of a face that tells what there is. `knock` makes a request of a path (for
    BAXO a query) and of what `sign_in` returned, empty for nobody's; `tour` finds all that a signed-in caller can ask for by GET.
    `refused` asserts that an error has the vendor's own shape. `settings` are the installation's. `reasons` are a site's attributes that
    only say why something else of it is not known yet: that is today's reason, whatever it was before.
    """

    vendor: Vendor
    moments: tuple[Moment, ...]
    listing: dict[str, bytes]
    lists: str
    knock: Callable[[str, str], Knock]
    sign_in: Callable[[ASGIApp, str, str], Awaitable[str]]
    tour: Callable[[Caller], Awaitable[list[str]]]
    refused: Callable[[Response], None]
    settings: dict[str, Any] = field(default_factory=dict)
    reasons: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """The vendor's."""
        return self.vendor.name

    def account(self, owner: str, realm: str = "") -> Account:
        """A login there, of a user of this hub."""
        return Account(f"{self.name}-{realm or 'own'}", self.name, owner, owner, realm=realm)

    def source(self, account: Account, http: Http, tokens: Tokens) -> Source:
        """The vendor's source in this installation."""
        make = self.vendor.configure
        return (
            make(self.settings, CATALOGUE)(account, http, tokens) if make else self.vendor.source(account, http, tokens)
        )


class Caller(Struct, frozen=True):
    """Somebody who signed in at a face."""

    party: Party
    app: ASGIApp
    credentials: str

    async def ask(self, path: str) -> Response:
        """GET a path."""
        knock = self.party.knock(path, self.credentials)
        return await call(self.app, knock.method, knock.target, knock.headers, knock.body)

    async def json(self, path: str) -> Any:
        """What a path tells."""
        answer = await self.ask(path)
        assert answer.status == 200, answer.text
        return answer.json()


def told(found: GotAnswer, now: datetime) -> Answer:
    """An answer of the evidence, which came at `now`."""
    return Answer(found.status, found.headers, found.text.encode(), now)
