"""Sliding windows: how many requests, or refusals, each user has had lately."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from datetime import datetime

from margelle.errors import Limited
from margelle.ports import Rate


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


class Tries:
    """How often something may be tried in vain, counted by several keys at once (such as a login and an address), each with a rate of its own."""

    def __init__(self, *rates: Rate) -> None:
        self._windows = tuple(Windows([rate]) for rate in rates)

    def demand_room(self, keys: Sequence[str], now: datetime, what: str) -> None:
        """Raises Limited, which says `what` there was too much of, unless there is room for one more by every key."""
        waits_s = (window.wait_s(key, now) for window, key in zip(self._windows, keys, strict=True))
        wait_s = max((wait_s for wait_s in waits_s if wait_s is not None), default=None)
        if wait_s is not None:
            raise Limited(what, hint="Wait a while.", retry_after_s=wait_s)

    def add(self, keys: Sequence[str], now: datetime) -> None:
        """Count one more."""
        for window, key in zip(self._windows, keys, strict=True):
            window.add(key, now)

    def forget(self, key: str) -> None:
        """Begin anew for this one of the first keys: it was no guess. What the others have counted stays."""
        self._windows[0].forget(key)


class FaceQuota:
    """The quota that a face grants each user (ports.Quota); without rates, it grants everything."""

    def __init__(self, rates: Sequence[Rate]) -> None:
        self._windows = Windows(rates) if rates else None

    def take(self, user: str, now: datetime) -> float | None:
        """Count one request of `user`, or say in how many seconds the next one will be within the quota."""
        if self._windows is None:
            return None
        wait_s = self._windows.wait_s(user, now)
        if wait_s is None:
            self._windows.add(user, now)
        return wait_s
