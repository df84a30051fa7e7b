"""Which series there are for a caller, and their samples."""

from __future__ import annotations

import asyncio
from array import array
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import re2
from msgspec import Struct
from promql_parser import Matcher, Matchers, MatchOp, VectorSelector

from margelle.domain.quantity import Catalogue
from margelle.export.row import Series, chunks
from margelle.ports import Reader
from margelle.serve.api.seen import Lookout
from margelle.serve.prometheus.answer import bad, impossible
from margelle.serve.prometheus.metric import Metric, metric

Labels = dict[str, str]

MOST_SERIES: Final = 2000
"""Series in one question."""

MOST_SAMPLES: Final = 2_000_000
"""Samples in one question."""

MOST_POINTS: Final = 4_000_000
"""Instants times series in one question."""

MOST_WEIGHED: Final = 20_000_000
"""Samples in all ranges of one question; one counts in each range that it is in."""

NAME: Final = "__name__"
LABELS: Final = (NAME, "probe", "quantity", "site", "site_name", "vendor")
"""The labels of every series."""

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND: Final = timedelta(milliseconds=1)
_FIRST_MS: Final = -62_135_596_800_000
_LAST_MS: Final = 253_402_300_798_000


class Known(Struct, frozen=True):
    """A series of the store as Prometheus sees it."""

    labels: Labels
    series: Series
    metric: Metric


class Samples(Struct, frozen=True):
    """The valid values of one series: instants in milliseconds, in order, and values in the metric's unit."""

    labels: Labels
    times: array[int]
    values: array[float]


class Shelf:
    """All that a caller may see, read once for each question."""

    def __init__(self, reader: Reader, lookout: Lookout, catalogue: Catalogue, email: str) -> None:
        self._reader, self._lookout, self._catalogue, self._email = reader, lookout, catalogue, email
        self._known: list[Known] | None = None
        self._loaded = self._points = self._weighed = 0

    async def known(self) -> list[Known]:
        """Every series."""
        if self._known is None:
            seen = await self._lookout.sights(self._email)
            self._known = []
            for probe in seen.probes.values():
                site = seen.sites[probe.site]
                for quantity in await self._lookout.quantities(probe.id):
                    means = metric(quantity, self._catalogue)
                    labels = {
                        NAME: means.name, "probe": probe.id, "quantity": quantity, "site": site.id,
                        "site_name": site.name, "vendor": probe.vendor,
                    }  # fmt: skip
                    self._known.append(Known(labels, Series(probe.id, quantity, site.id), means))
        return self._known

    async def matching(self, selector: VectorSelector) -> list[Known]:
        """The series that a selector means. Raises Unanswerable where they are too many."""
        test = _test(selector)
        found = [one for one in await self.known() if test(one.labels)]
        if len(found) > MOST_SERIES:
            raise impossible(f"the query selects {len(found)} series, and {MOST_SERIES} are the most")
        return found

    def demand_points(self, series: int, steps: int) -> None:
        """Raises Unanswerable where the question has too many points by now."""
        self._points += series * steps
        if self._points > MOST_POINTS:
            raise impossible(f"the query has more than {MOST_POINTS} points: take a longer step")

    def demand_weighed(self, samples: int) -> None:
        """Raises Unanswerable where the ranges of the question hold too many samples by now."""
        self._weighed += samples
        if self._weighed > MOST_WEIGHED:
            raise impossible(f"the ranges hold more than {MOST_WEIGHED} samples: take a longer step or a shorter range")

    async def samples(self, known: Known, since_ms: int, until_ms: int) -> Samples:
        """The valid values with since <= at <= until. Raises Unanswerable where they are too many."""
        times, values = array("q"), array("d")
        since, until = _instant(since_ms), _instant(until_ms) + _MILLISECOND
        async for points in chunks(self._reader, known.series, since, until):
            for point in points:
                if point.value is not None and not point.doubts:
                    times.append((point.at - _EPOCH) // _MILLISECOND)
                    values.append(known.metric.of(point.value))
            self._loaded += len(points)
            if self._loaded > MOST_SAMPLES:
                raise impossible(f"the query would load more than {MOST_SAMPLES} samples")
            await asyncio.sleep(0)  # others are served meanwhile
        return Samples(known.labels, times, values)


def _instant(at_ms: int) -> datetime:
    return _EPOCH + min(max(at_ms, _FIRST_MS), _LAST_MS) * _MILLISECOND


def _test(selector: VectorSelector) -> Callable[[Labels], bool]:
    matchers: Matchers = selector.matchers
    alternatives = matchers.or_matchers or [matchers.matchers]
    name = selector.name
    tests = [[_matches(one) for one in every] for every in alternatives]
    return lambda labels: (
        (not name or labels[NAME] == name) and any(all(test(labels) for test in every) for every in tests)
    )


def _matches(matcher: Matcher) -> Callable[[Labels], bool]:
    name, value = matcher.name, matcher.value
    if matcher.op == MatchOp.Equal:
        return lambda labels: labels.get(name, "") == value
    if matcher.op == MatchOp.NotEqual:
        return lambda labels: labels.get(name, "") != value
    expression = pattern(value)
    if matcher.op == MatchOp.Re:
        return lambda labels: expression.fullmatch(labels.get(name, "")) is not None
    return lambda labels: expression.fullmatch(labels.get(name, "")) is None


def pattern(text: str) -> Any:
    """A regular expression, by RE2 as Prometheus itself has it: no pattern takes longer than its text is long. Raises Unanswerable."""
    options = re2.Options()
    options.log_errors, options.dot_nl, options.max_mem = False, True, 1 << 20
    try:
        return re2.compile(text, options)
    except re2.error as error:
        raise bad(f"error parsing regexp: {error.args[0] if error.args else text}") from error


def names(known: Iterable[Known]) -> Sequence[Labels]:
    """The label sets of series, in order."""
    return sorted((one.labels for one in known), key=lambda labels: [labels[name] for name in LABELS])
