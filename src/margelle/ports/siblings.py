"""The processes of one hub on one machine, as one of them knows the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


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
