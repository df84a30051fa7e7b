"""Functions of a vector, value by value, and of labels."""

from __future__ import annotations

import math
import re
from calendar import monthrange
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from margelle.serve.prometheus.answer import bad
from margelle.serve.prometheus.samples import pattern
from margelle.serve.prometheus.value import NAN, Line, Vector, distinct, without

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_GROUP: Final = re.compile(r"\$(?:\$|(\w+)|\{(\w+)\})")


def _real(function: Callable[[float], float]) -> Callable[[float], float]:
    """A function that is not a number where mathematics has none, instead of an error."""

    def told(value: float) -> float:
        try:
            return function(value)
        except OverflowError:
            return math.inf
        except ValueError:
            return -math.inf if value == 0 else NAN

    return told


def _whole(function: Callable[[float], float]) -> Callable[[float], float]:
    return lambda value: value if not math.isfinite(value) else float(function(value))


def rounded(value: float, nearest: float) -> float:
    """To the nearest multiple; half goes up."""
    inverse = 1 / nearest if nearest else math.inf
    found = value * inverse + 0.5
    return math.floor(found) / inverse if math.isfinite(found) else NAN if math.isnan(found) or not nearest else value


def _day(part: Callable[[datetime], int]) -> Callable[[float], float]:
    def told(value: float) -> float:
        try:
            return float(part(_EPOCH + timedelta(seconds=math.floor(value))))
        except (OverflowError, ValueError):
            return NAN

    return told


OF_VALUE: Final[dict[str, Callable[[float], float]]] = {
    "abs": abs,
    "ceil": _whole(math.ceil),
    "floor": _whole(math.floor),
    "exp": _real(math.exp),
    "ln": _real(math.log),
    "log2": _real(math.log2),
    "log10": _real(math.log10),
    "sqrt": _real(math.sqrt),
    "sgn": lambda value: value if math.isnan(value) else float((value > 0) - (value < 0)),
    "sin": _real(math.sin), "cos": _real(math.cos), "tan": _real(math.tan),
    "asin": _real(math.asin), "acos": _real(math.acos), "atan": math.atan,
    "sinh": _real(math.sinh), "cosh": _real(math.cosh), "tanh": math.tanh,
    "deg": math.degrees, "rad": math.radians,
}  # fmt: skip
"""Functions of one value."""

OF_INSTANT: Final[dict[str, Callable[[float], float]]] = {
    "year": _day(lambda at: at.year),
    "month": _day(lambda at: at.month),
    "day_of_month": _day(lambda at: at.day),
    "day_of_week": _day(lambda at: at.isoweekday() % 7),
    "day_of_year": _day(lambda at: at.timetuple().tm_yday),
    "days_in_month": _day(lambda at: monthrange(at.year, at.month)[1]),
    "hour": _day(lambda at: at.hour),
    "minute": _day(lambda at: at.minute),
}
"""Functions of a value that is an instant in seconds since 1970; of the instant itself where they are given none. In UTC."""


def label_replace(vector: Vector, target: str, template: str, source: str, expression: str) -> Vector:
    """A label made of the groups of another one's match; as it was where that does not match."""
    _demand_label(target)
    matching = pattern(expression)
    lines = []
    for line in vector.lines:
        found = matching.fullmatch(line.labels.get(source, ""))
        lines.append(Line(_with(line, target, _expanded(template, found)), line.values) if found else line)
    return distinct(lines)


def label_join(vector: Vector, target: str, separator: str, sources: list[str]) -> Vector:
    """A label made of others."""
    _demand_label(target)
    return distinct(
        [
            Line(_with(line, target, separator.join(line.labels.get(one, "") for one in sources)), line.values)
            for line in vector.lines
        ]
    )


def _demand_label(name: str) -> None:
    if not _LABEL.fullmatch(name):
        raise bad(f"invalid label name {name!r}")


def _with(line: Line, name: str, value: str) -> dict[str, str]:
    rest = without(line.labels, (name,))
    return {**rest, name: value} if value else rest


def _expanded(template: str, found: Any) -> str:
    """`$1` and `${name}` as what those groups are; `$$` is a dollar."""

    def group(named: re.Match[str]) -> str:
        name = named[1] or named[2]
        if name is None:
            return "$"
        try:
            return found.group(int(name) if name.isdecimal() else name) or ""
        except (IndexError, KeyError):
            return ""

    return _GROUP.sub(group, template)
