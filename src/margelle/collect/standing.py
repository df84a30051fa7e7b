"""The collector, as the pages know it: what it reports, and what people may ask of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime

from margelle.collect import plan
from margelle.collect.report import reports
from margelle.domain.site import Account
from margelle.errors import Conflict, Limited
from margelle.phrase import Phrase
from margelle.ports import AccountReport, Clock, Reader, Spending


class Standing:
    """Implements `ports.Collection`; `ask` has the collector ask an account's newest values at once, and tells whether there is one here that may."""

    def __init__(
        self,
        reader: Reader,
        spending_of: Callable[[Account], Spending | None],
        clock: Clock,
        ask: Callable[[str], Awaitable[bool]],
    ) -> None:
        self._reader, self._spending_of, self._clock, self._ask = reader, spending_of, clock, ask

    async def reports(self, accounts: Iterable[Account]) -> list[AccountReport]:
        """A report on each of `accounts`, from the store."""
        return await reports(self._reader, self._spending_of, self._clock(), accounts)

    async def ask_now(self, account: Account) -> None:
        """Have its newest values asked for. Raises Conflict and Limited."""
        if account.paused:
            raise Conflict(f"{account.id} is paused.", hint="Let it go on first.", phrase=Phrase("collect.is_paused"))
        self._demand_room(account, self._clock())
        if not await self._ask(account.id):
            raise Conflict(
                f"{account.id} is not collected by the process that serves this.",
                hint="The one that collects it asks when something is due.",
                phrase=Phrase("collect.elsewhere"),
            )

    def _demand_room(self, account: Account, now: datetime) -> None:
        """Raises Limited where the account's budget has no request left."""
        spending = self._spending_of(account)
        free_at = plan.room_at(spending, now) if spending is not None else now
        if free_at > now:
            wait_s = (free_at - now).total_seconds()
            phrase = Phrase("net.budget", {"account": account.id, "minutes": str(max(1, round(wait_s / 60)))})
            raise Limited("The account's requests are used up for now.", retry_after_s=wait_s, phrase=phrase)
