"""What came lately: the newest points of each probe, and the pieces that wait to be folded."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from margelle.store.fold import sorted_rows
from margelle.store.layout.tables import Head
from margelle.store.row import Row
from margelle.store.sqlite.database import Database

_REMEMBERED: Final = 5_000
"""So many heads are kept in memory (about 2 kB each)."""
_NEWEST: Final = msgspec.msgpack.Decoder(dict[str, Row])
_PIECE: Final = msgspec.msgpack.Decoder(dict[str, list[Row]])
_encode: Final = msgspec.msgpack.Encoder().encode


class Heads:
    """Tables head and piece."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: dict[str, Head] = {}
        self._others = -1
        self._unkept: list[tuple[int, bytes]] = []
        self._unsaved: dict[int, Head] = {}
        self._seen: tuple[tuple[int, int, int], dict[str, list[Row]]] | None = None

    def forget(self) -> None:
        """Forget what is only known in memory: it was undone, or another has written."""
        self._known.clear()
        self._seen = None
        self._unkept = []
        self._unsaved = {}

    def look(self) -> None:
        """At the beginning of a transaction: forget what another connection may have changed."""
        if self._unkept or self._unsaved:  # the transaction began before
            return
        others = self._db.others()
        if others != self._others or len(self._known) > _REMEMBERED:
            self.forget()
            self._others = others

    def get(self, probe: str) -> Head | None:
        """The head of a probe; within a transaction, whose beginning has looked, from memory where it is known."""
        head = self._known.get(probe)
        if head is None:
            sql = "SELECT id, probe, pieces, before, newest, turn FROM head WHERE probe = ?"
            for number, name, pieces, before, newest, turn in self._db.read(sql, (probe,)):
                head = self._known[probe] = Head(number, name, pieces, bool(before), self._newest(newest), turn)
        return head

    def told(self, probes: Collection[str]) -> dict[str, bytes]:
        """The newest points of these probes as they are kept."""
        sql = "SELECT probe, newest FROM head WHERE probe IN (SELECT value FROM json_each(?))"
        return dict(self._db.read(sql, (msgspec.json.encode(list(probes)).decode(),)))

    def make(self, probe: str, newest: dict[str, Row], *, before: bool) -> Head:
        """A new head, in the caller's transaction."""
        sql = "INSERT INTO head (probe, pieces, before, newest) VALUES (?, 0, ?, ?) RETURNING id"
        number: int = self._db.connection.execute(sql, (probe, before, _encode(newest))).get
        head = self._known[probe] = Head(number, probe, 0, before, newest)
        return head

    def save(self, head: Head) -> None:
        """Keep the head as it will be at the next `flush`."""
        self._unsaved[head.id] = head

    def append(self, head: Head, rows: Mapping[str, Sequence[Row]]) -> None:
        """Keep rows that came together, at the next `flush`; the head is to be saved."""
        self._unkept.append((head.id, _encode(rows)))
        head.pieces += 1

    def flush(self) -> None:
        """Write what was saved and appended: at the end of a transaction at the latest."""
        if self._unkept:
            self._db.connection.executemany("INSERT INTO piece (probe, points) VALUES (?, ?)", self._unkept)
            self._unkept = []
        if self._unsaved:
            rows = [
                (head.pieces, head.before, _encode(head.newest), head.turn, number)
                for number, head in sorted(self._unsaved.items())
            ]
            self._db.connection.executemany(
                "UPDATE head SET pieces = ?, before = ?, newest = ?, turn = ? WHERE id = ?", rows
            )
            self._unsaved = {}

    def clear(self, head: Head) -> None:
        """Remove the pieces; the head is to be saved."""
        self.flush()
        self._db.connection.execute("DELETE FROM piece WHERE probe = ?", (head.id,))
        head.pieces = 0

    def pieces(self, head: Head) -> Mapping[str, Sequence[Row]]:
        """The rows of all pieces by quantity, in order of time."""
        self.flush()
        state = (head.id, self._others, self._db.connection.total_changes())
        if self._seen is None or self._seen[0] != state:  # pages ask for one quantity of a probe after another
            self._seen = (state, self._pieces(head))
        return self._seen[1]

    def _pieces(self, head: Head) -> dict[str, list[Row]]:
        found: dict[str, list[Row]] = {}
        sql = "SELECT points FROM piece WHERE probe = ? ORDER BY id"
        for (points,) in self._db.read(sql, (head.id,)) if head.pieces else ():
            rows = self._piece(points)
            for quantity, of_one in rows.items():
                found.setdefault(quantity, []).extend(of_one)
        return sorted_rows(found)

    def all_pieces(self) -> Iterator[dict[str, list[Row]]]:
        """The rows of all pieces of all probes."""
        return (self._piece(points) for (points,) in self._db.stream("SELECT points FROM piece"))

    def _piece(self, points: bytes) -> dict[str, list[Row]]:
        try:
            return _PIECE.decode(points)
        except msgspec.MsgspecError as error:
            raise self._db.damaged(error) from None

    def count(self, head: Head) -> int:
        """How many pieces there are."""
        return int(self._db.read("SELECT count(*) FROM piece WHERE probe = ?", (head.id,))[0][0])

    def due(self, most: int) -> list[str]:
        """Some probes of which enough pieces wait."""
        return [row[0] for row in self._db.read("SELECT probe FROM head WHERE pieces >= 32 LIMIT ?", (most,))]

    def waiting(self, most: int) -> list[str]:
        """Some probes of which any piece waits."""
        sql = "SELECT probe FROM head WHERE id IN (SELECT DISTINCT probe FROM piece LIMIT ?)"
        return [row[0] for row in self._db.read(sql, (most,))]

    def _newest(self, told: bytes) -> dict[str, Row]:
        try:
            return _NEWEST.decode(told)
        except msgspec.MsgspecError as error:
            raise self._db.damaged(error) from None
