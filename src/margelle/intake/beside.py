"""What arrives is judged beside its neighbours and kept, and so are the verdicts on them that it changes: in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, cast

from msgspec import Struct

from margelle.domain.measurement import BESIDE, Measurement
from margelle.domain.plausible import CLOCK_TOLERANCE, judged
from margelle.domain.quantity import CATALOGUE, Catalogue
from margelle.domain.series import Columns
from margelle.domain.site import SiteKind
from margelle.domain.verdict import JUDGED, REACH, review
from margelle.domain.verdict.calm import Told, calm
from margelle.intake.quiet import Known, Look, Quiet, ended
from margelle.ports import Reader, Store

PIECE: Final = timedelta(days=5)
"""So long a stretch is judged at once, with what is around it: all of it is in memory meanwhile."""

SPARSE: Final = timedelta(days=31)
MANY: Final = 2000
"""A stretch in which fewer points than this arrived may be as long as a month."""

NO_LOOK: Final = Look()

_TRIES: Final = 5

_Place = tuple[str, datetime]
_MOMENT: Final = timedelta(microseconds=1)
_NONE: Final = timedelta(0)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST: Final = datetime.min.replace(tzinfo=UTC)
_LAST: Final = datetime.max.replace(tzinfo=UTC)


async def keep(
    store: Store,
    measurements: Sequence[Measurement],
    now: datetime,
    catalogue: Catalogue = CATALOGUE,
    kind: SiteKind | None = None,
) -> list[Measurement]:
    """Judge `measurements`, of probes at a site of this kind (None: of each probe's own), and keep them. Returns them with their verdicts.

    In whichever order, and however often, measurements arrive, and by however many processes at once: in the end the verdicts are the same.
    Raises what the store raises.
    """
    return await keep_judged(store, judged(measurements, now, catalogue), now, catalogue, kind)


async def keep_judged(  # noqa: PLR0917 - what is kept where and when, by which rules, and what is known of it
    store: Store,
    measurements: list[Measurement],
    now: datetime,
    catalogue: Catalogue = CATALOGUE,
    kind: SiteKind | None = None,
    quiet: Quiet | None = None,
    look: Look = NO_LOOK,
) -> list[Measurement]:
    """As `keep`, where each has been judged by itself already; the same list where their neighbours have nothing against any of them. What `quiet` knows of the probes, which `look` tells, need not be read."""
    verdicts: dict[int, Measurement] = {}
    changed: list[Measurement] = []
    spans: list[_Span] = []
    calm_now = dict(look.going)
    found = by_probe(measurements)
    marks = look.marks or await store.marks([*found])
    for probe, points in found.items():
        if probe in calm_now:
            spans.append(_span(probe, points))
            continue
        arrived = {(one.quantity, one.at): one for one in points if one.quantity in JUDGED}
        series: dict[str, Told] | None = None
        instants = sorted({at for _, at in arrived})
        for first, last in _spans(instants, len(arrived) / max(len(instants), 1)):
            spans.append(_Span(probe, first, last))
            series = await _series(store, probe, arrived, first, last)
            if series is not None and calm(series):
                continue
            series = None
            where = kind or await _kind(store, probe)
            settled, others = await _settled(store, spans[-1], arrived, catalogue, where)
            verdicts |= {id(arrived[place]): point for place, point in settled.items()}
            changed += others
        if quiet is not None and series and await _newest(store, probe, points, now):
            newest_us = quiet.micros(max(one.at for one in points))
            calm_now[probe] = Known(marks[probe], ended(series), newest_us)
    kept = [verdicts.get(id(one), one) for one in measurements] if verdicts else measurements
    if not kept:
        return kept
    added = await store.add(kept, now, changed, seen=marks)
    for span in spans if added.others else ():
        if span.probe in added.others:
            await _look_again(store, span, now, catalogue, kind)
    if quiet is not None:
        for probe, known in calm_now.items():
            if probe not in added.others:
                quiet.remember(probe, known, added.marks[probe])
    return kept


async def foreseen(
    store: Store, points: Sequence[Measurement], now: datetime, catalogue: Catalogue, kind: SiteKind
) -> tuple[list[Measurement], list[Measurement]]:
    """What `keep` would make of `points`, of one probe at one instant, and what is kept already and would be judged otherwise by them; nothing is kept."""
    alone = judged(points, now, catalogue)
    arrived = {_place(one): one for one in alone if one.quantity in JUDGED}
    if not arrived:
        return alone, []
    settled, others = await _settled(store, _span(alone[0].probe, alone), arrived, catalogue, kind)
    return [settled.get(_place(one), one) for one in alone], others


def _span(probe: str, points: Sequence[Measurement]) -> _Span:
    first = last = points[0].at
    for one in points:
        if one.at < first:
            first = one.at
        elif one.at > last:
            last = one.at
    return _Span(probe, first, last)


async def _newest(store: Store, probe: str, points: Sequence[Measurement], now: datetime) -> bool:
    """Whether all of `points` are newer than what is kept of their probe, and none is ahead of the clock."""
    first, last = min(one.at for one in points), max(one.at for one in points)
    kept = (await store.latest(probe, now)).values()
    return last <= now + CLOCK_TOLERANCE and all(one.at < first for one in kept)


def by_probe(measurements: Sequence[Measurement]) -> dict[str, list[Measurement]]:
    """Each probe's, in their order."""
    found: dict[str, list[Measurement]] = {}
    probe, of_probe = "", list[Measurement]()
    for one in measurements:
        if one.probe != probe:
            probe = one.probe
            of_probe = found.setdefault(probe, [])
        of_probe.append(one)
    return found


async def _series(
    store: Store, probe: str, arrived: Mapping[_Place, Measurement], first: datetime, last: datetime
) -> dict[str, Told] | None:
    """The sound values in this span and around it, with what arrived; None where any that is kept there is doubted beside its neighbours."""
    since, until = around(*around(first, last))
    new: dict[str, list[tuple[int, float]]] = {}
    for (quantity, at), one in arrived.items():
        if since <= at <= until and not one.doubts and one.value is not None:
            new.setdefault(quantity, []).append(((at - _EPOCH) // _MOMENT, one.value))
    series: dict[str, Told] = {}
    columns = await store.columns_of([(probe, quantity) for quantity in JUDGED], since, _moved(until, _MOMENT))
    for (_, quantity), told in columns.items():
        known = await _sound(store, probe, quantity, told)
        if known is None:
            return None
        joined = _joined(known, new.get(quantity, ()))
        if joined[0]:
            series[quantity] = joined
    return series


async def _sound(store: Store, probe: str, quantity: str, known: Columns) -> Told | None:
    """A series' values against which nothing speaks; None where neighbours speak against one."""
    if True not in known.doubtful:
        return known.times, cast("list[float]", known.values)
    doubted = [n for n, doubtful in enumerate(known.doubtful) if doubtful]
    first, last = (_EPOCH + known.times[n] * _MOMENT for n in (doubted[0], doubted[-1]))
    for point in await store.history(probe, quantity, first, _moved(last, _MOMENT)):
        if any(doubt.kind in BESIDE for doubt in point.doubts):
            return None
    sound = [
        (at, value)
        for at, value, doubtful in zip(known.times, known.values, known.doubtful, strict=True)
        if not doubtful and value is not None
    ]
    return [at for at, _ in sound], [value for _, value in sound]


def _joined(known: Told, new: Sequence[tuple[int, float]]) -> Told:
    """Both in order of time; of one instant that which is new."""
    times, values = known
    if not new:
        return times, values
    ordered = sorted(new)
    if times and ordered[0][0] <= times[-1]:
        ordered = sorted((dict(zip(times, values, strict=True)) | dict(ordered)).items())
        times, values = [], []
    return [*times, *(at for at, _ in ordered)], [*values, *(value for _, value in ordered)]


class _Span(Struct, frozen=True):
    """Where measurements have arrived."""

    probe: str
    first: datetime
    last: datetime


async def _look_again(store: Store, span: _Span, now: datetime, catalogue: Catalogue, kind: SiteKind | None) -> None:
    """Somebody else kept something while `span` was judged: judge it beside that, too."""
    since, until = around(span.first, span.last)
    quantities = [quantity for quantity in await store.quantities(span.probe) if quantity in JUDGED]
    where = kind or await _kind(store, span.probe)
    await review_piece(store, span.probe, quantities, where, since, _moved(until, _MOMENT), now, catalogue)


async def review_piece(  # noqa: PLR0917 - what is judged, where, and by what
    store: Store,
    probe: str,
    quantities: Sequence[str],
    kind: SiteKind,
    since: datetime,
    until: datetime,
    now: datetime,
    catalogue: Catalogue = CATALOGUE,
) -> tuple[int, int]:
    """Judge anew what is kept of a probe with since <= at < until: how many points were read, and how many got other verdicts.

    What another process keeps meanwhile is seen when it is looked at again, which is done until nothing is left to change.
    """
    read, total = 0, 0
    for _ in range(_TRIES):
        seen = await store.marks([probe])
        known = await stretch(store, probe, since, until, quantities)
        pairs = [
            (old, new)
            for old, new in zip(known, review(known, kind, catalogue), strict=True)
            if since <= old.at < until
        ]
        changed = [new for old, new in pairs if old.doubts != new.doubts]
        read, total = len(pairs), max(total, len(changed))
        if not changed or not (await store.add((), now, changed, seen=seen)).others:
            break
    return read, total


async def _kind(reader: Reader, probe: str) -> SiteKind:
    """Of what kind the site is at which a probe measures."""
    known = await reader.devices(probe)
    site = await reader.site(known[-1][1].site) if known else None
    return site.kind if site is not None else "other"


async def stretch(
    reader: Reader, probe: str, since: datetime, until: datetime, quantities: Iterable[str]
) -> list[Measurement]:
    """What is kept of a probe with since <= at <= until, and for `REACH` on either side."""
    since, until = around(since, until)
    return [
        point
        for quantity in quantities
        for point in await reader.history(probe, quantity, since, _moved(until, _MOMENT))
    ]


def around(since: datetime, until: datetime) -> tuple[datetime, datetime]:
    """The span in which measurements have a say on what is in this one, and the other way round."""
    return _moved(since, -REACH), _moved(until, REACH)


async def _settled(
    store: Store, span: _Span, arrived: Mapping[_Place, Measurement], catalogue: Catalogue, kind: SiteKind
) -> tuple[dict[_Place, Measurement], list[Measurement]]:
    """What arrived in this span, with its verdicts, and what is kept already and gets other ones by it."""
    quantities = [quantity for quantity in await store.quantities(span.probe) if quantity in JUDGED]
    since, until = around(span.first, span.last)  # where verdicts may change
    known = {_place(one): one for one in await stretch(store, span.probe, since, until, quantities)}
    start, end = around(since, until)
    new = {place: one for place, one in arrived.items() if start <= place[1] <= end}
    settled: dict[_Place, Measurement] = {}
    changed: list[Measurement] = []
    for point in review([*(known | new).values()], kind, catalogue):
        place = _place(point)
        if place in new and span.first <= point.at <= span.last:
            settled[place] = point
        if place in known and since <= point.at <= until and known[place].doubts != point.doubts:
            changed.append(point)
    return settled, changed


def _spans(instants: Sequence[datetime], each: float) -> Iterator[tuple[datetime, datetime]]:
    """`instants` (in order, of `each` so many points) in spans that are not too long, and none with a long silence in it."""
    start, many = 0, MANY / max(each, 1)
    for n in range(1, len(instants) + 1):
        if n == len(instants) or _ends(instants, start, n, many):
            yield instants[start], instants[n - 1]
            start = n


def _ends(instants: Sequence[datetime], start: int, n: int, many: float) -> bool:
    length = instants[n] - instants[start]
    return instants[n] - instants[n - 1] > REACH or length > SPARSE or (length > PIECE and n - start >= many)


def _moved(at: datetime, by: timedelta) -> datetime:
    """`at`, moved as far as the calendar goes."""
    try:
        return at + by
    except OverflowError:
        return _FIRST if by < _NONE else _LAST


def _place(point: Measurement) -> _Place:
    return point.quantity, point.at
