"""Many accounts of one cloud: they are begun with one after the other, so many ask at once, and nobody waits for another's past."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from margelle.domain.site import Account

AT_ONCE: Final = 8
"""So many accounts ask one cloud at the same time. Other clouds are not kept waiting by it."""

APART: Final = timedelta(seconds=0.2)
SPREAD: Final = timedelta(minutes=10)
"""Accounts of one cloud that are begun with together, after a start or a take-over, follow each other so far apart; all of them within so long."""


def cloud_of(account: Account) -> str:
    """Which cloud an account is asked from."""
    return f"{account.vendor} {account.base_url}"


def apart(accounts: Iterable[Account], now: datetime) -> dict[str, datetime]:
    """When accounts that are begun with together are due, by id: one of a cloud after the other."""
    clouds: defaultdict[str, list[str]] = defaultdict(list)
    for account in accounts:
        clouds[cloud_of(account)].append(account.id)
    return {
        name: now + n * min(APART, SPREAD / len(names)) for names in clouds.values() for n, name in enumerate(names)
    }


def admitted(due: Iterable[Account], asking: Iterable[Account]) -> tuple[list[Account], frozenset[str]]:
    """Which of those that are `due` (in order) may ask beside those that do, and the clouds of which some have to wait."""
    busy, may, crowded = Counter(map(cloud_of, asking)), [], set()
    for account in due:
        cloud = cloud_of(account)
        if busy[cloud] < AT_ONCE:
            busy[cloud] += 1
            may.append(account)
        else:
            crowded.add(cloud)
    return may, frozenset(crowded)
