"""Operators between two values: https://prometheus.io/docs/prometheus/2.45/querying/operators/."""

from __future__ import annotations

import math
import operator
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Final

from promql_parser import BinModifier, LabelModifier, LabelModifierType, VectorMatchCardinality

from margelle.serve.prometheus.answer import bad, impossible
from margelle.serve.prometheus.samples import NAME, Labels
from margelle.serve.prometheus.value import (
    Key,
    Line,
    Scalar,
    Text,
    Value,
    Vector,
    distinct,
    divided,
    key,
    nameless,
    power,
    remainder,
    without,
)

_ARITHMETIC: Final[dict[str, Callable[[float, float], float]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": divided,
    "%": remainder,
    "^": power,
    "atan2": math.atan2,
}
_COMPARISON: Final[dict[str, Callable[[float, float], bool]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}
_NAMELESS: Final = frozenset(_ARITHMETIC) - {"atan2"}
"""Of these the metric's name is dropped; Prometheus 2.45 keeps it of `atan2`."""

_SETS: Final = frozenset({"and", "or", "unless"})

Worth = Callable[[float, float], float | None]
"""What two values come to; None where a comparison leaves nothing."""


def combined(name: str, left: Value, right: Value, modifier: BinModifier | None) -> Value:
    """`left` and `right` under an operator. Raises Unanswerable."""
    if isinstance(left, Text) or isinstance(right, Text):
        raise bad("a text has no operators")
    as_bool = modifier is not None and modifier.return_bool
    if name in _SETS:
        if not (isinstance(left, Vector) and isinstance(right, Vector)):
            raise bad(f"{name} is between two vectors")
        return _set(name, left, right, modifier)
    if name not in _ARITHMETIC and name not in _COMPARISON:
        raise impossible(f"the operator {name} is not supported here")
    worth, named = _worth(name, as_bool=as_bool), name not in _NAMELESS and not as_bool
    filters = name in _COMPARISON and not as_bool
    if isinstance(left, Scalar) and isinstance(right, Scalar):
        if filters:
            raise bad("comparisons between scalars must use BOOL modifier")
        return Scalar([worth(one, other) or 0.0 for one, other in zip(left.values, right.values, strict=True)])
    if isinstance(left, Vector) and isinstance(right, Vector):
        return _matched(worth, left, right, modifier, named=named)
    if isinstance(left, Vector) and isinstance(right, Scalar):
        return _with_scalar(left, right, worth, named=named)
    assert isinstance(left, Scalar) and isinstance(right, Vector)
    if filters:  # what stays of a comparison is the vector's value, on whichever side it stands
        test = _COMPARISON[name]
        return _with_scalar(right, left, lambda one, other: one if test(other, one) else None, named=True)
    return _with_scalar(right, left, lambda one, other: worth(other, one), named=named)


def _worth(name: str, *, as_bool: bool) -> Worth:
    if name in _ARITHMETIC:
        return _ARITHMETIC[name]
    test = _COMPARISON[name]
    if as_bool:
        return lambda one, other: float(test(one, other))
    return lambda one, other: one if test(one, other) else None


def _with_scalar(vector: Vector, scalar: Scalar, worth: Worth, *, named: bool) -> Vector:
    lines = [
        Line(
            line.labels if named else nameless(line.labels),
            [None if one is None else worth(one, other) for one, other in zip(line.values, scalar.values, strict=True)],
        )
        for line in vector.lines
    ]
    return distinct(lines)


def _matching(modifier: BinModifier | None) -> Callable[[Labels], Key]:
    """What two lines must have in common to be matched."""
    labels: LabelModifier | None = modifier.matching if modifier is not None else None
    if labels is not None and labels.type == LabelModifierType.Include:
        return lambda of: key({name: of.get(name, "") for name in labels.labels})
    ignored = {NAME, *(labels.labels if labels is not None else ())}
    return lambda of: key(without(of, ignored))


def _set(name: str, left: Vector, right: Vector, modifier: BinModifier | None) -> Vector:
    match = _matching(modifier)
    first, second = (left, right) if name != "or" else (right, left)
    there: dict[Key, list[bool]] = {}
    for line in second.lines:
        known = there.setdefault(match(line.labels), [False] * len(line.values))
        for step, value in enumerate(line.values):
            known[step] = known[step] or value is not None
    kept = [_kept(line, there.get(match(line.labels)), wanted=name == "and") for line in first.lines]
    return distinct([*left.lines, *kept] if name == "or" else kept)


def _kept(line: Line, there: Sequence[bool] | None, *, wanted: bool) -> Line:
    """A line at the instants at which the other side is there, or is not."""
    others = there or [False] * len(line.values)
    return Line(
        line.labels, [value if other is wanted else None for value, other in zip(line.values, others, strict=True)]
    )


def _matched(worth: Worth, left: Vector, right: Vector, modifier: BinModifier | None, *, named: bool) -> Vector:
    """Line by line, those that match; the one side has at most one of each."""
    match = _matching(modifier)
    card = modifier.card if modifier is not None else VectorMatchCardinality.OneToOne
    turned = card == VectorMatchCardinality.OneToMany
    many, one = (right, left) if turned else (left, right)
    ones: defaultdict[Key, list[Line]] = defaultdict(list)
    for line in one.lines:
        ones[match(line.labels)].append(line)
    for lines in ones.values():
        _demand_one(
            lines,
            "found duplicate series for the match group: many-to-many matching not allowed: matching labels must be unique on one side",
        )
    alone = card == VectorMatchCardinality.OneToOne
    if alone:
        _demand_alone(many, ones, match)
    found: dict[Key, Line] = {}
    for line in many.lines:
        for other in ones.get(match(line.labels), ()):
            labels = _labels(line.labels, other.labels, modifier, alone=alone, named=named)
            pairs = zip(line.values, other.values, strict=True)
            values = [
                None if mine is None or its is None else worth(its, mine) if turned else worth(mine, its)
                for mine, its in pairs
            ]
            _merge(found, Line(labels, values))
    return Vector([line for line in found.values() if any(value is not None for value in line.values)])


def _merge(found: dict[Key, Line], line: Line) -> None:
    known = found.get(key(line.labels))
    if known is None:
        found[key(line.labels)] = line
        return
    _demand_one([known, line], "multiple matches for labels: grouping labels must ensure unique matches")
    both = [one if one is not None else other for one, other in zip(known.values, line.values, strict=True)]
    found[key(line.labels)] = Line(line.labels, both)


def _demand_alone(many: Vector, ones: dict[Key, list[Line]], match: Callable[[Labels], Key]) -> None:
    groups: defaultdict[Key, list[Line]] = defaultdict(list)
    for line in many.lines:
        if match(line.labels) in ones:
            groups[match(line.labels)].append(line)
    for lines in groups.values():
        _demand_one(
            lines, "multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)"
        )


def _demand_one(lines: Sequence[Line], said: str) -> None:
    """Raises Unanswerable where two lines have a value at one instant."""
    if len(lines) > 1:
        for column in zip(*(line.values for line in lines), strict=True):
            if sum(value is not None for value in column) > 1:
                raise impossible(said)


def _labels(mine: Labels, its: Labels, modifier: BinModifier | None, *, alone: bool, named: bool) -> Labels:
    found = mine if named else nameless(mine)
    matching: LabelModifier | None = modifier.matching if modifier is not None else None
    if alone and matching is not None:
        if matching.type == LabelModifierType.Include:
            found = {name: value for name, value in found.items() if name in matching.labels}
        else:
            found = without(found, matching.labels)
    for name in (modifier.group_labels or ()) if modifier is not None else ():
        found = without(found, (name,)) | ({name: its[name]} if its.get(name) else {})
    return found
