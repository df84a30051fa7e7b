"""What is kept of one probe, stretch by stretch of its time: read, and put into another database, however long its history is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from margelle.store.chunk import Column
from margelle.store.fold import Rows
from margelle.store.layout.answers import ALWAYS, Answers
from margelle.store.layout.folding import Folding
from margelle.store.layout.tables import Tables
from margelle.store.row import Row

MANY: Final = 50_000
"""A stretch has so many points, or a chunk more: about 20 MB."""

BEGIN_US: Final = ALWAYS[0]
"""Where the first stretch begins."""

Past = tuple[str, int, Row]
"""The quantity, when it was replaced (microseconds since 1970), and the row that was."""


class Stretch(Struct):
    """The rows of a probe by quantity, in order of time, and what was replaced of them, oldest first. `until_us` is where the next one begins; None after the last."""

    rows: dict[str, list[Row]]
    past: list[Past]
    until_us: int | None

    @property
    def count(self) -> int:
        """How many points there are."""
        return sum(map(len, self.rows.values()))


def read(tables: Tables, probe: str, since_us: int) -> tuple[dict[str, list[Row]], int | None]:
    """The rows of a probe from an instant on, all quantities until the same one; and that one, None where there is nothing later."""
    answers, quantities = Answers(tables), tables.revisions.quantities(probe)
    end_us, most = _chunks_end(tables, probe, since_us), MANY // (len(quantities) or 1) + 2
    columns = {quantity: answers.column(probe, quantity, since_us, end_us, most) for quantity in quantities}
    until_us = _until(columns, since_us, end_us, most)
    found = {quantity: column.part(*column.bounds(since_us, until_us)).rows() for quantity, column in columns.items()}
    return {quantity: rows for quantity, rows in found.items() if rows}, until_us if until_us < ALWAYS[1] else None


def put(tables: Tables, probe: str, rows: Rows, past: Sequence[Past]) -> None:
    """Keep rows that are newer than all that is kept of a probe, and what was replaced of them, within the caller's transaction."""
    folding = Folding(tables)
    head = folding.head(probe)
    for quantity, of_one in rows.items():
        tables.revisions.open_series(probe, quantity, of_one[0][3])
    head.newest.update({quantity: of_one[-1] for quantity, of_one in rows.items()})
    tables.heads.save(head)
    folding.put(head, rows)
    for quantity, replaced_us, row in past:
        tables.revisions.keep(probe, quantity, row, replaced_us)


def after(newest: Mapping[str, Row]) -> int:
    """Where the next stretch begins of a probe of which these rows are the newest."""
    return max((row[0] + 1 for row in newest.values()), default=BEGIN_US)


def _chunks_end(tables: Tables, probe: str, since_us: int) -> int:
    """Before which instant the chunks from `since_us` on have enough points."""
    head, count = tables.heads.get(probe), 0
    for place in tables.chunks.places(head.id, since_us, ALWAYS[1]) if head else ():
        if count >= MANY and place.since > since_us:
            return place.since
        count += place.count
    return ALWAYS[1]


def _until(columns: Mapping[str, Column], since_us: int, end_us: int, most: int) -> int:
    """Until when nothing is missing from columns that were cut at `most` points. An instant that is there twice is not parted."""
    ends = [column.times[-1] for column in columns.values() if len(column) == most]
    return max(min(ends, default=end_us), since_us + 1)
