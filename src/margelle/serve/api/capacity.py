"""How much that was sent may wait in this process at once, and who has to come back later.

Each key may have as much under way as is still free (Choudhury and Hahne, Dynamic queue length thresholds, 1998): one key alone gets half,
n keys get one part in n + 1 each, and for one that comes new there is always as much left. What is turned away is remembered until as much
was kept, so that the more there is to come back, the later it is told to.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Callable
from types import TracebackType
from typing import Final

from margelle.errors import Limited, MargelleError

LONGEST_S: Final = 60.0
"""Nobody is told to stay away for longer."""

_RATE_BYTES_PER_S: Final = 4e6
"""What is assumed before anything was kept."""

_WEIGHT: Final = 0.2


class Busy(MargelleError):
    """The hub has more to do than it can: whoever asks has done nothing wrong."""

    retryable = True


class Capacity:
    """Counts the bytes under way of all keys, `most_bytes` at the most. `seconds` is a clock that never goes back."""

    def __init__(self, most_bytes: int, seconds: Callable[[], float] = time.monotonic) -> None:
        self.most_bytes, self._seconds = most_bytes, seconds
        self.used_bytes = 0
        self._by_key: defaultdict[str, int] = defaultdict(int)
        self._owed_bytes = 0
        self._rate = _RATE_BYTES_PER_S
        self._busy_since_s = 0.0

    def enter(self, key: str, size_bytes: int) -> Stay:
        """Room for a body of so many bytes (0: not known yet). Raises Limited where the key has too much under way itself, and Busy where others have."""
        stay = Stay(self, key)
        stay.grow(size_bytes)
        return stay

    def take(self, key: str, more_bytes: int) -> None:
        """Count more of a key's bytes. Raises as `enter` does."""
        free, theirs = self.most_bytes - self.used_bytes, self._by_key.get(key, 0)
        if self.used_bytes and theirs + more_bytes > free:
            raise self._refusal(theirs, more_bytes)
        if not self.used_bytes:
            self._busy_since_s = self._seconds()
        self.used_bytes += more_bytes
        self._by_key[key] = theirs + more_bytes

    def give_back(self, key: str, size_bytes: int) -> None:
        """These bytes are dealt with."""
        self.used_bytes -= size_bytes
        self._by_key[key] -= size_bytes
        if self._by_key[key] <= 0:
            del self._by_key[key]
        self._owed_bytes = max(self._owed_bytes - size_bytes, 0) if self.used_bytes else 0
        now_s = self._seconds()
        took_s, self._busy_since_s = now_s - self._busy_since_s, now_s
        if took_s > 0 and size_bytes:
            self._rate += _WEIGHT * (size_bytes / took_s - self._rate)

    def _refusal(self, theirs: int, more_bytes: int) -> MargelleError:
        wait_s = min(max(math.ceil((self.used_bytes + self._owed_bytes) / self._rate), 1), LONGEST_S)
        self._owed_bytes += more_bytes
        if theirs:
            return Limited("Too much of yours is being kept already.", hint="Wait a while.", retry_after_s=wait_s)
        return Busy("More is being kept already than fits.", hint="Wait a while.", retry_after_s=wait_s)


class Stay:
    """One body that is under way, until it is left as a context."""

    def __init__(self, capacity: Capacity, key: str) -> None:
        self._capacity, self._key, self._bytes, self._come = capacity, key, 0, 0

    def grow(self, more_bytes: int) -> None:
        """It is so much larger. Raises as `Capacity.enter` does."""
        self._capacity.take(self._key, more_bytes)
        self._bytes += more_bytes

    def came(self, more_bytes: int) -> None:
        """So many of its bytes have come: more than were announced are counted as they come. Raises likewise."""
        self._come += more_bytes
        if self._come > self._bytes:
            self.grow(self._come - self._bytes)

    def __enter__(self) -> Stay:
        """It is counted already."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """It is dealt with, whatever came of it."""
        self._capacity.give_back(self._key, self._bytes)
