"""All that is kept of one probe, taken out of one database and put into another."""

from __future__ import annotations

from msgspec import Struct

from margelle.store.layout.answers import ALWAYS, Answers
from margelle.store.layout.folding import Folding
from margelle.store.layout.tables import Tables
from margelle.store.row import Row

Past = tuple[str, int, Row]
"""The quantity, when it was replaced (microseconds since 1970), and the row that was."""


class Whole(Struct):
    """The rows of a probe by quantity, in order of time, and what was replaced, oldest first."""

    rows: dict[str, list[Row]]
    past: list[Past]

    @property
    def count(self) -> int:
        """How many points there are."""
        return sum(map(len, self.rows.values()))


def rows_in(tables: Tables, probe: str) -> dict[str, list[Row]]:
    """The rows of a probe."""
    answers = Answers(tables)
    return {
        quantity: answers.column(probe, quantity, *ALWAYS).rows() for quantity in tables.revisions.quantities(probe)
    }


def put(tables: Tables, probe: str, whole: Whole) -> None:
    """Keep a probe of which nothing is kept yet, within the caller's transaction."""
    folding, rows = Folding(tables), {quantity: of_one for quantity, of_one in whole.rows.items() if of_one}
    head = folding.head(probe)
    for quantity, of_one in rows.items():
        tables.revisions.open_series(probe, quantity, of_one[0][3])
    head.newest.update({quantity: of_one[-1] for quantity, of_one in rows.items()})
    tables.heads.save(head)
    folding.put(head, rows)
    for quantity, replaced_us, row in whole.past:
        tables.revisions.keep(probe, quantity, row, replaced_us)
