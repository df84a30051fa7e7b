"""What a user does here to what a cloud has told: carried to that cloud first, then kept, and recorded either way."""

from __future__ import annotations

from collections.abc import Callable

from msgspec.structs import replace

from margelle.domain.site import Account, Recommendation, Site, User
from margelle.errors import Conflict, MargelleError, NotFound
from margelle.ports import AdviceSource, AuditEntry, Clock, Source, Store
from margelle.redaction import redact


class ForwardedActions:
    """Implements `ports.Actions` through the sources that collect: `source_for` returns the one of an account."""

    def __init__(self, store: Store, source_for: Callable[[Account], Source], clock: Clock) -> None:
        self._store = store
        self._source_for = source_for
        self._clock = clock

    async def validate(self, recommendation: Recommendation, site: Site, user: User) -> None:
        """Tell the cloud that `recommendation` has been done, then keep it. Raises what the cloud's refusal means, and Conflict if it is done."""
        try:
            await self._forward(recommendation, site, user)
        except MargelleError as error:
            await self._record(recommendation, user, redact(f"failed: {error.what}"))
            raise
        await self._store.put_recommendation(replace(recommendation, status="ok", updated_at=self._clock()))
        await self._record(recommendation, user, "done")

    async def _forward(self, recommendation: Recommendation, site: Site, user: User) -> None:
        known = await self._store.recommendation(recommendation.id)
        if recommendation.site != site.id or known is None:
            raise NotFound(f"{site.id} has no recommendation {recommendation.key}.")
        if known.status != "waiting":
            raise Conflict(f"The recommendation {recommendation.key} is not waiting any more.")
        source = self._source_for(await self._account(site, user))
        if not isinstance(source, AdviceSource):
            raise Conflict(f"The cloud that {site.id} comes from takes no word about recommendations.")
        await source.validate(recommendation, site)

    async def _account(self, site: Site, user: User) -> Account:
        """The account through which to speak for `user`: one of theirs, else any that has the site."""
        accounts = await self._store.accounts_of(site.id)
        if not accounts:
            raise Conflict(
                f"No account collects {site.id} now.", hint="Add its account again, or mark it in the vendor's app."
            )
        return next((account for account in accounts if account.owner.casefold() == user.email.casefold()), accounts[0])

    async def _record(self, recommendation: Recommendation, user: User, outcome: str) -> None:
        await self._store.record(AuditEntry(self._clock(), user.email, "validate", recommendation.id, outcome))
