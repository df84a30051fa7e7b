"""An expression's value at each instant of a question, from the samples that the store has.

Semantics are those of Prometheus 2.45 (https://prometheus.io/docs/prometheus/2.45/querying/basics/), with one difference: a sample counts as
present for as long as the setting says, since probes measure hourly and not every few seconds.
"""

from __future__ import annotations

import asyncio
import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final

from msgspec import Struct
from promql_parser import (
    AggregateExpr,
    AtModifierType,
    BinaryExpr,
    Call,
    Expr,
    MatrixSelector,
    NumberLiteral,
    ParenExpr,
    StringLiteral,
    SubqueryExpr,
    UnaryExpr,
    VectorSelector,
)

from margelle.serve.prometheus import functions, windows
from margelle.serve.prometheus.aggregate import aggregated
from margelle.serve.prometheus.answer import bad, impossible
from margelle.serve.prometheus.binary import combined
from margelle.serve.prometheus.parsing import instant_ms, ms
from margelle.serve.prometheus.samples import Samples, Shelf
from margelle.serve.prometheus.value import Line, Scalar, Text, Value, Vector, distinct, nameless
from margelle.serve.prometheus.vectors import (
    each,
    each_with,
    equal_labels,
    highest,
    in_order,
    lone,
    lowest,
    negated,
    samples_of,
)
from margelle.serve.prometheus.windows import Window, Worth

MOST_STEPS: Final = 11_000
"""Instants of one question."""

_AT_ONCE: Final = 100_000
"""So many samples of windows are read before others are served."""


class Span(Struct, frozen=True):
    """The instants of a question, in milliseconds: of one at `start_ms` alone, `step_ms` is 0. `end_ms` is as it was asked."""

    start_ms: int
    end_ms: int
    step_ms: int = 0

    def times(self) -> list[int]:
        """The instants."""
        return list(range(self.start_ms, self.end_ms + 1, self.step_ms)) if self.step_ms else [self.start_ms]


class Evaluation:
    """Evaluates expressions over the series of a shelf at `times`."""

    def __init__(self, shelf: Shelf, span: Span, times: Sequence[int], lookback_ms: int, step_ms: int) -> None:
        self._shelf, self._span, self._times = shelf, span, times
        self._lookback_ms, self._step_ms = lookback_ms, step_ms

    async def value(self, expr: Expr) -> Value:
        """What an expression is worth. Raises Unanswerable."""
        found: Value
        match expr:
            case NumberLiteral():
                found = Scalar([expr.val] * len(self._times))
            case StringLiteral():
                found = Text(expr.val)
            case ParenExpr():
                found = await self.value(expr.expr)
            case UnaryExpr():
                found = negated(await self.value(expr.expr))
            case VectorSelector():
                found = await self._selected(expr)
            case BinaryExpr():
                left, right = await self.value(expr.lhs), await self.value(expr.rhs)
                found = combined(str(expr.op), left, right, expr.modifier)
            case AggregateExpr():
                param = await self.value(expr.param) if expr.param is not None else None
                found = aggregated(str(expr.op), await self._vector(expr.expr), expr.modifier, param)
            case Call():
                found = await self._called(expr.func.name, expr.args)
            case _:
                raise bad("a range of samples is only for a function, or by itself in an instant query")
        return found

    async def ranges(self, expr: Expr) -> list[Samples]:
        """The samples that a range holds before the one instant that is asked for."""
        assert isinstance(expr, MatrixSelector)
        (at_ms,) = self._instants(expr.vector_selector)
        range_ms = ms(expr.range)
        found = [
            await self._shelf.samples(known, at_ms - range_ms, at_ms)
            for known in await self._shelf.matching(expr.vector_selector)
        ]
        return [one for one in found if one.times]

    async def _vector(self, expr: Expr) -> Vector:
        found = await self.value(expr)
        if not isinstance(found, Vector):
            raise bad("a vector is expected here")
        return found

    async def _scalar(self, expr: Expr) -> Scalar:
        found = await self.value(expr)
        if not isinstance(found, Scalar):
            raise bad("a scalar is expected here")
        return found

    def _instants(self, selector: VectorSelector | SubqueryExpr) -> list[int]:
        """The instants at which a selector looks, by its `@` and `offset`."""
        offset_ms = ms(selector.offset) if selector.offset is not None else 0
        if selector.at is None:
            return [at_ms - offset_ms for at_ms in self._times]
        if selector.at.type == AtModifierType.At:
            at_ms = instant_ms(selector.at)
        else:
            at_ms = self._span.start_ms if selector.at.type == AtModifierType.Start else self._span.end_ms
        return [at_ms - offset_ms] * len(self._times)

    async def _selected(self, selector: VectorSelector, *, instants: bool = False) -> Vector:
        """Of each series the newest sample at each instant, if it is not too old; with `instants`, when it was, in seconds."""
        times = self._instants(selector)
        lines = []
        known = await self._shelf.matching(selector)
        self._shelf.demand_points(len(known), len(times))
        for one in known:
            samples = await self._shelf.samples(one, min(times) - self._lookback_ms, max(times))
            values: list[float | None] = []
            for at_ms in times:
                n = bisect_right(samples.times, at_ms) - 1
                present = n >= 0 and samples.times[n] >= at_ms - self._lookback_ms
                values.append((samples.times[n] / 1000 if instants else samples.values[n]) if present else None)
            lines.append(Line(one.labels, values))
        return Vector([line for line in lines if any(value is not None for value in line.values)])

    async def _windowed(self, expr: Expr, worth: Worth, *, named: bool = False) -> Vector:
        """A function of a range, of each series at each instant."""
        while isinstance(expr, ParenExpr):
            expr = expr.expr
        if isinstance(expr, MatrixSelector):
            times, range_ms = self._instants(expr.vector_selector), ms(expr.range)
            known = await self._shelf.matching(expr.vector_selector)
            self._shelf.demand_points(len(known), len(times))
            first, last = min(times) - range_ms, max(times)
            series = [await self._shelf.samples(one, first, last) for one in known]
        elif isinstance(expr, SubqueryExpr):
            times, range_ms = self._instants(expr), ms(expr.range or timedelta())
            series = await self._subquery(expr, min(times) - range_ms, max(times))
        else:
            raise bad("a range of samples is expected here")
        lines = []
        for samples in series:
            values = await self._worths(samples, times, range_ms, worth)
            lines.append(Line(samples.labels if named else nameless(samples.labels), values))
        return distinct(lines)

    async def _worths(self, samples: Samples, times: Sequence[int], range_ms: int, worth: Worth) -> list[float | None]:
        """What the window that ends at each instant is worth; nothing where it is empty."""
        values: list[float | None] = []
        read = 0
        for at_ms, now_ms in zip(times, self._times, strict=True):
            first, last = bisect_left(samples.times, at_ms - range_ms), bisect_right(samples.times, at_ms)
            self._shelf.demand_weighed(last - first)
            window = Window(samples.times[first:last], samples.values[first:last], at_ms, range_ms, now_ms)
            values.append(worth(window) if first < last else None)
            read += last - first
            if read > _AT_ONCE:
                read = 0
                await asyncio.sleep(0)  # others are served meanwhile
        await asyncio.sleep(0)
        return values

    async def _subquery(self, expr: SubqueryExpr, since_ms: int, until_ms: int) -> list[Samples]:
        """The values of an expression at whole multiples of the step, as samples."""
        step_ms = ms(expr.step) if expr.step is not None else self._step_ms
        if step_ms <= 0:
            raise bad("the step of a subquery is above 0")
        first = since_ms + (-since_ms) % step_ms
        if (until_ms - first) // step_ms > MOST_STEPS:
            raise impossible(f"a subquery has more than {MOST_STEPS} steps")
        times = list(range(first, until_ms + 1, step_ms))
        if not times:
            return []
        found = await Evaluation(self._shelf, self._span, times, self._lookback_ms, self._step_ms).value(expr.expr)
        lines = (
            [Line({}, found.values)] if isinstance(found, Scalar) else found.lines if isinstance(found, Vector) else []
        )
        return [samples_of(line, times) for line in lines]

    async def _called(self, name: str, args: Sequence[Expr]) -> Value:
        if name in windows.PLAIN:
            return await self._windowed(args[0], windows.PLAIN[name], named=name == "last_over_time")
        if name in functions.OF_VALUE:
            return each(await self._vector(args[0]), functions.OF_VALUE[name])
        if name in functions.OF_INSTANT:
            told = await self._vector(args[0]) if args else lone(self._seconds())
            return each(told, functions.OF_INSTANT[name])
        special: Callable[[Sequence[Expr]], Any] | None = getattr(self, f"_call_{name}", None)
        if special is None:
            raise impossible(f"the function {name} is not supported here")
        found: Value = await special(args)
        return found

    def _seconds(self) -> Scalar:
        return Scalar([at_ms / 1000 for at_ms in self._times])

    async def _call_time(self, _: Sequence[Expr]) -> Value:
        return self._seconds()

    async def _call_pi(self, _: Sequence[Expr]) -> Value:
        return Scalar([math.pi] * len(self._times))

    async def _call_timestamp(self, args: Sequence[Expr]) -> Value:
        if isinstance(args[0], VectorSelector):
            return each(await self._selected(args[0], instants=True), float)
        seconds = self._seconds().values
        lines = (await self._vector(args[0])).lines
        return distinct(
            [
                Line(
                    nameless(line.labels),
                    [at if value is not None else None for at, value in zip(seconds, line.values, strict=True)],
                )
                for line in lines
            ]
        )

    async def _call_scalar(self, args: Sequence[Expr]) -> Value:
        lines = (await self._vector(args[0])).lines
        columns = zip(*(line.values for line in lines), strict=True) if lines else ([] for _ in self._times)
        present = ([value for value in column if value is not None] for column in columns)
        return Scalar([values[0] if len(values) == 1 else math.nan for values in present])

    async def _call_vector(self, args: Sequence[Expr]) -> Value:
        return lone(await self._scalar(args[0]))

    async def _call_round(self, args: Sequence[Expr]) -> Value:
        nearest = await self._scalar(args[1]) if len(args) > 1 else Scalar([1.0] * len(self._times))
        return each_with(await self._vector(args[0]), functions.rounded, nearest)

    async def _call_clamp(self, args: Sequence[Expr]) -> Value:
        vector, low, high = await self._vector(args[0]), await self._scalar(args[1]), await self._scalar(args[2])
        kept = [
            Line(
                line.labels,
                [
                    None if least > most else value
                    for value, least, most in zip(line.values, low.values, high.values, strict=True)
                ],
            )
            for line in vector.lines
        ]
        return each_with(each_with(Vector(kept), highest, low), lowest, high)

    async def _call_clamp_min(self, args: Sequence[Expr]) -> Value:
        return each_with(await self._vector(args[0]), highest, await self._scalar(args[1]))

    async def _call_clamp_max(self, args: Sequence[Expr]) -> Value:
        return each_with(await self._vector(args[0]), lowest, await self._scalar(args[1]))

    async def _call_absent(self, args: Sequence[Expr]) -> Value:
        return self._absent(await self._vector(args[0]), args[0])

    async def _call_absent_over_time(self, args: Sequence[Expr]) -> Value:
        selector = args[0].vector_selector if isinstance(args[0], MatrixSelector) else args[0]
        return self._absent(await self._windowed(args[0], windows.PLAIN["present_over_time"]), selector)

    def _absent(self, vector: Vector, selector: Expr) -> Vector:
        there = [
            any(column)
            for column in zip(*([value is not None for value in line.values] for line in vector.lines), strict=True)
        ]
        values = [None if known else 1.0 for known in there or [False] * len(self._times)]
        return distinct([Line(equal_labels(selector), values)])

    async def _call_quantile_over_time(self, args: Sequence[Expr]) -> Value:
        return await self._windowed(args[1], windows.quantile_of(self._one(await self._scalar(args[0]))))

    async def _call_predict_linear(self, args: Sequence[Expr]) -> Value:
        return await self._windowed(args[0], windows.prediction(self._one(await self._scalar(args[1]))))

    @staticmethod
    def _one(scalar: Scalar) -> float:
        """The one value of a scalar. Raises Unanswerable where it has several."""
        if len(set(map(str, scalar.values))) > 1:
            raise impossible("a parameter that changes over time is not supported here")
        return scalar.values[0]

    async def _call_sort(self, args: Sequence[Expr]) -> Value:
        return in_order(await self._vector(args[0]), down=False)

    async def _call_sort_desc(self, args: Sequence[Expr]) -> Value:
        return in_order(await self._vector(args[0]), down=True)

    async def _call_label_replace(self, args: Sequence[Expr]) -> Value:
        return functions.label_replace(await self._vector(args[0]), *[await self._text(one) for one in args[1:]])

    async def _call_label_join(self, args: Sequence[Expr]) -> Value:
        target, separator, *sources = [await self._text(one) for one in args[1:]]
        return functions.label_join(await self._vector(args[0]), target, separator, sources)

    async def _text(self, expr: Expr) -> str:
        found = await self.value(expr)
        if not isinstance(found, Text):
            raise bad("a text is expected here")
        return found.text
