"""Which faults are chosen now: by name, by chance, or by script."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from random import Random
from typing import Any, Final

from msgspec import Struct
from msgspec.structs import replace

from margelle.errors import BadInput
from margelle.simulate.chance import stream
from margelle.simulate.faults.catalogue import CATALOGUE
from margelle.simulate.faults.fault import Effect, Fault, Operation
from margelle.simulate.faults.operations import OPERATIONS

WELL: Final = "well"
"""In a script: a request that is answered rightly, whatever else is chosen."""

LONGEST_SCRIPT: Final = 10_000


class Choice(Struct, frozen=True, forbid_unknown_fields=True):
    """How a fault is chosen: with which `probability` it befalls a request that it fits, and on which `operations` only (such as
    `ondilo/lastmeasures`; none means all that it fits). After `times` requests it is over; None: never.
    """

    probability: float = 1.0
    operations: tuple[str, ...] = ()
    times: int | None = None


class Turn(Struct, frozen=True):
    """What befalls one request. `memory` is the fault's own."""

    name: str
    effect: Effect
    memory: dict[str, Any]


class Faults:
    """The faults of one imitation of clouds. What chance decides follows from `seed` and the order of the requests.

    At most one fault befalls a request: the next one of its operation's script; else the first, in the order of choosing, that fits and that
    chance allows. Every method may be called from any thread.
    """

    def __init__(self, seed: str = "margelle", catalogue: Sequence[Fault] = CATALOGUE) -> None:
        self._catalogue = {fault.name: fault for fault in catalogue}
        self._seed = seed
        self._lock = threading.RLock()
        self._chosen: dict[str, Choice] = {}  # replaced, never changed: another thread may be reading it
        self._scripts: dict[str, tuple[str, ...]] = {}
        self._dice: dict[str, Random] = {}
        self._memory: dict[str, dict[str, Any]] = {}

    @property
    def catalogue(self) -> tuple[Fault, ...]:
        """All that there are."""
        return tuple(self._catalogue.values())

    @property
    def chosen(self) -> Mapping[str, Choice]:
        """Those chosen now."""
        return self._chosen

    @property
    def scripts(self) -> Mapping[str, tuple[str, ...]]:
        """What is left of each operation's script."""
        return self._scripts

    def choose(
        self, name: str, probability: float = 1.0, *, operations: Iterable[str] = (), times: int | None = None
    ) -> None:
        """Let a fault happen from now on; chosen anew, it has forgotten everything. Raises BadInput."""
        self.put(name, Choice(probability, tuple(operations), times))

    def put(self, name: str, choice: Choice) -> None:
        """As `choose`."""
        fault = self.fault(name)
        _check(fault, choice)
        with self._lock:
            self._memory[name] = {}
            self._dice[name] = stream(self._seed, "faults", name)
            self._chosen = {**self._chosen, name: choice}

    def end(self, name: str) -> None:
        """Let a fault happen no more. Raises BadInput where there is no such fault."""
        self.fault(name)
        with self._lock:
            self._chosen = {one: choice for one, choice in self._chosen.items() if one != name}

    def clear(self) -> None:
        """No fault any more, and no script."""
        with self._lock:
            self._chosen, self._scripts, self._memory = {}, {}, {}

    def script(self, operation: str, names: Sequence[str]) -> None:
        """What befalls the next requests of an operation (`ondilo/lastmeasures`), one each; `well` is a right answer.

        Replaces what was left of an earlier script. Raises BadInput.
        """
        if operation not in {one.id for one in OPERATIONS}:
            raise BadInput(
                f"There is no operation {operation[:60]!r}.{_nearest(operation, (o.id for o in OPERATIONS))}"
            )
        if len(names) > LONGEST_SCRIPT:
            raise BadInput(f"A script has at most {LONGEST_SCRIPT} requests.")
        for name in names:
            if name != WELL and operation not in self.fault(name).operations:
                raise BadInput(f"The fault {name} does not fit {operation}.")
        with self._lock:
            self._scripts = {**self._scripts, operation: tuple(names)}

    def unscript(self) -> None:
        """Forget all scripts."""
        with self._lock:
            self._scripts = {}

    def fault(self, name: str) -> Fault:
        """The fault of that name. Raises BadInput with the nearest name."""
        if name not in self._catalogue:
            raise BadInput(
                f"There is no fault {name[:60]!r}.{_nearest(name, self._catalogue)}",
                hint="`margelle clouds --faults-list` shows them all.",
            )
        return self._catalogue[name]

    def turn(self, operation: Operation) -> Turn | None:
        """What befalls the next request of `operation`; None: nothing. A script moves on."""
        with self._lock:
            return self._next(operation)

    def happened(self, name: str) -> None:
        """Count one of the times that the fault was chosen for."""
        with self._lock:
            choice = self._chosen.get(name)
            if choice is None or choice.times is None:
                return
            if choice.times > 1:
                self._chosen = {**self._chosen, name: replace(choice, times=choice.times - 1)}
            else:
                self.end(name)

    def _next(self, operation: Operation) -> Turn | None:
        if left := self._scripts.get(operation.id):
            self._scripts = {**self._scripts, operation.id: left[1:]}
            return None if left[0] == WELL else self._turn(left[0], operation)
        for name, choice in self._chosen.items():
            turn = self._turn(name, operation) if operation.id in (choice.operations or (operation.id,)) else None
            if turn and self._dice[name].random() < choice.probability:
                return turn
        return None

    def _turn(self, name: str, operation: Operation) -> Turn | None:
        effect = self._catalogue[name].effect(operation)
        return Turn(name, effect, self._memory.setdefault(name, {})) if effect else None


def _check(fault: Fault, choice: Choice) -> None:
    if not (math.isfinite(choice.probability) and 0 < choice.probability <= 1):
        raise BadInput(f"A fault's probability is above 0 and at most 1, not {choice.probability:g}.")
    if choice.times is not None and choice.times < 1:
        raise BadInput(f"A fault happens at least once, not {choice.times} times.")
    for operation in choice.operations:
        if operation not in fault.operations:
            raise BadInput(
                f"The fault {fault.name} does not fit {operation[:60]!r}.",
                hint=f"It fits {', '.join(fault.operations)}.",
            )


def _nearest(name: str, names: Iterable[str]) -> str:
    near = get_close_matches(name, list(names), 1)
    return f" Did you mean {near[0]}?" if near else ""
