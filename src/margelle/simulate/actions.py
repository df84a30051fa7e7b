"""What a user of a simulated cloud does there: kept at once, for no other cloud stands behind it."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec.structs import replace

from margelle.domain.measurement import Measurement
from margelle.domain.site import Probe, Recommendation, Site, User
from margelle.domain.switch import Switch, Turn
from margelle.errors import Conflict, NotFound
from margelle.phrase import Phrase
from margelle.ports import AuditEntry, Clock, Store
from margelle.simulate.pump import Drive


class LocalActions:
    """Implements `ports.Actions` on the cloud's own store. `pumps` are what can be switched there, by the switch's id."""

    def __init__(self, store: Store, clock: Clock, pumps: Mapping[str, Drive] = {}) -> None:
        self._store = store
        self._clock = clock
        self._pumps = pumps

    async def validate(self, recommendation: Recommendation, site: Site, user: User) -> None:
        """The recommendation has been done. Raises NotFound where the site has none such, Conflict where it is not waiting any more."""
        known = await self._store.recommendation(recommendation.id)
        if known is None or known.site != site.id:
            raise NotFound(f"{site.id} has no recommendation {recommendation.key}.")
        if known.status != "waiting":
            raise Conflict(f"The recommendation {known.key} is not waiting any more.")
        now = self._clock()
        await self._store.put_recommendation(replace(known, status="ok", updated_at=now))
        await self._store.record(AuditEntry(now, user.email, "validate", known.id, "done", site.id))

    async def write(self, parameter: str, wanted: Measurement, probe: Probe, user: User) -> None:
        """The device takes it at once, and tells it from then on. Raises NotFound where it has no such parameter."""
        if wanted.quantity not in await self._store.quantities(probe.id):
            raise NotFound(f"{probe.id} has no parameter {parameter}.")
        now = self._clock()
        await self._store.add([replace(wanted, at=now)], now)
        value = wanted.raw[:100]
        phrase = Phrase("value.taken", {"value": value})
        await self._store.record(
            AuditEntry(now, user.email, "write", f"{probe.id} {parameter}", f"{value!r}", probe.site, phrase=phrase)
        )

    async def switch(self, switch: Switch, wanted: Turn, site: Site, user: User) -> None:
        """The pump obeys at once. Raises NotFound where there is none."""
        pump = self._pumps.get(switch.id)
        if pump is None:
            raise NotFound(f"There is no pump behind {switch.id}.")
        now = self._clock()
        await pump.turn(wanted, now)
        phrase = Phrase("value.taken", {"value": Phrase(f"turn.{wanted}")})
        await self._store.record(
            AuditEntry(now, user.email, "switch", switch.id, f"{wanted!r}", site.id, phrase=phrase)
        )
