"""Copying everything from one database to another: resumable at any point, and proved in the end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from hashlib import blake2b
from typing import Final, Protocol

import msgspec
from msgspec import Struct

from margelle.errors import Conflict, StoreError
from margelle.ports import Inspected, Store
from margelle.store import digest
from margelle.store.layout.stretch import Stretch
from margelle.store.relations import RELATIONS, Line, Relation

AT_ONCE: Final = 500
"""So many rows of a relation are copied in one transaction."""
MARK: Final = "copying"
"""The note in a target that is not complete yet: from where it is copied."""
_HUB: Final = "hub"
_SIZE: Final = 16


class Copyable(Store, Protocol):
    """A store whose tables can be read and filled as they are."""

    async def lines(self, relation: Relation, after: Line | None, most: int) -> list[Line]:
        """The first rows of a relation, by key, after that key."""

    async def put_lines(self, relation: Relation, lines: list[Line]) -> None:
        """Keep rows of a relation that are not there yet."""

    async def last_key(self, relation: Relation) -> Line | None:
        """The key of the last row of a relation."""

    async def measuring(self) -> list[str]:
        """The probes that have measured anything, in order."""

    async def stretch(self, probe: str, since_us: int) -> Stretch:
        """What is kept of a probe from an instant on (microseconds since 1970), as far as is good to hold at once."""

    async def reached(self, probe: str) -> int:
        """Where the next stretch of a probe begins that was copied until its newest point."""

    async def put_stretch(self, probe: str, stretch: Stretch) -> None:
        """Keep what is newer than all that is kept of a probe: all or nothing."""

    async def is_empty(self) -> bool:
        """Whether nothing at all is kept."""

    async def forget_memo(self, name: str) -> None:
        """Remove a note."""


class Proof(Struct, frozen=True):
    """What a database holds: the number of points, revisions and rows of each relation, each with a digest in which their order has no part."""

    counts: dict[str, int]
    digests: dict[str, str]

    def differences(self, other: Proof) -> list[str]:
        """In words what is not the same in both."""
        return [
            f"{name}: {self.counts[name]} against {other.counts[name]}, digest {self.digests[name]} against {other.digests[name]}"
            for name in self.counts
            if (self.counts[name], self.digests[name]) != (other.counts[name], other.digests[name])
        ]


async def was_finished(source: Copyable, target: Copyable) -> bool:
    """Whether `target` may be a copy of `source` that was complete once: it is not empty, of no other hub, and no copy that goes on."""
    if await target.memo(MARK) is not None or await target.is_empty():
        return False
    return await target.memo(_HUB) in {None, await source.memo(_HUB)}


async def copy(source: Copyable, target: Copyable, told: Callable[[float], None]) -> None:
    """Copy everything that `target` does not have yet; `told` hears what share is done.

    Raises Conflict where `target` holds something that was not copied from `source`.
    """
    mark = await source.memo(_HUB) or b"-"
    found = await target.memo(MARK)
    if found is None and not await target.is_empty():
        raise Conflict("The target is not empty.", hint="Name a new file or an empty database; it was left as it is.")
    if found not in {None, mark}:
        raise Conflict(
            "The target is a part of a copy of another database.", hint="Name a new one; it was left as it is."
        )
    await target.put_memo(MARK, mark)
    for relation in RELATIONS:
        await _copy_relation(source, target, relation)
    points, copied = await source.count(), await target.count()
    for probe in await source.measuring():
        async for count in _copy_probe(source, target, probe):
            copied += count
            told(min(copied / points, 1.0))
    told(1.0)


async def _copy_probe(source: Copyable, target: Copyable, probe: str) -> AsyncIterator[int]:
    """Copy what the target does not have of a probe, a stretch in a transaction; how many points each has."""
    since_us: int | None = await target.reached(probe)
    while since_us is not None:
        stretch = await source.stretch(probe, since_us)
        if stretch.rows:
            await target.put_stretch(probe, stretch)
            yield stretch.count
        since_us = stretch.until_us


async def finish(target: Copyable) -> None:
    """Let the target be a database of its own: it has been proved complete."""
    await target.forget_memo(MARK)


async def proof(store: Copyable, told: Callable[[float], None]) -> Proof:
    """Read everything. Raises StoreError where something in it does not fit."""
    counts, digests = await _measurements(store, told)
    for relation in RELATIONS:
        points, total = 0, 0
        async for line in _lines(store, relation):
            if not (relation.name == "memo" and line[0] == MARK):
                points, total = points + 1, total + _sum((relation.name, *line))
        counts[relation.name], digests[relation.name] = points, digest.spelt(total)
    return Proof(counts, digests)


async def _measurements(store: Copyable, told: Callable[[float], None]) -> tuple[dict[str, int], dict[str, str]]:
    found = Inspected(0, digest.spelt(0), 0, digest.spelt(0), (), 1.0)
    async for found in store.inspect():
        told(found.share)
        if found.faults:
            raise StoreError(f"It is damaged: {'; '.join(found.faults)}", hint="See `margelle store check`.")
    counts = {"measurements": found.points, "revisions": found.revisions}
    return counts, {"measurements": found.digest, "revisions": found.revisions_digest}


async def _copy_relation(source: Copyable, target: Copyable, relation: Relation) -> None:
    after = None if relation.name == "memo" else await target.last_key(relation)  # a target has notes of its own
    while lines := await source.lines(relation, after, AT_ONCE):
        await target.put_lines(relation, lines)
        after = lines[-1][: relation.keys]


async def _lines(store: Copyable, relation: Relation) -> AsyncIterator[Line]:
    after: Line | None = None
    while lines := await store.lines(relation, after, AT_ONCE):
        for line in lines:
            yield line
        after = lines[-1][: relation.keys]


def _sum(thing: Line) -> int:
    return int.from_bytes(blake2b(msgspec.msgpack.encode(thing), digest_size=_SIZE).digest(), "big")
