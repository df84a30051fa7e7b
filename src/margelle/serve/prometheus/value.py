"""What an expression is worth at each instant that was asked for, and the arithmetic of floats as Go does it."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Final

from msgspec import Struct

from margelle.serve.prometheus.answer import impossible
from margelle.serve.prometheus.samples import NAME, Labels

Key = tuple[tuple[str, str], ...]


class Scalar(Struct, frozen=True):
    """A number at each instant."""

    values: Sequence[float]


class Text(Struct, frozen=True):
    """A text."""

    text: str


class Line(Struct, frozen=True):
    """The values of one set of labels at each instant; None where there is none."""

    labels: Labels
    values: Sequence[float | None]


class Vector(Struct, frozen=True):
    """Lines, each with other labels."""

    lines: list[Line]


Value = Scalar | Text | Vector

NAN: Final = math.nan


def key(labels: Labels) -> Key:
    """What tells a set of labels from others; a label without a value is none."""
    return tuple(sorted((name, value) for name, value in labels.items() if value))


def without(labels: Labels, names: Collection[str]) -> Labels:
    """Labels but for some."""
    return {name: value for name, value in labels.items() if name not in names}


def nameless(labels: Labels) -> Labels:
    """Labels without the metric's name: what is computed is no such metric any more."""
    return without(labels, (NAME,))


def distinct(lines: list[Line]) -> Vector:
    """Lines as a vector. Raises Unanswerable where two have the same labels at one instant."""
    found: dict[Key, Line] = {}
    for line in lines:
        other = found.get(key(line.labels))
        if other is None:
            found[key(line.labels)] = line
            continue
        if any(one is not None and two is not None for one, two in zip(other.values, line.values, strict=True)):
            raise impossible("vector cannot contain metrics with the same labelset")
        both = [one if one is not None else two for one, two in zip(other.values, line.values, strict=True)]
        found[key(line.labels)] = Line(line.labels, both)
    return Vector([line for line in found.values() if any(value is not None for value in line.values)])


def total(values: Sequence[float]) -> float:
    """A sum that loses no digit on its way."""
    try:
        return math.fsum(values)
    except (OverflowError, ValueError):  # infinities of both signs, or beyond all floats
        return sum(values)


def divided(one: float, other: float) -> float:
    """A quotient by IEEE 754."""
    if other:
        return one / other
    if not one or math.isnan(one):
        return NAN
    return math.copysign(math.inf, one) * math.copysign(1, other)


def power(one: float, other: float) -> float:
    """A power; not a number where it is no real one."""
    try:
        return math.pow(one, other)
    except OverflowError:
        odd = other == math.trunc(other) and math.fmod(other, 2)
        return -math.inf if one < 0 and odd else math.inf
    except ValueError:
        return math.inf if one == 0 else NAN


def remainder(one: float, other: float) -> float:
    """What a division leaves, with the sign of the dividend."""
    try:
        return math.fmod(one, other)
    except ValueError:
        return NAN


def quantile(share: float, values: Sequence[float]) -> float:
    """The quantile by linear interpolation between the two nearest ranks."""
    if not values or math.isnan(share):
        return NAN
    if share < 0 or share > 1:
        return -math.inf if share < 0 else math.inf
    ordered = sorted(values, key=lambda value: (not math.isnan(value), value))
    rank = share * (len(ordered) - 1)
    low = math.floor(rank)
    high = min(low + 1, len(ordered) - 1)
    weight = rank - low
    return ordered[low] * (1 - weight) + ordered[high] * weight


def variance(values: Sequence[float]) -> float:
    """The population's variance."""
    mean = total(values) / len(values)
    return total([(value - mean) * (value - mean) for value in values]) / len(values)
