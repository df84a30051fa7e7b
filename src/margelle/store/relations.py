"""What is kept beside measurements, table by table: which columns there are in every database, and in which order they are copied."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from msgspec import Struct

Line = tuple[Any, ...]
"""A row of a relation: texts, numbers, bytes, or None; what is true is 1."""


class Relation(Struct, frozen=True):
    """A table with its columns; the first `keys` of them tell one row from another. `flags` are true or false."""

    name: str
    columns: tuple[str, ...]
    keys: int = 1
    flags: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that tell one row from another."""
        return self.columns[: self.keys]

    def numbered(self, lines: Iterable[Sequence[Any]]) -> list[Line]:
        """The rows with 1 for true and 0 for false."""
        places = {self.columns.index(flag) for flag in self.flags}
        return (
            [tuple(int(v) if n in places else v for n, v in enumerate(line)) for line in lines]
            if places
            else [tuple(line) for line in lines]
        )


RELATIONS: Final = (
    Relation("user", ("email", "doc")),
    Relation("granted", ("digest", "user", "kind", "expires_at", "doc", "id", "site")),
    Relation("organisation", ("id", "doc")),
    Relation("account", ("id", "owner", "doc", "organisation")),
    Relation("site", ("id", "doc")),
    Relation("link", ("account", "owner", "site", "gone_at"), 3),
    Relation("membership", ("user", "subject", "kind", "role", "doc"), 2),
    Relation("event", ("id", "site", "at", "removed", "doc"), flags=("removed",)),
    Relation("probe", ("id", "site", "doc")),
    Relation("device", ("id", "probe", "since", "doc")),
    Relation("recommendation", ("id", "site", "status", "created_at", "doc")),
    Relation("persona", ("face", "kind", "number", "subject"), 3),
    Relation("secret", ("name", "sealed")),
    Relation("memo", ("name", "value")),
    Relation(
        "receipt",
        ("id", "account", "at", "name", "url", "status", "duration_ms", "packed", "body"),
        flags=("packed",),
    ),
    Relation("incident", ("id", "account", "place", "kind", "at", "ended_at", "doc")),
    Relation("audit", ("id", "at", "doc")),
    Relation("gap", ("probe", "quantity", "since", "until", "state", "at", "why", "every_s"), 4),
)
"""Those that others refer to come first."""

ALIVE: Final = frozenset({"collector", "form", "lease", "refusal"})
"""Who works on a database now, who was refused lately, and which forms were taken: that is not copied."""
