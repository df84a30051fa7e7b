"""How collecting goes, as people read it, and what they may ask of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import datetime
from typing import Literal, Protocol

from msgspec import Struct

from margelle.domain.gap import Gap
from margelle.domain.reason import Reason
from margelle.domain.site import Account
from margelle.ports.record import Incident

Act = Literal["discover", "latest", "advice", "history", "switch"]
"""What a source is asked for."""


class Past(Struct, frozen=True):
    """One thing that is asked again and again: its last success, and failures in a row since."""

    act: Act
    subject: str
    quantity: str
    ok_at: datetime | None
    failures: int


class Next(Struct, frozen=True):
    """One thing that will be asked, when at the earliest, and why: in an English sentence, and as the reasons that it says."""

    act: Act
    subject: str
    quantity: str
    due_at: datetime
    why: str
    reasons: tuple[Reason, ...] = ()


class Filling(Struct, frozen=True):
    """An open gap, and when its readings will be asked for if all goes well; None where they will not be."""

    gap: Gap
    at: datetime | None


class Budget(Struct, frozen=True):
    """How an account's requests stand: made in the last `window_s` and allowed in it, by ourselves (`full`) and, as it seems, by the cloud.

    None: any number.
    """

    made: int
    window_s: float
    full: int | None
    allowed: int | None
    refused_at: datetime | None


class AccountReport(Struct, frozen=True):
    """How the collection of one account stands.

    `waits_until` and `waits_for` (the kind of an incident) say that the whole account is held; `paused`, that its people want it so. Of the
    requests for readings that are missing, `filled` were made since there are any, and `to_fill` are still to be made.
    """

    account: str
    vendor: str
    login: str
    owner: str
    discovered_at: datetime | None
    newest: dict[str, datetime]
    past: tuple[Past, ...]
    next: tuple[Next, ...]
    incidents: tuple[Incident, ...]
    gaps: tuple[Gap, ...]
    filling: tuple[Filling, ...]
    filled: int
    to_fill: int
    budget: Budget
    waits_until: datetime | None = None
    waits_for: str = ""
    paused: bool = False


Reports = Callable[[Sequence[Account]], Awaitable[Sequence[AccountReport]]]
"""What tells how collecting from accounts stands, such as `Collection.reports`."""


class Collection(Protocol):
    """The collector, as the pages know it."""

    async def reports(self, accounts: Iterable[Account]) -> list[AccountReport]:
        """A report on each of `accounts`, from the store: whether or not a collector runs."""
        ...

    async def ask_now(self, account: Account) -> None:
        """Have the account's newest values asked for at once, within its budget.

        Raises Conflict where it is paused or this process does not collect it, and Limited where its budget has no request left.
        """
        ...
