"""What becomes of whole vectors: each value changed, put in order, made of a scalar or into samples."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Sequence

from promql_parser import Expr, MatchOp, VectorSelector

from margelle.serve.prometheus.answer import bad
from margelle.serve.prometheus.samples import NAME, Labels, Samples
from margelle.serve.prometheus.value import Line, Scalar, Value, Vector, distinct, nameless


def samples_of(line: Line, times: Sequence[int]) -> Samples:
    """What a line has at these instants, as samples."""
    present = [(at_ms, value) for at_ms, value in zip(times, line.values, strict=True) if value is not None]
    return Samples(
        line.labels, array("q", [at_ms for at_ms, _ in present]), array("d", [value for _, value in present])
    )


def each(vector: Vector, function: Callable[[float], float]) -> Vector:
    """A function of each value."""
    lines = [
        Line(nameless(line.labels), [None if value is None else function(value) for value in line.values])
        for line in vector.lines
    ]
    return distinct(lines)


def each_with(vector: Vector, function: Callable[[float, float], float], scalar: Scalar) -> Vector:
    """A function of each value and of the scalar at the same instant."""
    lines = [
        Line(
            nameless(line.labels),
            [
                None if value is None else function(value, other)
                for value, other in zip(line.values, scalar.values, strict=True)
            ],
        )
        for line in vector.lines
    ]
    return distinct(lines)


def highest(value: float, other: float) -> float:
    """The higher of two; not a number where one is none."""
    return math.nan if math.isnan(value) or math.isnan(other) else max(value, other)


def lowest(value: float, other: float) -> float:
    """The lower of two; not a number where one is none."""
    return math.nan if math.isnan(value) or math.isnan(other) else min(value, other)


def negated(value: Value) -> Value:
    """A value with the other sign. Raises Unanswerable for a text."""
    if isinstance(value, Scalar):
        return Scalar([-one for one in value.values])
    if isinstance(value, Vector):
        return each(value, lambda one: -one)
    raise bad("a text has no negative")


def lone(scalar: Scalar) -> Vector:
    """A scalar as a vector without labels."""
    return Vector([Line({}, scalar.values)])


def in_order(vector: Vector, *, down: bool) -> Vector:
    """By the value at the first instant."""

    def rank(line: Line) -> tuple[bool, float]:
        value = line.values[0]
        return (True, 0.0) if value is None or math.isnan(value) else (False, -value if down else value)

    return Vector(sorted(vector.lines, key=rank))


def equal_labels(selector: Expr) -> Labels:
    """The labels that a selector names by equality, each once."""
    if not isinstance(selector, VectorSelector):
        return {}
    matchers = selector.matchers.matchers
    names = [one.name for one in matchers]
    return {
        one.name: one.value
        for one in matchers
        if one.op == MatchOp.Equal and one.name != NAME and names.count(one.name) == 1
    }
