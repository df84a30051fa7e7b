"""A discovery in progress, for every vendor: what of it went wrong or was left unread, and whether to ask on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import TypeAlias, TypeVar

from msgspec import Struct, field

from margelle.errors import Limited, MargelleError, Unreachable
from margelle.ports import Fault
from margelle.vendors.answer import Entries

T = TypeVar("T")
Read: TypeAlias = tuple[T, list[Fault]]
"""A part of a discovery, and what of it could not be read."""


class Findings(Struct):
    """What went wrong so far, what was left unread, and whether to ask no more."""

    faults: list[Fault] = field(default_factory=list)
    unread: dict[str, tuple[str, ...]] = field(default_factory=dict)
    stopped: bool = False

    async def part(
        self,
        subject: str,
        ours: tuple[str, ...],
        ask: Callable[..., Awaitable[Read[T]]],
        *path: str,
        asked: bool = True,
    ) -> T | None:
        """A part of the discovery; where it fails, or parts of it do, `ours` of the subject are left as they are known."""
        if not asked or self.stopped:
            self.leave(subject, ours)
            return None
        try:
            part, faults = await ask(*path)
        except MargelleError as error:
            self.stopped = isinstance(error, (Limited, Unreachable))
            self.leave(subject, ours, [] if isinstance(error, Limited) else [Fault("", str(error))])
            return None
        if faults:
            self.leave(subject, ours, faults)
        return part

    def take(
        self, listed: Entries[T], what: str, own_id: Callable[[T], str], ours: Mapping[str, tuple[str, ...]]
    ) -> list[T]:
        """The entries of the list of each `what`; where a field of one is wrong, `ours` by their name of it are left as they are known.

        An empty list is doubted: an account without anything is rarer than a cloud that has lost its list for a while.
        """
        self.faults.extend(listed.lost)
        if not listed.read:
            self.faults.append(Fault(f"{what}s", f"the cloud lists no {what} at all"))
        for one, wrong in zip(listed.read, listed.wrong, strict=True):
            names = [fault.where.rpartition(".")[2] for fault in wrong]
            self.leave(own_id(one), [name for theirs in names for name in ours.get(theirs, ())], wrong)
        return listed.read

    def leave(self, subject: str, ours: Iterable[str], faults: Iterable[Fault] = ()) -> None:
        """Leave what is known, because it was not asked for or for these faults, which are the subject's."""
        left = dict.fromkeys((*self.unread.get(subject, ()), *ours))
        self.unread |= {subject: tuple(left)} if left else {}
        self.faults += [Fault(subject, f"{one.where}: {one.what}" if one.where else one.what) for one in faults]


def turn_of(things: Sequence[T], most: int, now: datetime) -> set[T]:
    """Whose turn it is: `most` of `things`, another few every day."""
    start = now.toordinal() * most
    return {things[(start + n) % len(things)] for n in range(min(most, len(things)))}
