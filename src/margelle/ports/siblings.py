"""The processes of one hub on one machine, as one of them knows the others."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Final, Protocol, TypeVar

import msgspec

_log: Final = logging.getLogger("margelle.siblings")
T = TypeVar("T")


class Siblings(Protocol):
    """The other processes that serve the same hub on this machine. What they say to each other is for `topic`, in whichever form its room chooses."""

    async def ask(self, topic: str, told: bytes = b"") -> list[bytes]:
        """What the others answer, as far as they have an answer and are not too slow."""
        ...

    def tell(self, topic: str, told: bytes) -> None:
        """Tell the others something, soon, without waiting for it."""
        ...

    def answer(self, topic: str, call: Callable[[bytes], bytes | None]) -> None:
        """Answer from now on what the others ask; None is no answer."""
        ...

    def hear(self, topic: str, call: Callable[[bytes], None]) -> None:
        """Hear from now on what the others tell."""
        ...


class NoSiblings:
    """Implements `Siblings` for a process that is alone."""

    async def ask(self, topic: str, told: bytes = b"") -> list[bytes]:  # noqa: ARG002
        """Nobody answers."""
        return []

    def tell(self, topic: str, told: bytes) -> None:
        """Nobody hears."""

    def answer(self, topic: str, call: Callable[[bytes], bytes | None]) -> None:
        """Nobody asks."""

    def hear(self, topic: str, call: Callable[[bytes], None]) -> None:
        """Nobody tells."""


def understood(topic: str, told: Iterable[bytes], read: Callable[[bytes], T]) -> list[T]:
    """What others have told, as `read` understands it. What it does not is left out, and that is said in the log: while a hub is renewed, its processes are of two versions."""
    found = []
    for one in told:
        try:
            found.append(read(one))
        except (msgspec.MsgspecError, ValueError):
            _log.warning("What another process of this hub tells of %r cannot be read here and is left out", topic)
    return found
