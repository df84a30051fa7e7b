"""One ask, made: what came is judged and kept, what went wrong is recorded, and the progress moves on only after that."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta

from margelle.collect import backfill, elsewhere, failure, withdrawn
from margelle.collect.findings import odd, said, unreadable
from margelle.collect.keeping import keep
from margelle.collect.meter import Meter
from margelle.collect.plan import LOOK, MISSING, Ask
from margelle.collect.progress import IsState, Progress, States, none_is_on_or_off
from margelle.domain.gap import Gap, instants, is_reading
from margelle.domain.measurement import Measurement
from margelle.domain.quantity import Catalogue
from margelle.domain.site import Account, Probe, Recommendation, Site
from margelle.domain.switch import Switch
from margelle.errors import Malformed, MargelleError, NotFound, StoreError
from margelle.phrase import Phrase
from margelle.ports import (
    AdviceSource,
    Batch,
    BriefedSource,
    Clock,
    Discovery,
    HistorySource,
    Incident,
    LongMemorySource,
    MappedSource,
    Source,
    Spending,
    Store,
    SwitchSource,
)

PATIENCE = 3
"""So many times an answer about the past that cannot be right is asked for again."""

NEWS = timedelta(days=7)
"""So long it is told that a site has vanished."""

_log = logging.getLogger(__name__)


class Gather:
    """Makes the asks of one account, one after another."""

    def __init__(
        self,
        account: Account,
        source: Source,
        meter: Meter,
        progress: Progress,
        *,
        store: Store,
        clock: Clock,
        catalogue: Catalogue,
        states: States = none_is_on_or_off,
    ) -> None:
        self.account = account
        self.source = source
        self.progress = progress
        self._meter = meter
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._states = states
        self._is_state: dict[str, IsState] = {}

    async def perform(self, ask: Ask) -> None:
        """Make `ask`, whatever comes of it. Only a StoreError is raised: everything else is recorded."""
        self._meter.purpose, before = ask.purpose, self._meter.asked
        try:
            await self._make(ask)
        except StoreError:
            raise
        except MargelleError as error:
            asked = self._meter.asked > before
            await self._note(failure.failed(self.account.id, ask, error, self.progress, self._clock(), asked=asked))
        except Exception as error:
            _log.exception("An unexpected error while asking %s for %s", self.account.id, ask.where)
            await self._note(failure.broken(self.account.id, ask, error, self.progress, self._clock()))

    def spending(self, now: datetime) -> Spending:
        """How the account's budget stands."""
        return self._meter.spending(now)

    async def _note(self, *incidents: Incident) -> None:
        if await self._store.account(self.account.id) is None:
            return  # removed meanwhile, and its incidents with it
        for incident in incidents:
            await self._store.note_incident(incident)

    async def _make(self, ask: Ask) -> None:
        match ask.act:
            case "discover":
                noted = await self._discover()
            case "latest":
                noted = await self._latest(ask)
            case "advice":
                noted = await self._advice(ask)
            case "switch":
                noted = await self._standing(ask)
            case "history":
                noted = await self._history(ask)
        now = self._clock()
        failure.answered(self.progress, ask, now)
        await self._note(*noted)
        await self._end(ask.where, {one.kind for one in noted if one.where == ask.where}, now)

    async def _end(self, where: str, lasting: set[str], now: datetime) -> None:
        """An answer ends what was wrong there, and with the account as a whole."""
        for incident in await self._store.incidents(self.account.id, open_only=True):
            here = incident.where == where and incident.kind not in lasting
            if here or incident.where == self.account.id:
                await self._store.end_incident(self.account.id, incident.where, incident.kind, now)

    # --- the acts

    async def _discover(self) -> list[Incident]:
        discovery, now = await self._discovery(), self._clock()
        before = {site.id for site in await self._store.sites(account=self.account.id)}
        await self._store.put_discovery(self.account.id, discovery, now)
        sites = await self._store.sites(account=self.account.id)
        await self._take_over(sites)
        if self.progress.discovery.ok_at is None:  # a note that was lost knew of gaps that nobody will close
            for probe in self.progress.probes:
                self.progress.gaps += await self._store.gaps(probe, open_only=True)
        self.progress.rediscover = bool(discovery.faults) and not self._pasts_known()
        there = {site.id for site in sites}
        await self._tidy(there, now)
        gone = "The cloud no longer tells of this site. Its readings stay."
        lost = Phrase("site.vanished")
        vanished = [
            failure.incident(self.account.id, site, "vanished", gone, now, phrase=lost) for site in before - there
        ]
        return unreadable(self.account.id, "discovery", discovery.faults, now) + vanished

    async def _discovery(self) -> Discovery:
        """What the cloud has. Notes how many requests that needs: where they did not suffice, at least one more."""
        before = self._meter.asked
        try:
            discovery = await self.source.discover(self._clock())
        except BaseException:
            self.progress.discovery_cost = max(self.progress.discovery_cost, self._meter.asked - before + 1)
            raise
        self.progress.discovery_cost = max(self._meter.asked - before, 1)
        return discovery

    def _pasts_known(self) -> bool:
        """Whether there are probes, and it is known of each what its cloud can tell of the past."""
        tracks = self.progress.tracks.values()
        return bool(tracks) and (not isinstance(self.source, HistorySource) or all(each.remembered for each in tracks))

    async def resume(self) -> None:
        """What is known of the sites, as this source reads it: the settings may be others than at the last discovery. Costs no request.

        There may be probes though no discovery has ended well: where the store was away within the first.
        """
        if self.progress.discovery.ok_at is not None or self.progress.probes:
            await self._take_over(await self._store.sites(account=self.account.id))

    async def _tidy(self, there: set[str], now: datetime) -> None:
        """End what was wrong with sites that are not asked any more, and the news of a site that is back, or gone for good."""
        asked = there | set(self.progress.tracks) | set(self.progress.switches) | {self.account.id, "discovery"}
        for one in await self._store.incidents(self.account.id, open_only=True):
            old_news = one.where in there or one.since < now - NEWS
            if old_news if one.kind == "vanished" else one.where.split()[0] not in asked:
                await self._store.end_incident(self.account.id, one.where, one.kind, now)

    async def _take_over(self, sites: Sequence[Site]) -> None:
        probes = {
            probe.id: site.id
            for site in sites
            for probe in await self._store.probes(site.id)
            if probe.vendor == site.vendor  # what people measure beside it by hand is no cloud's to tell
        }
        source = self.source
        remembered = {site.id: source.remembered(site) for site in sites} if isinstance(source, HistorySource) else {}
        reach = source.reach if isinstance(source, LongMemorySource) else "month"
        switches = [one.id for site in sites for one in site.switches] if isinstance(source, SwitchSource) else []
        meanings = {site.id: source.meanings(site) for site in sites} if isinstance(source, MappedSource) else {}
        self._is_state = {site.id: self._states(site) for site in sites}
        self.progress.take_over(
            probes,
            remembered,
            advised=isinstance(source, AdviceSource),
            reach=reach,
            switches=switches,
            meanings=meanings,
            states=self._is_state,
        )

    async def _latest(self, ask: Ask) -> list[Incident]:
        batch = await self.source.latest(await self._probe(ask.subject), self._clock())
        now = self._clock()
        kept = await keep(self._store, batch, now, self._catalogue)
        newest = {one.quantity: one.at for one in sorted(filter(is_reading, kept), key=lambda one: one.at)}
        track = self.progress.probes[ask.subject]
        await elsewhere.leave(self._store, self.progress, ask.subject, track)
        track.know(newest, self._is_state[track.site])
        backfill.arrived(track, newest, now, empty=not kept)
        noted = odd(self.account.id, ask, batch, kept, now)
        if track.empties >= backfill.EMPTY and track.newest is not None:
            what = "The cloud answers, but tells no latest values; its past is asked instead."
            phrase = Phrase("cloud.no_latest")
            noted.append(failure.incident(self.account.id, ask.where, "latest-empty", what, now, phrase=phrase))
        return noted

    async def _standing(self, ask: Ask) -> list[Incident]:
        source, switch = self.source, await self._switch(ask.subject)
        if not isinstance(source, SwitchSource):
            raise NotFound("This cloud switches nothing.")
        batch = await source.standing(switch, self._clock())
        now = self._clock()
        kept = await keep(self._store, batch, now, self._catalogue)
        return odd(self.account.id, ask, batch, kept, now)

    async def _history(self, ask: Ask) -> list[Incident]:
        source, window = self.source, ask.window
        if not isinstance(source, HistorySource) or window is None:
            raise NotFound("This cloud tells no past.")
        probe = await self._probe(ask.subject)
        site = await self._store.site(probe.site)
        if isinstance(source, BriefedSource) and site is not None:
            source.brief(site)
        batch = await source.history(probe, ask.quantity, window, self._clock())
        now = self._clock()
        unseen = ask.rank == LOOK and await self._tells_unseen(ask, batch)
        known = await self._known(ask)
        kept = await keep(self._store, batch, now, self._catalogue)
        if unseen:  # the other quantities were measured then too
            self.progress.probes[ask.subject].suspect_at = now
        if batch.broken is not None:
            raise batch.broken
        told = instants(one for one in kept if one.quantity == ask.quantity)
        attempt = self.progress.attempt(ask.act, ask.subject, ask.quantity)
        if attempt.failures < PATIENCE:
            await self._doubt_answer(ask, batch, now)
        track = self.progress.probes[ask.subject]
        kept += await self._doubt_withdrawn(ask, kept, now) if not batch.faults else []
        await self.give_up(now, only=(ask.subject, ask.quantity))
        gaps = backfill.settle(
            track, told, now, probe=ask.subject, quantity=ask.quantity, readable=not batch.faults, known=known
        )
        self.progress.closed += gaps
        self.progress.filled += ask.rank in MISSING
        if window not in {"day", "week"}:
            track.series[ask.quantity].swept_at = now
        return odd(self.account.id, ask, batch, kept, now)

    async def _tells_unseen(self, ask: Ask, batch: Batch) -> bool:
        """Whether an answer tells of readings, older than the newest that is known, which the store has not."""
        newest = self.progress.probes[ask.subject].series[ask.quantity].newest
        told = instants(one for one in batch.measurements if one.quantity == ask.quantity)
        told = [at for at in told if newest is not None and at <= newest]
        if not told:
            return False
        known = await self._store.history(ask.subject, ask.quantity, told[0], told[-1] + backfill.QUICK)
        return not set(told) <= {one.at for one in known}

    async def _doubt_withdrawn(self, ask: Ask, kept: Sequence[Measurement], now: datetime) -> list[Measurement]:
        """Readings at instants that the cloud has corrected; its past is believed where it agrees with its latest value on the time."""
        series = self.progress.probes[ask.subject].series[ask.quantity]
        told = sorted((one for one in kept if one.quantity == ask.quantity and is_reading(one)), key=lambda one: one.at)
        if series.newest is None or all(one.at != series.newest for one in told):
            return []
        return await withdrawn.doubt(self._store, told, series.rhythm_s, now, self._catalogue)

    async def _known(self, ask: Ask) -> list[datetime]:
        """The readings in what is missing of a quantity that is asked for: a gap may have been widened over some."""
        series = self.progress.probes[ask.subject].series[ask.quantity]
        if series.missing_since is None:
            return []
        return instants(
            await self._store.history(ask.subject, ask.quantity, series.missing_since, series.missing_until)
        )

    async def _doubt_answer(self, ask: Ask, batch: Batch, now: datetime) -> None:
        """An answer that could not all be read, or denies what the same cloud told before, settles nothing."""
        if batch.faults:
            first = said(batch.faults[0])
            phrase = Phrase("cloud.parts", {"n": str(len(batch.faults)), "first": first})
            raise Malformed(f"{len(batch.faults)} parts could not be read, first {first}", phrase=phrase)
        if batch.measurements or ask.window is None:
            return
        since = now - backfill.SPANS[ask.window] + backfill.QUICK
        if await self._store.history(ask.subject, ask.quantity, since, now - backfill.QUICK, 1):
            raise Malformed(
                "The cloud tells of no readings where it has told some before.", phrase=Phrase("cloud.denies")
            )

    async def _advice(self, ask: Ask) -> list[Incident]:
        source = self.source
        site = await self._store.site(ask.subject)
        if not isinstance(source, AdviceSource) or site is None:
            raise NotFound("Nothing advises on this site.")
        asked_at = self._clock()
        waiting = [
            one for one in await source.recommendations(site, asked_at) if not await self._done_since(one, asked_at)
        ]
        await self._store.put_recommendations(site.id, waiting)
        return []

    async def _done_since(self, recommendation: Recommendation, asked_at: datetime) -> bool:
        """Whether its user has done it while the cloud's answer was under way, which does not know of it."""
        known = await self._store.recommendation(recommendation.id)
        return known is not None and known.status == "ok" and known.updated_at >= asked_at

    async def give_up(self, now: datetime, *, only: tuple[str, str] | None = None) -> list[Gap]:
        """What is lost: beyond what this account's cloud can tell, and any other account's of the same probe."""
        others = await elsewhere.reaches(self._store, self.account.id, self.progress, now)
        return backfill.give_up(self.progress, now, only=only, elsewhere=others)

    # --- keeping

    async def _probe(self, probe: str) -> Probe:
        site = self.progress.probes[probe].site
        found = next((one for one in await self._store.probes(site) if one.id == probe), None)
        if found is None:
            raise NotFound(f"The store has no probe {probe}.")
        return found

    async def _switch(self, switch: str) -> Switch:
        for site in await self._store.sites(account=self.account.id):
            for one in site.switches:
                if one.id == switch:
                    return one
        raise NotFound(f"The store has no switch {switch}.")
