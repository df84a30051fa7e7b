"""What is kept of probes in PostgreSQL: read as far as the layout's rules ask for it, and written if nobody else was quicker."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from margelle.store.layout.answers import Answers
from margelle.store.layout.tables import Place
from margelle.store.postgres.asking import FIRSTS, Asking, Row, Transaction
from margelle.store.postgres.failure import Undone
from margelle.store.postgres.image import Image
from margelle.store.postgres.kept import NEWEST, Kept, Missing, encode
from margelle.store.row import Row as Point

COPIED: Final = 8
"""From so many probes on, what came of them is copied to the server; of fewer, all is sent together."""
_SENT_TOGETHER: Final = 1000
"""So many heads are sent to a cluster with one statement."""
_HEADS: Final = "SELECT probe, turn, pieces, points, newest FROM head WHERE probe = ANY(%s)"
_TURNS: Final = "SELECT probe, turn FROM head WHERE probe = ANY(%s)"
_LOCK_HEADS: Final = f'{_HEADS} ORDER BY probe COLLATE "C" FOR NO KEY UPDATE'
"""In the order in which Python sorts names, whatever the database's own is."""
_SHARDS: Final = "SELECT name, get_shard_id_for_distribution_column('head', name) FROM unnest(%s::text[]) AS name"
_PIECES: Final = "SELECT probe, points FROM piece WHERE probe = ANY(%s) ORDER BY probe, id"
_PLACES: Final = "SELECT probe, since, until, count, longest FROM chunk WHERE probe = ANY(%s) ORDER BY probe, since"
_ROLLED: Final = "SELECT probe, zone, until FROM rolled WHERE probe = ANY(%s)"
_SITES: Final = "SELECT probe.id, site.doc FROM probe JOIN site ON site.id = probe.site WHERE probe.id = ANY(%s)"
_CHUNKS: Final = "SELECT since, points FROM chunk WHERE probe = %s AND since = ANY(%s)"
_YEARS: Final = "SELECT year, days FROM year WHERE probe = %s AND zone = %s AND year BETWEEN %s AND %s"

_SPAN: Final = """
SELECT probe, since, until, count, longest, points FROM (
    SELECT probe, since, until, count, longest, points FROM chunk
        WHERE probe = ANY(%(probes)s) AND since < %(until)s AND until >= %(since)s
    UNION ALL SELECT probe, NULL::int8, id, NULL::int4, NULL::int4, points FROM piece WHERE probe = ANY(%(probes)s)
) AS kept ORDER BY since, until
"""
"""Within brackets, so that each node of a cluster answers all of it for its probes."""
_DAYS: Final = """
SELECT 0, turn, pieces::int8, points, NULL::int8, NULL::bytea FROM head WHERE probe = %(probe)s
UNION ALL SELECT 1, id, NULL, NULL, NULL, points FROM piece WHERE probe = %(probe)s
UNION ALL SELECT 2, since, until, count, longest, CASE WHEN since < %(until)s AND until >= greatest(%(since)s,
    (SELECT until FROM rolled WHERE probe = %(probe)s AND zone = %(zone)s)) THEN points END FROM chunk WHERE probe = %(probe)s
UNION ALL SELECT 3, until, NULL, NULL, NULL, NULL FROM rolled WHERE probe = %(probe)s AND zone = %(zone)s
UNION ALL SELECT 4, year, NULL, NULL, NULL, days FROM year
    WHERE probe = %(probe)s AND zone = %(zone)s AND year BETWEEN %(first)s AND %(last)s
ORDER BY 1, 2
"""
_ARRIVED: Final = "CREATE TEMPORARY TABLE IF NOT EXISTS arrived (LIKE head) ON COMMIT DELETE ROWS"
_COPY_HEADS: Final = "COPY arrived (probe, turn, pieces, points, newest) FROM STDIN (FORMAT binary)"
_COPY_PIECES: Final = "COPY piece (probe, points) FROM STDIN (FORMAT binary)"
_SELECTED: Final = 'SELECT probe, turn, pieces, points, newest FROM {source} ORDER BY probe COLLATE "C"'
_SENT: Final = "unnest(%s::text[], %s::int8[], %s::int4[], %s::int8[], %s::bytea[]) AS arrived (probe, turn, pieces, points, newest)"
_VALUE: Final = "(%s::text, %s::int8, %s::int4, %s::int8, %s::bytea)"
_PUT_HEADS: Final = """
INSERT INTO head (probe, turn, pieces, points, newest) {arrived}
ON CONFLICT (probe) DO UPDATE SET turn = excluded.turn, pieces = excluded.pieces, points = excluded.points, newest = excluded.newest
WHERE head.turn = excluded.turn - 1
"""
_PUT_PIECE: Final = "INSERT INTO piece (probe, points) VALUES (%s, %s)"
_CLEAR: Final = "DELETE FROM piece WHERE probe = %s"
_REMOVE_CHUNKS: Final = "DELETE FROM chunk WHERE probe = %s AND since = ANY(%s)"
_PUT_CHUNK: Final = "INSERT INTO chunk (probe, since, until, count, longest, points) VALUES (%s, %s, %s, %s, %s, %s)"
_REVISE: Final = "INSERT INTO revision (probe, quantity, at, replaced_at, point) VALUES (%s, %s, %s, %s, %s)"
_DROP_YEARS: Final = "DELETE FROM year WHERE probe = %s AND zone = ANY(%s)"
_DROP_ROLLED: Final = "DELETE FROM rolled WHERE probe = %s AND zone = ANY(%s)"
_PUT_ROLLED: Final = """
INSERT INTO rolled (probe, zone, until) VALUES (%s, %s, %s) ON CONFLICT (probe, zone) DO UPDATE SET until = excluded.until
"""
_PUT_YEAR: Final = """
INSERT INTO year (probe, zone, year, days) VALUES (%s, %s, %s, %s) ON CONFLICT (probe, zone, year) DO UPDATE SET days = excluded.days
"""
_T = TypeVar("_T")


class _Zoned(Struct):
    time_zone: str = "UTC"


_ZONED: Final = msgspec.json.Decoder(_Zoned)


async def heads(asking: Asking, probes: Collection[str]) -> dict[str, Kept]:
    """What is kept of these probes, of which nothing but the head is read."""
    return _kept(asking, probes, await asking.read(_HEADS, (sorted(probes),)))


async def locked_heads(transaction: Transaction, probes: Collection[str]) -> dict[str, Kept]:
    """The same, of probes of which nobody else keeps anything until the transaction ends: not even of those that have nothing yet.

    As whoever writes, it locks first what stands for new probes, and then heads in one order.
    """
    known = await turns(transaction, probes)
    await lock_new(transaction, [probe for probe, turn in known.items() if not turn])
    rows = await transaction.read_each(_LOCK_HEADS, [(some,) for some in await _in_order(transaction, probes)])
    return _kept(transaction, probes, rows)


async def lock_new(transaction: Transaction, probes: Collection[str]) -> None:
    """Let nobody else keep the first reading of these probes until the transaction ends."""
    if probes:
        await transaction.lock(*probes, kind=FIRSTS)


async def _in_order(transaction: Transaction, probes: Collection[str]) -> list[list[str]]:
    """The probes in the order in which all who write take their heads: by name, and on a cluster one shard after the other, as it changes them itself."""
    if not transaction.is_spread or len(probes) < 2:
        return [sorted(probes)]
    shards: dict[str, int] = dict(await transaction.read(_SHARDS, (list(probes),)))
    ordered = sorted(probes, key=lambda probe: (shards[probe], probe))
    return [list(some) for _, some in groupby(ordered, shards.__getitem__)]


def _kept(asking: Asking, probes: Collection[str], rows: Iterable[Row]) -> dict[str, Kept]:
    found = {
        probe: Kept(probe, turn, pieces, points, _newest(newest, probe, asking), newest)
        for probe, turn, pieces, points, newest in rows
    }
    return {probe: found.get(probe) or Kept(probe) for probe in probes}


async def turns(asking: Asking, probes: Collection[str]) -> dict[str, int]:
    """The turns of the heads of these probes; 0 where there is none."""
    return dict.fromkeys(probes, 0) | dict(await asking.read(_TURNS, (sorted(probes),)))


async def worked(
    asking: Asking, kept: Iterable[Kept], work: Callable[[Image], _T]
) -> tuple[list[Image], dict[str, _T]]:
    """The images of probes after `work`, and what it returned for each; what it misses is read for all of them together."""
    images: list[Image] = []
    said: dict[str, _T] = {}
    left = list(kept)
    while left:
        missing: list[tuple[Kept, Missing]] = []
        for one in left:
            image = Image(one, asking)
            try:
                said[one.probe] = work(image)
                images.append(image)
            except Missing as miss:
                missing.append((one, miss))
        await _read(asking, missing)
        left = [one for one, _ in missing]
    return images, said


async def write(transaction: Transaction, images: Sequence[Image]) -> dict[str, Kept]:
    """Write what became of the probes; their heads as they are now. Raises Undone where another transaction has changed one of them meanwhile."""
    if not images:
        return {}
    now = {image.kept.probe: _next(image) for image in images}
    await lock_new(transaction, [one.probe for one in now.values() if one.turn == 1])
    async with transaction.together(at_once=len(images) < COPIED):
        await _write(transaction, images, [*now.values()])
    return now


async def _write(transaction: Transaction, images: Sequence[Image], now: Sequence[Kept]) -> None:
    await _put_heads(transaction, now)
    await transaction.run_each(_CLEAR, [(one.kept.probe,) for one in images if one.changes.cleared])
    pieces = [(one.kept.probe, points) for one in images for points in one.changes.pieces]
    if len(images) < COPIED:
        await transaction.run_each(_PUT_PIECE, pieces)
    else:
        await transaction.copy(_COPY_PIECES, ("text", "bytea"), pieces)
    for image in images:
        await _put_rest(transaction, image)


def _next(image: Image) -> Kept:
    kept, head = image.kept, image.head
    assert head is not None
    return Kept(kept.probe, kept.turn + 1, head.pieces, kept.points + image.new, head.newest)


async def _put_heads(transaction: Transaction, now: Sequence[Kept]) -> None:
    """Write the heads, each of which had the turn before."""
    rows = [(one.probe, one.turn, one.pieces, one.points, encode(one.newest)) for one in now]
    put = _put_heads_on_nodes if transaction.is_spread else _put_heads_on_one
    await put(transaction, rows)


async def _put_heads_on_one(transaction: Transaction, rows: Sequence[Row]) -> None:
    source, args = _SENT, [list(column) for column in zip(*rows, strict=True)]
    if len(rows) >= COPIED:
        await transaction.run(_ARRIVED)
        await transaction.copy(_COPY_HEADS, ("text", "int8", "int4", "int8", "bytea"), rows)
        source, args = "arrived", []
    await transaction.demand(_PUT_HEADS.format(arrived=_SELECTED.format(source=source)), args, len(rows))


async def _put_heads_on_nodes(transaction: Transaction, rows: Sequence[Row]) -> None:
    """The same on a cluster, where each node gets its rows with the statement; what is selected would first be kept on all of them."""
    rows = sorted(rows)
    if len(rows) > _SENT_TOGETHER:  # of one statement Citus takes the rows by shard itself, not of several
        told = {row[0]: row for row in rows}
        rows = [told[probe] for some in await _in_order(transaction, told) for probe in some]
    for some in (rows[n : n + _SENT_TOGETHER] for n in range(0, len(rows), _SENT_TOGETHER)):
        values = f"VALUES {', '.join([_VALUE] * len(some))}"
        await transaction.demand(_PUT_HEADS.format(arrived=values), [told for row in some for told in row], len(some))


async def _put_rest(transaction: Transaction, image: Image) -> None:
    """Chunks, revisions and statistics, which few arrivals change."""
    probe, changes = image.kept.probe, image.changes
    if changes.removed:
        await transaction.run(_REMOVE_CHUNKS, (probe, changes.removed))
    placed = [(p.since, p.until, p.count, p.longest, points) for p, points in changes.chunks]
    await transaction.run_each(_PUT_CHUNK, [(probe, *row) for row in placed])
    await transaction.run_each(_REVISE, [(probe, *row) for row in changes.revisions])
    if changes.dropped:
        await transaction.run(_DROP_YEARS, (probe, changes.dropped))
        await transaction.run(_DROP_ROLLED, (probe, changes.dropped))
    await transaction.run_each(_PUT_ROLLED, [(probe, *row) for row in changes.rolled.items()])
    await transaction.run_each(_PUT_YEAR, [(probe, *key, told) for key, told in changes.years.items()])


async def span(asking: Asking, probe: str, since_us: int, until_us: int) -> Answers:
    """What is kept of a probe from `since_us` to before `until_us`, as it was at one moment, in one statement."""
    return (await spans(asking, [probe], since_us, until_us))[probe]


async def spans(asking: Asking, probes: Collection[str], since_us: int, until_us: int) -> dict[str, Answers]:
    """The same of several probes."""
    found = {probe: (Kept(probe, turn=1), list[bytes](), list[Place]()) for probe in probes}
    wanted = {"probes": sorted(probes), "since": since_us, "until": until_us}
    for probe, begin, end, count, longest, points in await asking.read(_SPAN, wanted):
        kept, waiting, places = found[probe]
        if begin is None:
            waiting.append(points)
        else:
            places.append(Place(begin, begin, end, count, longest))
            kept.chunks[begin] = points
    for kept, waiting, places in found.values():
        kept.waiting, kept.places, kept.pieces = waiting, places, len(waiting)
    return {probe: Answers(Image(kept, asking)) for probe, (kept, _, _) in found.items()}


async def days(asking: Asking, probe: str, zone: str, years: tuple[int, int], span_us: tuple[int, int]) -> Kept:
    """What statistics of these years and this stretch in a time zone need: what is known of them, and the points of the days that are not."""
    kept, waiting, places = Kept(probe), list[bytes](), list[Place]()
    wanted = {"probe": probe, "zone": zone, "first": years[0], "last": years[1]}
    rows = await asking.read(_DAYS, {**wanted, "since": span_us[0], "until": span_us[1]})
    for kind, one, other, count, longest, told in rows:
        if kind == 0:
            kept.turn, kept.pieces, kept.points = one, other, count
        elif kind == 1:
            waiting.append(told)
        elif kind == 2:
            places.append(Place(one, one, other, count, longest))
            kept.chunks |= {one: told} if told is not None else {}
        elif kind == 3:
            kept.rolled[zone] = one
        else:
            kept.years[zone, one] = told
    kept.waiting, kept.places = waiting, places
    kept.asked.add((zone, *years))
    return kept


async def _read(asking: Asking, missing: Sequence[tuple[Kept, Missing]]) -> None:
    """Read what was missed."""
    await fill(asking, {one.probe: one for one, miss in missing if not miss.chunks and miss.years is None})
    for one, miss in missing:
        if miss.chunks:
            found: dict[int, bytes] = dict(await asking.read(_CHUNKS, (one.probe, list(miss.chunks))))
            if len(found) < len(miss.chunks):
                raise Undone(f"{asking.name}: Another connection has just folded measurements of {one.probe}.")
            one.chunks |= found
        if miss.years is not None:
            zone, first, last = miss.years
            one.asked.add(miss.years)
            rows = await asking.read(_YEARS, (one.probe, zone, first, last))
            one.years |= {(zone, year): told for year, told in rows}


async def fill(asking: Asking, kept: Mapping[str, Kept]) -> None:
    """Read the pieces of these probes, where their chunks are, and which statistics are known."""
    if not kept:
        return
    probes = [*kept]
    waiting: dict[str, list[bytes]] = {probe: [] for probe in probes}
    places: dict[str, list[Place]] = {probe: [] for probe in probes}
    # First the pieces: what is folded meanwhile is then seen twice, not never.
    for probe, points in await asking.read(_PIECES, (probes,)):
        waiting[probe].append(points)
    for probe, since_us, *rest in await asking.read(_PLACES, (probes,)):
        places[probe].append(Place(since_us, since_us, *rest))
    for probe, one in kept.items():
        one.waiting, one.places = waiting[probe], places[probe]
    for probe, zone, until_us in await asking.read(_ROLLED, (probes,)):
        kept[probe].rolled[zone] = until_us
    for probe, site in await asking.read(_SITES, (probes,)):
        kept[probe].zones.append(_ZONED.decode(site).time_zone)


def _newest(told: bytes, probe: str, asking: Asking) -> dict[str, Point]:
    try:
        return NEWEST.decode(told)
    except msgspec.MsgspecError as error:
        raise Image(Kept(probe), asking).damaged(error) from None
