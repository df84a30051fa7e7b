"""Aggregation: the lines of a vector that are alike in some labels, as one; or the few of them that stand out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

from promql_parser import AggModifier, AggModifierType

from margelle.serve.prometheus.answer import impossible, number
from margelle.serve.prometheus.samples import NAME, Labels
from margelle.serve.prometheus.value import (
    Key,
    Line,
    Scalar,
    Text,
    Value,
    Vector,
    distinct,
    key,
    quantile,
    total,
    variance,
    without,
)

_OF_ALL: Final[dict[str, Callable[[Sequence[float]], float]]] = {
    "sum": total,
    "avg": lambda values: total(values) / len(values),
    "min": lambda values: min(values, key=lambda value: (math.isnan(value), value)),
    "max": lambda values: max(values, key=lambda value: (not math.isnan(value), value)),
    "count": lambda values: float(len(values)),
    "group": lambda _: 1.0,
    "stddev": lambda values: math.sqrt(variance(values)),
    "stdvar": variance,
}


def aggregated(name: str, vector: Vector, modifier: AggModifier | None, param: Value | None) -> Vector:
    """The aggregation `name` of a vector. Raises Unanswerable for one that is not supported."""
    groups: dict[Key, tuple[Labels, list[Line]]] = {}
    for line in vector.lines:
        labels = _group(line.labels, modifier)
        groups.setdefault(key(labels), (labels, []))[1].append(line)
    if name in _OF_ALL:
        return Vector([Line(labels, _each(lines, _OF_ALL[name])) for labels, lines in groups.values()])
    if name == "quantile" and isinstance(param, Scalar):
        return Vector([Line(labels, _quantiles(lines, param)) for labels, lines in groups.values()])
    if name in {"topk", "bottomk"} and isinstance(param, Scalar):
        return Vector(
            [line for _, lines in groups.values() for line in _standing_out(lines, param, top=name == "topk")]
        )
    if name == "count_values" and isinstance(param, Text):
        return distinct([line for labels, lines in groups.values() for line in _counted(labels, lines, param.text)])
    raise impossible(f"the aggregation {name} is not supported here")


def _group(labels: Labels, modifier: AggModifier | None) -> Labels:
    if modifier is None:
        return {}
    if modifier.type == AggModifierType.By:
        return {name: labels[name] for name in modifier.labels if labels.get(name)}
    return without(labels, {*modifier.labels, NAME})


def _each(lines: Sequence[Line], worth: Callable[[Sequence[float]], float]) -> list[float | None]:
    """What the values that are there at each instant come to."""
    columns = zip(*(line.values for line in lines), strict=True)
    present = ([value for value in column if value is not None] for column in columns)
    return [worth(values) if values else None for values in present]


def _quantiles(lines: Sequence[Line], shares: Scalar) -> list[float | None]:
    columns = zip(*(line.values for line in lines), strict=True)
    present = ([value for value in column if value is not None] for column in columns)
    return [quantile(share, values) if values else None for share, values in zip(shares.values, present, strict=True)]


def _standing_out(lines: Sequence[Line], most: Scalar, *, top: bool) -> list[Line]:
    """The lines with the highest or lowest values, each with those only; in this order at the first instant."""
    kept: list[list[float | None]] = [[None] * len(most.values) for _ in lines]
    order: dict[int, None] = {}
    for step, many in enumerate(most.values):
        present = [(n, value) for n, line in enumerate(lines) if (value := line.values[step]) is not None]
        present.sort(key=lambda one: (math.isnan(one[1]), -one[1] if top else one[1]))
        for n, value in present[: max(int(many), 0) if math.isfinite(many) else 0]:
            kept[n][step] = value
            order.setdefault(n)
    return [Line(lines[n].labels, kept[n]) for n in order]


def _counted(labels: Labels, lines: Sequence[Line], name: str) -> list[Line]:
    """For each value that there is, how many lines have it."""
    steps = len(lines[0].values)
    counts: dict[str, list[float | None]] = {}
    for line in lines:
        for step, value in enumerate(line.values):
            if value is not None:
                count = counts.setdefault(number(value), [None] * steps)
                count[step] = (count[step] or 0.0) + 1
    return [Line({**labels, name: value}, count) for value, count in counts.items()]
