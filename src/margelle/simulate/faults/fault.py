"""What a fault is: which requests it fits, and what becomes of their answers."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from msgspec import Struct


class Operation(Struct, frozen=True):
    """Something that clients ask of a vendor's cloud. `path` is a pattern of the whole path below the vendor's prefix, in any case.

    `get` is the value of the query's or form's `get`, where that selects the operation.
    """

    vendor: str
    name: str
    methods: tuple[str, ...]
    path: str
    get: str = ""

    def fits(self, method: str, path: str, get: str) -> bool:
        """Whether a request is of this operation. Doubled and trailing slashes do not count."""
        plain = re.sub("/+", "/", path).rstrip("/")
        return (
            method in self.methods
            and get == self.get
            and re.fullmatch(self.path, plain, re.IGNORECASE | re.ASCII) is not None
        )

    @property
    def id(self) -> str:
        """As scripts and the log name it: `ondilo/lastmeasures`."""
        return f"{self.vendor}/{self.name}"


class Ask(Struct, frozen=True):
    """A client's request. `given` are the fields of its query and its body; `token` is the digest of its bearer token, empty without;
    `memory` is the fault's own, as long as it is chosen.
    """

    operation: Operation
    path: str
    given: dict[str, str]
    token: str
    memory: dict[str, Any]


class Answer(Struct, frozen=True):
    """What is told. Header names are in lower case."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


class Effect(Struct, frozen=True):
    """What a fault does to an answer; what it leaves out is as it would be.

    `instead` answers before the cloud is asked, or returns None to let it be asked; `then` changes what the cloud answered. `pause_s` passes
    before anything is told. `cut` closes the connection in the middle of the body. `restart` restarts the vendor's devices first.
    """

    instead: Callable[[Ask], Answer | None] | None = None
    then: Callable[[Ask, Answer], Answer] | None = None
    pause_s: float = 0.0
    cut: bool = False
    restart: bool = False


class Fit(Struct, frozen=True):
    """An effect on some of a vendor's operations."""

    vendor: str
    operations: tuple[str, ...]
    effect: Effect


class Fault(Struct, frozen=True):
    """A way to fail: its name, one sentence, and where it was seen (a thread or document)."""

    name: str
    what: str
    seen: str
    fits: tuple[Fit, ...]

    def effect(self, operation: Operation) -> Effect | None:
        """What it does to an operation; None where it does not fit."""
        found = (fit.effect for fit in self.fits if fit.vendor == operation.vendor and operation.name in fit.operations)
        return next(found, None)

    @property
    def operations(self) -> tuple[str, ...]:
        """The ids of all operations that it fits."""
        return tuple(f"{fit.vendor}/{name}" for fit in self.fits for name in fit.operations)
