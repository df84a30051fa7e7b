"""What an account's requests are for, and how many there were."""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from margelle.errors import Limited
from margelle.ports import Answer, PacedHttp, Request, Spending


class Meter:
    """An account's HTTP that says what each request is for, and counts them: `asked` so far."""

    def __init__(self, http: PacedHttp) -> None:
        self._http = http
        self.asked = 0
        self.purpose = ""

    async def ask(self, request: Request) -> Answer:
        """As the HTTP that it counts for."""
        try:
            answer = await self._http.ask(replace(request, act=self.purpose))
        except Limited:
            raise  # our own budget: nothing was sent
        except BaseException:
            self.asked += 1
            raise
        self.asked += 1
        return answer

    def spending(self, now: datetime) -> Spending:
        """How the account's budget stands."""
        return self._http.spending(now)
