"""A hub with pools, a probe and stations of all vendors, whose store remembers what is written; and the paths of its faces, found in their routes."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from datetime import timedelta
from functools import cache
from typing import Any

from msgspec import Struct
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import Message

from margelle.domain.measurement import Measurement
from margelle.domain.site import Probe, Recommendation, Site, User
from margelle.domain.switch import Switch, Turn
from margelle.serve.app import build
from margelle.serve.sign_in import FaceDesk, hash_password
from margelle.simulate.clouds import Clouds
from margelle.store.memory import MemoryStore
from margelle.vendors import VENDORS
from tests.asgi import Response
from tests.conftest import NOW

LOGIN, PASSWORD = "john@doe.org", "p&ss w+rd é"
ELSEWHERE = "elsewhere"
PATIENCE_S = 30.0
"""What takes longer hangs."""

WRITES = ("put_", "remove_", "add", "take_", "drop_", "persona", "note_", "end_", "record", "prune", "keep_")


class Watched:
    """A store that remembers which of its writing methods were called."""

    def __init__(self, store: Any) -> None:
        self._store = store
        self.written: list[str] = []

    def __getattr__(self, name: str) -> Any:
        if name.startswith(WRITES):
            self.written.append(name)
        return getattr(self._store, name)


class Actions:
    """Whatever is done is done at once."""

    async def validate(self, recommendation: Recommendation, site: Site, user: User) -> None:
        """As done."""

    async def write(self, parameter: str, wanted: Measurement, probe: Probe, user: User) -> None:
        """As done."""

    async def switch(self, switch: Switch, wanted: Turn, site: Site, user: User) -> None:
        """As done."""


class Request(Struct, frozen=True):
    """The bytes of a request, as a server hands them over. `route` says what it was meant for."""

    vendor: str
    route: str
    method: str
    path: str
    query: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    chunks: tuple[bytes, ...]


class Faces:
    """The faces of one hub, on a loop of their own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._store = MemoryStore()
        self.store = Watched(self._store)
        self.told: Counter[tuple[str, str, int]] = Counter()
        self._loop.run_until_complete(self._furnish())
        self.ids = self._ids()

    async def _furnish(self) -> None:
        users = [User(LOGIN, hash_password(PASSWORD), "John", "Doe")]
        made = Clouds(
            self._store, list(VENDORS.values()), lambda: NOW, seed="fuzz", users=users, past=timedelta(hours=30)
        )
        await made.start()
        settings = {"baxo": {"writers": [LOGIN]}}
        self.app: Starlette = build(self.store, list(VENDORS.values()), settings, lambda: NOW, Actions(), pages=False)
        self.tokens = {
            vendor: await FaceDesk(vendor, self._store, lambda: NOW).issue("access", LOGIN, life_s=None)
            for vendor in VENDORS
        }
        self.renewals = {
            vendor: await FaceDesk(vendor, self._store, lambda: NOW).issue("refresh", LOGIN, life_s=None)
            for vendor in VENDORS
        }

    def ask(self, request: Request) -> Response:
        """The answer, whatever was asked. Raises TimeoutError where none comes."""
        self.store.written.clear()
        answer = self._loop.run_until_complete(asyncio.wait_for(_called(self.app, request), PATIENCE_S))
        self.told[request.vendor, request.route, answer.status] += 1
        return answer

    def _ids(self) -> dict[str, list[str]]:
        """What there is, by what it is called in a route or a parameter."""
        pools = self._get("ondilo", "/api/customer/v1/pools")
        advice = self._get("ondilo", f"/api/customer/v1/pools/{pools[0]['id']}/recommendations")
        contract = self._get("baxo", "/k1", b"get=contracts")["contracts"][0]["id"]
        devices = self._get("baxo", "/k1", f"get=devices&contractId={contract}".encode())["devices"]
        return {
            "pool": [str(one["id"]) for one in pools],
            "recommendation": [str(one["id"]) for one in advice] or ["1"],
            "serial": [one["Serial"] for one in self._get("flipr", "/modules")],
            "place": [str(one["Id"]) for one in self._get("flipr", "/place")],
            "contract": [contract],
            "device": [one["id"] for one in devices],
        }

    def _get(self, vendor: str, path: str, query: bytes = b"") -> Any:
        from urllib.parse import quote

        login = f"&username={LOGIN}&password={quote(PASSWORD)}".encode() if vendor == "baxo" else b""
        headers = ((b"authorization", f"Bearer {self.tokens[vendor]}".encode()),)
        answer = self.ask(Request(vendor, "at first", "GET", f"/{vendor}{path}", query + login, headers, ()))
        assert answer.status == 200, answer.text
        return json.loads(answer.body)


@cache
def paths_of(vendor: str) -> tuple[str, ...]:
    """The paths of a face, as its routes have them, without the one that catches all others."""
    app = build(MemoryStore(), [VENDORS[vendor]], {}, lambda: NOW, Actions(), pages=False)
    (mount,) = (one for one in app.routes if isinstance(one, Mount))
    found = {str(getattr(route, "path", "")) for route in mount.routes}
    return tuple(sorted(path for path in found if not path.endswith(":path}")))


def names_in(path: str) -> list[str]:
    """The names of a path's parameters."""
    return re.findall(r"{(\w+)", path)


async def _called(app: Starlette, request: Request) -> Response:
    from urllib.parse import unquote_to_bytes

    messages: list[Message] = [
        {"type": "http.request", "body": chunk, "more_body": n + 1 < len(request.chunks)}
        for n, chunk in enumerate(request.chunks)
    ] or [{"type": "http.request", "body": b"", "more_body": False}]
    coming = iter(messages)
    sent: list[Message] = []

    async def receive() -> Message:
        return next(coming, {"type": "http.disconnect"})

    async def send(message: Message) -> None:
        sent.append(message)

    names = {name for name, _ in request.headers}
    headers = [] if b"host" in names else [(b"host", b"hub.example:8080")]
    headers += [*request.headers]
    if len(request.chunks) > 1:
        headers.append((b"transfer-encoding", b"chunked"))
    elif request.chunks:
        headers.append((b"content-length", str(len(request.chunks[0])).encode()))
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": unquote_to_bytes(request.path).decode("utf-8", "replace"),
        "raw_path": request.path.encode("ascii"),
        "query_string": request.query,
        "root_path": "",
        "headers": headers,
        "client": ("127.0.0.1", 50000),
        "server": ("127.0.0.1", 8080),
        "state": {},
    }
    await app(scope, receive, send)
    start = sent[0]
    told = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"])
    return Response(start["status"], told, b"".join(message.get("body", b"") for message in sent[1:]))
