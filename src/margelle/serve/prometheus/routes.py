"""Prometheus's read API: `query`, `query_range`, `series`, `labels`, the values of a label, `metadata` and `buildinfo`."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl

import promql_parser
from promql_parser import MatrixSelector, ParenExpr, VectorSelector
from starlette.datastructures import MultiDict
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from margelle import __version__
from margelle.domain.quantity import Catalogue
from margelle.errors import Forbidden, Limited, MargelleError, Refused
from margelle.ports import Clock, Reader
from margelle.serve.api.problem import CHALLENGE
from margelle.serve.api.seen import Lookout
from margelle.serve.api.visitor import Visitors
from margelle.serve.prometheus import PREFIX
from margelle.serve.prometheus.answer import Unanswerable, bad, failure, instant, number, points, success
from margelle.serve.prometheus.evaluation import MOST_STEPS, Evaluation, Span
from margelle.serve.prometheus.metric import metric
from margelle.serve.prometheus.parsing import parsed
from margelle.serve.prometheus.samples import NAME, Known, Labels, Shelf, names
from margelle.serve.prometheus.value import Scalar, Text, Value

SEMANTICS: Final = "2.45.0"
"""The version of Prometheus whose language this is."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_SUBQUERY_MS: Final = 60_000
"""The step of a subquery that names none: Prometheus's global evaluation interval."""

_SPAN: Final = re.compile(r"[0-9a-z]{1,40}")
_MOST_FORM: Final = 1 << 20
_log: Final = logging.getLogger("margelle.serve")


class Question:
    """One request: its parameters, and what the caller may see."""

    def __init__(self, told: MultiDict, shelf: Shelf, now: datetime, label: str = "") -> None:
        self.told, self.shelf, self.now, self.label = told, shelf, now, label

    def instant_ms(self, name: str, default_ms: int | None = None) -> int:
        """An instant: seconds since 1970, or RFC 3339. Raises Unanswerable."""
        text = self.told.get(name)
        if text is None or text == "":
            if default_ms is None:
                raise bad(f'invalid parameter "{name}": it is missing')
            return default_ms
        try:
            return round(float(text) * 1000)
        except (ValueError, OverflowError):
            pass
        try:
            at = datetime.fromisoformat(text)
            return (at - _EPOCH) // _MILLISECOND
        except (ValueError, TypeError, OverflowError) as error:
            raise bad(f'invalid parameter "{name}": cannot parse {text[:40]!r} to a valid timestamp') from error

    def step_ms(self) -> int:
        """The step: seconds, or a duration such as 1h. Raises Unanswerable."""
        text = self.told.get("step", "")
        try:
            told_ms = float(text) * 1000
        except ValueError:
            try:
                told_ms = promql_parser.parse_duration(text) / _MILLISECOND if _SPAN.fullmatch(text) else 0
            except (ValueError, OverflowError):
                told_ms = math.nan
        if math.isnan(told_ms) or not 1 <= told_ms < 1e15:
            raise bad(
                'invalid parameter "step": zero or negative query resolution step widths are not accepted. Try a positive number or a duration'
            )
        return int(told_ms)

    async def matched(self) -> list[Known]:
        """The series that the `match[]` name, or all. Raises Unanswerable."""
        wanted = self.told.getlist("match[]")
        if not wanted:
            return await self.shelf.known()
        found: dict[int, Known] = {}
        for text in wanted:
            selector = parsed(text)
            if not isinstance(selector, VectorSelector):
                raise bad(f'invalid parameter "match[]": {text[:80]!r} is no series selector')
            found |= {id(one): one for one in await self.shelf.matching(selector)}
        return list(found.values())


Answer = Callable[[Question], Awaitable[Any]]


class _Prometheus:
    def __init__(self, catalogue: Catalogue, lookback_s: float) -> None:
        self._catalogue = catalogue
        self._lookback_ms = round(lookback_s * 1000)

    def answers(self) -> dict[str, Answer]:
        return {
            "query": self.query,
            "query_range": self.query_range,
            "series": self.series,
            "labels": self.labels,
            "label/{label}/values": self.values,
            "metadata": self.metadata,
            "status/buildinfo": self.buildinfo,
        }

    async def query(self, asked: Question) -> Any:
        expr = parsed(asked.told.get("query", ""))
        at_ms = asked.instant_ms("time", (asked.now - _EPOCH) // _MILLISECOND)
        evaluation = self._evaluation(asked, Span(at_ms, at_ms))
        while isinstance(expr, ParenExpr):
            expr = expr.expr
        if isinstance(expr, MatrixSelector):
            found = await evaluation.ranges(expr)
            told = [{"metric": one.labels, "values": points(one.times, one.values)} for one in found]
            return {"resultType": "matrix", "result": told}
        return _at(await evaluation.value(expr), at_ms)

    async def query_range(self, asked: Question) -> Any:
        expr = parsed(asked.told.get("query", ""))
        start_ms, end_ms, step_ms = asked.instant_ms("start"), asked.instant_ms("end"), asked.step_ms()
        if end_ms < start_ms:
            raise bad('invalid parameter "end": end timestamp must not be before start time')
        if (end_ms - start_ms) // step_ms > MOST_STEPS:
            raise bad(
                "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)"
            )
        span = Span(start_ms, end_ms, step_ms)
        return _over(await self._evaluation(asked, span).value(expr), span.times())

    async def series(self, asked: Question) -> Sequence[Labels]:
        if not asked.told.getlist("match[]"):
            raise bad("no match[] parameter provided")
        return names(await asked.matched())

    async def labels(self, asked: Question) -> Sequence[str]:
        return sorted({name for one in await asked.matched() for name in one.labels})

    async def values(self, asked: Question) -> Sequence[str]:
        return sorted({one.labels[asked.label] for one in await asked.matched() if asked.label in one.labels})

    async def metadata(self, asked: Question) -> dict[str, Any]:
        wanted = asked.told.get("metric", "")
        means = {one.labels[NAME]: metric(one.labels["quantity"], self._catalogue) for one in await asked.shelf.known()}
        told = {
            name: [{"type": "gauge", "help": one.sentence, "unit": one.unit}]
            for name, one in sorted(means.items())
            if wanted in {"", name}
        }
        limit = asked.told.get("limit", "")
        return dict(list(told.items())[: int(limit)]) if re.fullmatch("[1-9][0-9]{0,8}", limit) else told

    async def buildinfo(self, _: Question) -> dict[str, str]:
        return {
            "version": SEMANTICS,
            "revision": f"margelle-{__version__}",
            "branch": "",
            "buildUser": "",
            "buildDate": "",
            "goVersion": "",
        }

    def _evaluation(self, asked: Question, span: Span) -> Evaluation:
        return Evaluation(asked.shelf, span, span.times(), self._lookback_ms, _SUBQUERY_MS)


class _Room(NamedTuple):
    """What every path answers from."""

    reader: Reader
    clock: Clock
    catalogue: Catalogue
    visitors: Visitors
    lookout: Lookout


class _Path:
    """One path: whoever asks is admitted, and what fails is told as Prometheus tells it."""

    def __init__(self, answer: Answer, room: _Room) -> None:
        self._answer, self._room = answer, room

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        await (await self._told(request))(scope, receive, send)

    async def _told(self, request: Request) -> Response:
        if request.method not in {"GET", "HEAD", "POST"}:
            return failure("bad_data", "the methods here are GET and POST", 405, {"allow": "GET, HEAD, POST"})
        headers: Mapping[str, str] = {}
        try:
            admission = await self._room.visitors.admit(request)
            caller, headers = admission.caller, admission.headers
            if "read" not in caller.scopes:
                raise Forbidden("This key is not good for 'read'.", hint="Make another with that scope.")
            shelf = Shelf(self._room.reader, self._room.lookout, self._room.catalogue, caller.user.email)
            asked = Question(
                await _parameters(request), shelf, self._room.clock(), request.path_params.get("label", "")
            )
            answer = success(await self._answer(asked))
        except Unanswerable as error:
            answer = failure(error.kind, str(error))
        except RecursionError:
            answer = failure("bad_data", "the expression is nested too deeply")
        except MargelleError as error:
            answer = _refusal(error)
        answer.headers.update(headers)
        return answer


def _refusal(error: MargelleError) -> Response:
    if isinstance(error, Refused):
        return failure("unauthorized", str(error), 401, {"www-authenticate": CHALLENGE})
    if isinstance(error, Forbidden):
        return failure("forbidden", str(error), 403)
    if isinstance(error, Limited):
        wait_s = math.ceil(error.retry_after_s or 1)
        return failure("too_many_requests", str(error), 429, {"retry-after": str(wait_s)})
    _log.error("a question in PromQL cannot be answered: %s", error)
    return failure("unavailable", "The store cannot answer now.", 503, {"retry-after": "30"})


async def _parameters(request: Request) -> MultiDict:
    """The query's, and those of a form."""
    told = list(request.query_params.multi_items())
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if request.method == "POST" and kind == "application/x-www-form-urlencoded":
        body = await request.body()
        if len(body) > _MOST_FORM:
            raise bad("the form is larger than 1 MiB")
        try:
            told += parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=1000)
        except ValueError as error:
            raise bad("the form cannot be read") from error
    return MultiDict(told)


def _at(value: Value, at_ms: int) -> dict[str, Any]:
    """A value at one instant."""
    at = instant(at_ms)
    if isinstance(value, Scalar):
        return {"resultType": "scalar", "result": (at, number(value.values[0]))}
    if isinstance(value, Text):
        return {"resultType": "string", "result": (at, value.text)}
    told = [
        {"metric": line.labels, "value": (at, number(line.values[0]))}
        for line in value.lines
        if line.values[0] is not None
    ]
    return {"resultType": "vector", "result": told}


def _over(value: Value, times: Sequence[int]) -> dict[str, Any]:
    """A value at many instants."""
    if isinstance(value, Text):
        raise bad('invalid expression type "string" for range query, must be Scalar or instant Vector')
    if isinstance(value, Scalar):
        return {"resultType": "matrix", "result": [{"metric": {}, "values": points(times, value.values)}]}
    lines = sorted(value.lines, key=lambda line: sorted(line.labels.items()))
    return {
        "resultType": "matrix",
        "result": [{"metric": line.labels, "values": points(times, line.values)} for line in lines],
    }


def routes(
    reader: Reader, clock: Clock, catalogue: Catalogue, *, visitors: Visitors, lookout: Lookout, lookback_s: float
) -> list[BaseRoute]:
    """The routes. A sample counts as present for `lookback_s` seconds."""
    room = _Room(reader, clock, catalogue, visitors, lookout)
    answers = _Prometheus(catalogue, lookback_s).answers()
    return [Route(f"{PREFIX}/api/v1/{path}", _Path(answer, room)) for path, answer in answers.items()]
