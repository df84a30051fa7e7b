"""One path of the API: whoever asks is admitted, what they ask is read, and what comes of it is written in the form that they want."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import msgspec
from msgspec import Struct
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from margelle.errors import Forbidden, MargelleError, StoreError
from margelle.export import columnar, text
from margelle.ports.kept import Kept
from margelle.serve.api import reading
from margelle.serve.api.endpoint import FORMS, Created, Endpoint, Form, Page, Rooms, Table, Visit, Written
from margelle.serve.api.problem import details, of_error
from margelle.serve.api.visitor import Admission, Visitors
from margelle.serve.caller import Caller
from margelle.serve.repeats import REPEATABLE, Repeatable

_log: Final = logging.getLogger("margelle.serve")
_ENCODER: Final = msgspec.json.Encoder()
LARGEST_KEPT: Final = 256 << 10
"""Bytes of an answer that may be told again as it is: a month of an hourly series has 145 kB. Larger ones are put together from what is at hand of them."""
MOST_KEPT: Final = 16 << 20
"""Bytes of all answers that are kept, of all paths together."""
_HOUR: Final = timedelta(hours=1)

_VARY: Final = "accept, authorization, cookie, origin"
_TOLD: Final = "etag, link, location, retry-after, ratelimit, ratelimit-policy"
"""The headers that a script of another site may read."""


class Path:
    """Answers all methods of one path; `origins` are the sites whose scripts may read the answers. All paths keep theirs in one `kept`."""

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        rooms: Rooms,
        visitors: Visitors,
        origins: frozenset[str],
        base: str,
        *,
        kept: Kept,
    ) -> None:
        self._by_method = {endpoint.method: endpoint for endpoint in endpoints}
        if "GET" in self._by_method:
            self._by_method |= {"HEAD": self._by_method["GET"]}  # type: ignore[dict-item]
        self._rooms, self._visitors, self._origins, self._base = rooms, visitors, origins, base
        self._kept = kept

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request = Request(scope, receive)
        answer = await self._answer(request)
        if (origin := request.headers.get("origin")) in self._origins:
            answer.headers["access-control-allow-origin"] = str(origin)
            answer.headers["access-control-expose-headers"] = _TOLD
        answer.headers.setdefault("vary", _VARY)
        await answer(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        endpoint = self._by_method.get(request.method)  # type: ignore[call-overload]
        if endpoint is None:
            return self._options() if request.method == "OPTIONS" else self._not_allowed()
        headers: Mapping[str, str] = {}
        try:
            # of before it is known who asks: what changes meanwhile is seen
            version = await self._rooms.store.version() if endpoint.kept else None
            admission = await self._visitors.admit(request)
            caller, headers = admission.caller, admission.headers
            if endpoint.scope not in caller.scopes:
                raise Forbidden(f"This key is not good for {endpoint.scope!r}.", hint="Make another with that scope.")
            if version is None:
                answer = await self._anew(endpoint, request, caller)
            else:
                answer = await self._again(endpoint, request, admission, version)
        except HTTPException as refusal:
            answer = details(
                refusal.status_code, refusal.detail if refusal.status_code != 413 else "", headers=refusal.headers
            )
        except MargelleError as error:
            if isinstance(error, StoreError):
                _log.error("%s %s: %s", endpoint.method, endpoint.path, error)
            answer = of_error(error)
        answer.headers.update(headers)
        return answer

    async def _again(self, endpoint: Endpoint, request: Request, admission: Admission, version: int) -> Response:
        """The answer to this caller's same question, while it is true; else a new one."""
        told, caller = request.headers, admission.caller
        question = (request.method, request.scope["path"], request.scope["query_string"])
        key = (*question, told.get("accept"), told.get("if-none-match"), caller.user.email, caller.scopes)
        kept = self._kept.found(version, key, now := self._rooms.clock())
        if kept is None:
            answer = await self._anew(endpoint, request, caller)
            if type(answer) is not Response:  # it comes in pieces
                return answer
            kept = self._kept.put(version, key, now, answer, _true_until(endpoint, now))
        if admission.grant is not None and kept.answer.status_code == 200 and len(kept.answer.body) <= LARGEST_KEPT:
            until = min(kept.until, admission.grant.expires_at or kept.until)
            request.scope[REPEATABLE] = Repeatable(version, kept.since, until, admission.count)
        mine = Response()
        mine.status_code, mine.body, mine.raw_headers = (
            kept.answer.status_code,
            kept.answer.body,
            [*kept.answer.raw_headers],
        )
        return mine

    async def _anew(self, endpoint: Endpoint, request: Request, caller: Caller) -> Response:
        form = reading.form(request) if endpoint.rows else "json"
        asked = reading.parameters(endpoint, request.path_params, request.query_params)
        return await self._told(endpoint, Visit(request, caller, self._rooms, form), asked)

    async def _told(self, endpoint: Endpoint, visit: Visit, asked: Struct) -> Response:
        tag = await _tag(visit) if endpoint.tagged == "store" else ""
        if tag and _known(visit.request, tag):
            return _unchanged(tag)
        arguments: list[Any] = [visit, asked]
        if endpoint.body is not None:
            arguments.append(await reading.body(visit.request, endpoint.body))
        value = await endpoint.call(*arguments)
        if isinstance(value, Response):
            return value
        if isinstance(value, Written):
            return _sent(endpoint, visit, _whole(value), tag, _link(visit.request, value.next))
        if isinstance(value, Table):
            return await self._rows(endpoint, visit, value, tag)
        return self._json(endpoint, visit, value, tag)

    def _json(self, endpoint: Endpoint, visit: Visit, value: Any, tag: str) -> Response:
        headers = {}
        if isinstance(value, Created):
            headers["location"] = self._base + value.location
            value = value.value
        if endpoint.answer is None:
            return Response(status_code=endpoint.status, headers=headers)
        return _encoded(endpoint, visit, value, tag, headers)

    async def _rows(self, endpoint: Endpoint, visit: Visit, table: Table, tag: str) -> Response:
        if visit.form != "json":
            chunks = _limited(table.chunks, table.limit) if table.limit is not None else table.chunks
            stream = (
                _packed(visit.form, table.kind, chunks)
                if visit.form in {"parquet", "arrow"}
                else _lines(visit.form, table.kind, chunks)
            )
            if visit.request.method == "HEAD":
                return Response(headers=_kept(tag), media_type=FORMS[visit.form])
            return StreamingResponse(stream, headers=_kept(tag), media_type=FORMS[visit.form])
        limit = table.limit or 0
        rows: list[Struct] = []
        async for chunk in _limited(table.chunks, limit + 1):
            rows.extend(chunk)
        after = table.cursor(rows[limit - 1]) if len(rows) > limit else None
        return _encoded(endpoint, visit, Page(rows[:limit], after), tag)

    def _methods(self) -> str:
        return ", ".join(sorted({*self._by_method, "OPTIONS"}))

    def _options(self) -> Response:
        headers = {"allow": self._methods()}
        if self._origins:
            headers |= {
                "access-control-allow-methods": self._methods(),
                "access-control-allow-headers": "authorization, content-type, if-none-match, last-event-id, prefer",
                "access-control-max-age": "600",
            }
        return Response(status_code=204, headers=headers)

    def _not_allowed(self) -> Response:
        return details(405, f"Here there is {self._methods()}.", headers={"allow": self._methods()})


def _true_until(endpoint: Endpoint, now: datetime) -> datetime | None:
    """Until when an answer is true while nothing is stored, as its ETag says too; None for a second."""
    return now.replace(minute=0, second=0, microsecond=0) + _HOUR if endpoint.tagged == "store" else None


def _encoded(
    endpoint: Endpoint, visit: Visit, value: Any, tag: str, headers: Mapping[str, str] | None = None
) -> Response:
    """A value as JSON, or that the client has it already."""
    link = _link(visit.request, value.next) if isinstance(value, Page) else {}
    return _sent(endpoint, visit, _ENCODER.encode(value), tag, {**(headers or {}), **link})


def _whole(page: Written) -> bytes:
    """A page, each byte of which is copied once."""
    pieces: list[bytes | memoryview] = [b'{"items":[']
    for part in page.parts:
        pieces += (part, b",")
    if page.parts:
        pieces.pop()
    return b"".join([*pieces, b'],"next":', _ENCODER.encode(page.next), b"}"])


def _sent(endpoint: Endpoint, visit: Visit, body: bytes, tag: str, headers: Mapping[str, str]) -> Response:
    """A body of JSON, or that the client has it already."""
    if endpoint.tagged == "body":
        tag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        if _known(visit.request, tag):
            return _unchanged(tag)
    return Response(body, endpoint.status, {**headers, **_kept(tag)}, "application/json")


async def _tag(visit: Visit) -> str:
    """What an answer is known by that depends on the store, the question and the caller alone, and on the hour where a span ends now."""
    version = await visit.store.version()
    scope, caller = visit.request.scope, visit.caller
    said = f"{scope['path']}?{scope['query_string'].decode('latin-1')} {caller.user.email} {sorted(caller.scopes)} {visit.form} {visit.now:%Y-%m-%dT%H}"
    return f'"{version:x}-{hashlib.blake2b(said.encode("utf-8", "surrogatepass"), digest_size=9).hexdigest()}"'


def _known(request: Request, tag: str) -> bool:
    """Whether the client has that already (RFC 9110, 13.1.2: compared weakly)."""
    told = request.headers.get("if-none-match", "")
    return request.method in {"GET", "HEAD"} and tag in {part.strip().removeprefix("W/") for part in told.split(",")}


def _unchanged(tag: str) -> Response:
    return Response(status_code=304, headers=_kept(tag))


def _kept(tag: str) -> dict[str, str]:
    return {"etag": tag, "cache-control": "private, no-cache"} if tag else {}


def _link(request: Request, after: str | None) -> dict[str, str]:
    """Where the next part is (RFC 8288)."""
    if after is None:
        return {}
    url = request.url.include_query_params(after=after)
    return {"link": f'<{url.path}?{url.query}>; rel="next"'}


async def _limited(chunks: AsyncIterator[Sequence[Struct]], limit: int) -> AsyncIterator[Sequence[Struct]]:
    async for chunk in chunks:
        yield chunk[:limit]
        limit -= len(chunk)
        if limit <= 0:
            return


async def _lines(form: Form, kind: type[Struct], chunks: AsyncIterator[Sequence[Struct]]) -> AsyncIterator[bytes]:
    write: Callable[[Sequence[Any]], bytes] = text.csv if form == "csv" else text.ndjson
    if form == "csv":
        yield text.csv_head(kind.__struct_fields__)
    async for chunk in chunks:
        if chunk:
            yield write(chunk)
        await asyncio.sleep(0)  # others are served between the pieces of a long answer


async def _packed(form: Form, kind: type[Struct], chunks: AsyncIterator[Sequence[Struct]]) -> AsyncIterator[bytes]:
    writer = columnar.writer(form, kind)
    async for chunk in chunks:
        if chunk:
            yield writer.write(chunk)
        await asyncio.sleep(0)
    yield writer.close()
