"""Answers in the shape of Prometheus's HTTP API: https://prometheus.io/docs/prometheus/latest/querying/api/."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, Final

import msgspec
from starlette.responses import Response

_STATUS: Final = {"bad_data": 400, "execution": 422, "timeout": 503, "unavailable": 503}


class Unanswerable(Exception):
    """A question that has no answer; `kind` is Prometheus's word for why: bad_data, execution."""

    def __init__(self, kind: str, said: str) -> None:
        super().__init__(said)
        self.kind = kind


def bad(said: str) -> Unanswerable:
    """What to raise where the question is wrong."""
    return Unanswerable("bad_data", said)


def impossible(said: str) -> Unanswerable:
    """What to raise where the question cannot be answered."""
    return Unanswerable("execution", said)


def success(told: Any) -> Response:
    """The answer that has `told`."""
    return Response(msgspec.json.encode({"status": "success", "data": told}), media_type="application/json")


def failure(kind: str, said: str, status: int = 0, headers: Mapping[str, str] | None = None) -> Response:
    """The answer that says what failed."""
    body = msgspec.json.encode({"status": "error", "errorType": kind, "error": said})
    return Response(body, status or _STATUS.get(kind, 500), dict(headers or {}), "application/json")


def number(value: float) -> str:
    """A value as Go's strconv writes it in full: the shortest digits, and no exponent."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    text = repr(value).removesuffix(".0")
    return format(Decimal(text), "f") if "e" in text else text


def instant(at_ms: int) -> float | int:
    """An instant in seconds, to the millisecond."""
    return at_ms // 1000 if at_ms % 1000 == 0 else at_ms / 1000


def points(times: Iterable[int], values: Iterable[float | None]) -> list[tuple[float | int, str]]:
    """The values that are there, each with its instant."""
    return [(instant(at_ms), number(value)) for at_ms, value in zip(times, values, strict=True) if value is not None]
