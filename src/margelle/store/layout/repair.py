"""Making anew what follows from a probe's points: its newest rows, how many pieces wait, and the statistics of its days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from margelle.store.layout.answers import ALWAYS
from margelle.store.layout.comparison import describes
from margelle.store.layout.folding import Folding
from margelle.store.layout.tables import Head, Tables
from margelle.store.row import Row


def made_anew(tables: Tables, head: Head) -> int:
    """Make it all anew within the caller's transaction; how many points are in pieces and chunks.

    Raises StoreError, and is to be undone, where one of them cannot be read.
    """
    head.before = tables.before.any(head.probe)
    newest = tables.before.newest(head.probe)
    head.pieces = tables.heads.count(head)
    waiting = tables.heads.pieces(head)
    _put(newest, waiting)
    count = sum(map(len, waiting.values()))
    for place in tables.chunks.places(head.id, *ALWAYS):
        columns = tables.chunks.read(place)
        if not describes(place, columns):
            tables.chunks.replace(head.id, [place], [columns])
        count += sum(map(len, columns.values()))
        _put(newest, {name: column.rows(len(column) - 1) for name, column in columns.items()})
    for name, row in newest.items():
        tables.revisions.open_series(head.probe, name, row[3])
    head.newest = newest
    for zone in tables.rollup.zones(head.id):
        tables.rollup.drop(head.id, zone)
    Folding(tables).renew(head, ())
    tables.heads.save(head)
    return count


def _put(newest: dict[str, Row], rows: Mapping[str, Sequence[Row]]) -> None:
    """Put the last of the rows of each quantity among the newest, where it is."""
    for name, of_one in rows.items():
        if name not in newest or newest[name][0] < of_one[-1][0]:
            newest[name] = of_one[-1]
