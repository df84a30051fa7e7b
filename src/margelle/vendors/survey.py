"""A discovery in progress, for every vendor: what of it went wrong or was left unread, and whether to ask on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeAlias, TypeVar

from msgspec import Struct, field

from margelle.errors import Limited, MargelleError, Unreachable
from margelle.ports import Fault

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

    def leave(self, subject: str, ours: Iterable[str], faults: Iterable[Fault] = ()) -> None:
        """Leave what is known, because it was not asked for or for these faults, which are the subject's."""
        left = dict.fromkeys((*self.unread.get(subject, ()), *ours))
        self.unread |= {subject: tuple(left)} if left else {}
        self.faults += [Fault(subject, f"{one.where}: {one.what}" if one.where else one.what) for one in faults]
