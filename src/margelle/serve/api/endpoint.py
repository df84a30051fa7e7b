"""One thing that can be asked of the hub's own API: routing, checking, the OpenAPI document and the page of docs all come from this record."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any, Final, Generic, Literal, TypeVar

from msgspec import Struct
from starlette.requests import Request

from margelle.domain.access import Scope
from margelle.domain.quantity import Catalogue
from margelle.export.fragment import Fragments
from margelle.ports import Actions, Clock, Reports, Store
from margelle.serve.api.batches import Intake
from margelle.serve.api.live import Watcher
from margelle.serve.api.seen import Lookout
from margelle.serve.caller import Caller
from margelle.serve.glance import Showing
from margelle.serve.sign_in import digest

T = TypeVar("T")

Method = Literal["GET", "POST", "PUT", "DELETE"]
Form = Literal["json", "ndjson", "csv", "parquet", "arrow"]

FORMS: Final[dict[Form, str]] = {
    "json": "application/json",
    "ndjson": "application/x-ndjson",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "arrow": "application/vnd.apache.arrow.stream",
}
"""The media type of each form in which rows can be had."""


class Nothing(Struct, frozen=True):
    """No parameters."""


class Page(Struct, Generic[T], frozen=True):
    """A part of a list: `next` is the `after` with which the next part begins, null at the end."""

    items: Sequence[T]
    next: str | None = None


class Table(Struct, frozen=True):
    """Rows of one `kind`, chunk by chunk, in any of `FORMS`; at most `limit` of them, None for all.

    `cursor` tells of a row the `after` that begins behind it. As JSON it is a `Page`.
    """

    kind: type[Struct]
    chunks: AsyncIterator[Sequence[Struct]]
    limit: int | None
    cursor: Callable[[Any], str]


class Written(Struct, frozen=True):
    """A `Page` whose items are JSON already: each of `parts` is some of them, with commas between."""

    parts: Sequence[bytes | memoryview]
    next: str | None = None


class Created(Struct, frozen=True):
    """Something new, and its address below the API's own."""

    value: Any
    location: str


class Rooms(Struct, frozen=True):
    """What the API answers from."""

    store: Store
    clock: Clock
    catalogue: Catalogue
    actions: Actions
    reports: Reports
    lookout: Lookout
    showing: Showing
    watcher: Watcher
    fragments: Fragments
    intake: Intake
    again: Callable[[Request], Awaitable[Caller]]
    """Who a request is from, asked once more."""


class Visit(Struct, frozen=True):
    """One request, who it is from, and in which form rows are wanted."""

    request: Request
    caller: Caller
    rooms: Rooms
    form: Form = "json"

    @property
    def key(self) -> str:
        """What tells whoever has this key, or this login, from others; it opens nothing."""
        return digest(self.request.headers.get("authorization") or self.caller.user.email)

    @property
    def store(self) -> Store:
        """The store."""
        return self.rooms.store

    @property
    def now(self) -> datetime:
        """The instant, UTC."""
        return self.rooms.clock()


class Endpoint(Struct, frozen=True):
    """What can be asked: `method` and `path` (below `/api/v1`; what stands in braces is a parameter), and what it does in one `sentence`.

    `call` gets the visit, the parameters and, where there is one, the body. A key needs the `scope`. `answer` is the JSON that it gives, None
    where there is nothing to tell; with `rows` it can be had in every form. `sent` are media types of a body that `call` reads itself.
    Of what is `kept`, an answer may be told again while nothing is stored: until the hour ends where it is `tagged` "store", else for a second.
    `tagged` says of what the answer's ETag is made: of the store's version, since within an hour nothing else makes another answer, or of its body.
    """

    method: Method
    path: str
    tag: str
    sentence: str
    call: Callable[..., Awaitable[Any]]
    params: type[Struct] = Nothing
    body: Any = None
    answer: Any = None
    scope: Scope = "read"
    status: int = 200
    rows: type[Struct] | None = None
    sent: tuple[str, ...] = ()
    told: str = "application/json"
    tagged: Literal["store", "body", ""] = ""
    kept: bool = False
    errors: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """Its name, unique: what it does, and to what."""
        return self.call.__name__.strip("_")
