"""How rows become part of chunks, whatever database keeps them."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Final

from margelle.store.chunk import Column
from margelle.store.row import Row

CAPACITY: Final = 1024
"""A chunk has so many points of a quantity at most: a month and a half of hourly ones."""

Columns = dict[str, Column]
Rows = Mapping[str, Sequence[Row]]
_at = itemgetter(0)


def sorted_rows(rows: Rows) -> dict[str, list[Row]]:
    """The rows of each quantity in order of time."""
    return {quantity: sorted(of_one, key=_at) for quantity, of_one in rows.items()}


def span(columns: Columns) -> tuple[int, int]:
    """The first and the last instant of columns that are not all empty."""
    there = [column.times for column in columns.values() if column.times]
    return min(times[0] for times in there), max(times[-1] for times in there)


def parted(rows: Rows, begins: Sequence[int]) -> dict[int, dict[str, list[Row]]]:
    """The rows, in order of time, by the chunk that takes them: the last of those beginning at `begins` that begins before, else the first."""
    parts: dict[int, dict[str, list[Row]]] = {}
    for quantity, of_one in rows.items():
        first = 0
        while first < len(of_one):
            index = max(bisect_right(begins, of_one[first][0]) - 1, 0)
            end = begins[index + 1] if index + 1 < len(begins) else None
            last = len(of_one) if end is None else bisect_left(of_one, end, first, key=_at)
            parts.setdefault(index, {})[quantity] = list(of_one[first:last])
            first = last
    return parts


def merged(columns: Columns, rows: Rows) -> Columns:
    """The columns with these rows, in order of time, of which they have none yet."""
    found = dict(columns)
    for quantity, of_one in rows.items():
        old = found.get(quantity)
        if old is None or not old.times:
            found[quantity] = Column.of(of_one)
        elif of_one and of_one[0][0] > old.times[-1]:
            found[quantity] = Column.joined([old, Column.of(of_one)])
        else:
            found[quantity] = Column.of(sorted([*old.rows(), *of_one], key=_at))
    return found


def joined(first: Columns, then: Columns) -> Columns:
    """The columns of two chunks of which the second one is later."""
    return {
        quantity: Column.joined([columns[quantity] for columns in (first, then) if quantity in columns])
        for quantity in {*first, *then}
    }


def split(columns: Columns, capacity: int, *, last: bool) -> list[Columns]:
    """The columns as chunks of at most about `capacity` points of a quantity: full ones and a rest where it is the probe's last chunk, else equal ones."""
    most = max(columns.values(), key=len)
    if len(most) <= capacity:
        return [columns]
    size = capacity if last else -(-len(most) // -(-len(most) // capacity))
    cuts = [most.times[n] for n in range(size, len(most), size)]
    bounds = [{quantity: bisect_left(column.times, cut) for quantity, column in columns.items()} for cut in cuts]
    begins = [dict.fromkeys(columns, 0), *bounds]
    ends = [*bounds, {quantity: len(column) for quantity, column in columns.items()}]
    return [
        {
            quantity: column.part(begin[quantity], end[quantity])
            for quantity, column in columns.items()
            if begin[quantity] < end[quantity]
        }
        for begin, end in zip(begins, ends, strict=True)
    ]
