"""What was read of one probe from PostgreSQL, what is missing of it, and what is to be written."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
from msgspec import Struct, field

from margelle.store.layout.tables import Place
from margelle.store.row import Row

NEWEST: Final = msgspec.msgpack.Decoder(dict[str, Row])
PIECE: Final = msgspec.msgpack.Decoder(dict[str, list[Row]])
encode: Final = msgspec.msgpack.Encoder().encode


class Missing(Exception):
    """Something of the probe has to be read first: its pieces and the places of its chunks, the points of `chunks` (by first instant), or `years`."""

    def __init__(self, *, chunks: Sequence[int] = (), years: tuple[str, int, int] | None = None) -> None:
        super().__init__(chunks, years)
        self.chunks, self.years = chunks, years


class Kept(Struct):
    """What was read of a probe: its head, and once they were asked for, the rest."""

    probe: str
    turn: int = 0
    pieces: int = 0
    points: int = 0
    newest: dict[str, Row] = field(default_factory=dict)
    told: bytes | None = None
    """`newest` as it is kept."""
    waiting: list[bytes] | None = None
    places: list[Place] | None = None
    chunks: dict[int, bytes] = field(default_factory=dict)
    rolled: dict[str, int] = field(default_factory=dict)
    zones: list[str] = field(default_factory=list)
    years: dict[tuple[str, int], bytes] = field(default_factory=dict)
    asked: set[tuple[str, int, int]] = field(default_factory=set)
    """Which years are among them, by zone: from the first to the last."""


class Changes(Struct):
    """What is to be written: pieces and chunks that go and that come, by first instant; revisions; statistics by zone, and by zone and year."""

    cleared: bool = False
    pieces: list[bytes] = field(default_factory=list)
    removed: list[int] = field(default_factory=list)
    chunks: list[tuple[Place, bytes]] = field(default_factory=list)
    revisions: list[tuple[str, int, int, bytes]] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)
    rolled: dict[str, int] = field(default_factory=dict)
    years: dict[tuple[str, int], bytes] = field(default_factory=dict)
