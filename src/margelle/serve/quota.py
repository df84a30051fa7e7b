"""Sliding windows: how many requests, or refusals, each user has had lately."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import datetime

import msgspec

from margelle.ports import NoSiblings, Rate, Siblings


class Windows:
    """For each key, the instants of its latest events, held against rates. Exact, and bounded in memory.

    `most` keys are remembered; beyond that the ones idle for longest are forgotten. Why not a library: docs/decisions/0006.
    """

    def __init__(self, rates: Sequence[Rate], most: int = 10_000) -> None:
        self._rates = tuple(rates)
        self._longest = max((rate.requests for rate in rates), default=0)
        self._span_s = max((rate.seconds for rate in rates), default=0.0)
        self._most = most
        self._events: dict[str, deque[float]] = {}  # in order of their last event

    def __len__(self) -> int:
        """How many keys are remembered."""
        return len(self._events)

    def wait_s(self, key: str, now: datetime) -> float | None:
        """None if there is room for one more event, else in how many seconds there will be."""
        events = self._events.get(key)
        if events is None:
            return None
        at_s = now.timestamp()
        wait_s = 0.0
        for rate in self._rates:
            if len(events) >= rate.requests:
                # A clock that was set back must not shut anybody out for longer than the window.
                wait_s = max(wait_s, min(events[-rate.requests] + rate.seconds - at_s, rate.seconds))
        return wait_s if wait_s > 0 else None

    def add(self, key: str, now: datetime) -> None:
        """Count one event."""
        at_s = now.timestamp()
        events = self._events.pop(key, None)
        if events is None:
            self._forget_idle(at_s)
            events = deque(maxlen=self._longest)
        events.append(at_s)
        self._events[key] = events

    def left(self, key: str, now: datetime) -> int:
        """How many more events there is room for now, by the first rate."""
        events, rate = self._events.get(key, deque[float]()), self._rates[0]
        since_s = now.timestamp() - self._span_s
        while events and events[0] <= since_s:
            events.popleft()
        return max(rate.requests - len(events), 0)

    def forget(self, key: str) -> None:
        """Begin anew for this key."""
        self._events.pop(key, None)

    def _forget_idle(self, at_s: float) -> None:
        while self._events:
            idlest = next(iter(self._events))
            if len(self._events) < self._most and self._events[idlest][-1] + self._span_s > at_s:
                return
            del self._events[idlest]


class SharedWindows(Windows):
    """Windows that count what the hub's other processes on this machine count too, under the same `topic`, as soon as they tell."""

    def __init__(self, rates: Sequence[Rate], topic: str, siblings: Siblings | None = None) -> None:
        super().__init__(rates)
        self._topic, self._siblings = f"requests {topic}", siblings or NoSiblings()
        self._siblings.hear(self._topic, self._hear)

    def add(self, key: str, now: datetime) -> None:
        """Count one event, here and at the others'."""
        super().add(key, now)
        self._siblings.tell(self._topic, msgspec.msgpack.encode((key, now)))

    def _hear(self, told: bytes) -> None:
        super().add(*msgspec.msgpack.decode(told, type=tuple[str, datetime]))


class FaceQuota:
    """The quota that a face grants each user (ports.Quota); without rates, it grants everything."""

    def __init__(self, rates: Sequence[Rate], face: str = "", siblings: Siblings | None = None) -> None:
        self._windows = SharedWindows(rates, face, siblings) if rates else None

    def take(self, user: str, now: datetime) -> float | None:
        """Count one request of `user`, or say in how many seconds the next one will be within the quota."""
        if self._windows is None:
            return None
        wait_s = self._windows.wait_s(user, now)
        if wait_s is None:
            self._windows.add(user, now)
        return wait_s
