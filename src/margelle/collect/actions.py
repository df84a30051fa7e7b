"""What a user does here to what a cloud has told: carried to that cloud first, then kept, and recorded either way."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable

from msgspec.structs import replace

from margelle.domain.access import allows
from margelle.domain.measurement import Measurement
from margelle.domain.quantity import CATALOGUE, Catalogue
from margelle.domain.site import Account, Probe, Recommendation, Site, User
from margelle.domain.switch import Switch, Turn, agrees, state_of
from margelle.errors import Conflict, Forbidden, MargelleError, NotFound
from margelle.intake.beside import keep
from margelle.phrase import Phrase, Sentence
from margelle.ports import AdviceSource, AuditEntry, Clock, ParameterSink, Source, Store, SwitchSource
from margelle.redaction import redact, redacted


class ForwardedActions:
    """Implements `ports.Actions` through the sources that collect: `source_for` returns the one of an account."""

    def __init__(
        self,
        store: Store,
        source_for: Callable[[Account], Source],
        clock: Clock,
        catalogue: Catalogue = CATALOGUE,
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._source_for = source_for
        self._clock = clock
        self._turning: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    async def validate(self, recommendation: Recommendation, site: Site, user: User) -> None:
        """Tell the cloud that `recommendation` has been done, then keep it. Raises what the cloud's refusal means, and Conflict if it is done."""
        try:
            await self._demand_right(site.id, user)
            await self._forward(recommendation, site, user)
        except MargelleError as error:
            await self._record(
                "validate",
                recommendation.id,
                user,
                Sentence(f"failed: {error.what}", Phrase("failed", {"why": error.phrase or error.what})),
                site.id,
            )
            raise
        await self._store.put_recommendation(replace(recommendation, status="ok", updated_at=self._clock()))
        await self._record("validate", recommendation.id, user, Sentence("done"), site.id)

    async def write(self, parameter: str, wanted: Measurement, probe: Probe, user: User) -> None:
        """Tell the cloud, then ask it what it has now and keep that. Raises what the cloud's refusal means, and Conflict if it takes nothing."""
        subject = f"{probe.id} {parameter}"
        try:
            await self._demand_right(probe.site, user)
            source = self._source_for(await self._account(probe.site, user))
            if not isinstance(source, ParameterSink):
                phrase = Phrase("act.nothing_set", {"what": probe.id})
                raise Conflict(f"The cloud that {probe.id} comes from lets nothing be set.", phrase=phrase)
            await source.write(probe, parameter, wanted.raw)
        except MargelleError as error:
            await self._record("write", subject, user, _failed(wanted.raw[:100], error), probe.site)
            raise
        await self._record("write", subject, user, _taken(wanted.raw[:100]), probe.site)
        await self._record("read back", subject, user, await self._read_back(source, wanted, probe), probe.site)

    async def switch(self, switch: Switch, wanted: Turn, site: Site, user: User) -> None:
        """Tell the cloud, then ask it how the switch stands and keep that; of several at once, one after another.

        A turn can be several requests, between which another's would change what they mean. Raises what the cloud's refusal means, and Conflict where no account has the site, or its cloud switches nothing.
        """
        try:
            await self._demand_right(site.id, user)
            source = self._source_for(await self._account(site.id, user))
            if not isinstance(source, SwitchSource) or switch not in site.switches:
                phrase = Phrase("act.nothing_switched", {"what": site.id})
                raise Conflict(f"The cloud that {site.id} comes from lets nothing be switched.", phrase=phrase)
            await self._turn(source, switch, wanted, site, user)
        except MargelleError as error:
            await self._record("switch", switch.id, user, _failed(wanted, error), site.id)
            raise

    async def _turn(self, source: SwitchSource, switch: Switch, wanted: Turn, site: Site, user: User) -> None:
        async with self._turning[switch.id]:
            await source.turn(switch, wanted)
            await self._record("switch", switch.id, user, _taken(wanted), site.id)
            await self._record("read back", switch.id, user, await self._standing(source, switch, wanted), site.id)

    async def _standing(self, source: SwitchSource, switch: Switch, wanted: Turn) -> Sentence:
        """How the cloud says that a switch stands, after it was turned. That it cannot be asked now undoes nothing."""
        try:
            batch = await source.standing(switch, self._clock())
        except MargelleError as error:
            return _not_known(error)
        now = self._clock()
        kept = await keep(self._store, batch.measurements, now, self._catalogue)
        state = state_of({one.quantity: one for one in kept})
        if state is None:
            return Sentence("the cloud does not tell how it stands", Phrase("back.untold"))
        told = f"{'on' if state.on else 'off'}, {state.mode or 'mode not known'}"
        stands = Phrase("back.stands", {"on": Phrase("on" if state.on else "off"), "mode": _mode(state.mode)})
        if agrees(state, wanted):
            return Sentence(told, stands)
        return Sentence(
            f"still {told}: the device may not have been reached yet", Phrase("back.still", {"what": stands})
        )

    async def _read_back(self, source: Source, wanted: Measurement, probe: Probe) -> Sentence:
        """What the cloud tells after a write. That it cannot be asked now undoes nothing."""
        try:
            batch = await source.latest(probe, self._clock())
        except MargelleError as error:
            return _not_known(error)
        now = self._clock()
        await keep(self._store, batch.measurements, now, self._catalogue)
        told = next((one for one in batch.measurements if one.quantity == wanted.quantity), None)
        if told is None:
            return Sentence("the cloud tells nothing of it", Phrase("back.untold"))
        agreed = told.raw == wanted.raw or (told.value is not None and told.value == wanted.value)
        value = told.raw[:100]
        if agreed:
            return Sentence(f"{value!r}", Phrase("back.value", {"value": value}))
        return Sentence(
            f"still {value!r}: the device may not have been reached yet", Phrase("back.still", {"what": value})
        )

    async def _forward(self, recommendation: Recommendation, site: Site, user: User) -> None:
        known = await self._store.recommendation(recommendation.id)
        if recommendation.site != site.id or known is None:
            raise NotFound(f"{site.id} has no recommendation {recommendation.key}.")
        if known.status != "waiting":
            what = f"The recommendation {recommendation.key} is not waiting any more."
            raise Conflict(what, phrase=Phrase("act.not_waiting"))
        source = self._source_for(await self._account(site.id, user))
        if not isinstance(source, AdviceSource):
            what = f"The cloud that {site.id} comes from takes no word about recommendations."
            raise Conflict(what, phrase=Phrase("act.no_word", {"what": site.id}))
        await source.validate(recommendation, site)

    async def _demand_right(self, site: str, user: User) -> None:
        """Raises Forbidden unless the user's role at the site lets them act on it."""
        if not allows((await self._store.roles(user.email)).get(site), "control"):
            raise Forbidden(
                f"{user.email} may not act on {site}.",
                hint="Its owner can make them a technician there.",
                phrase=Phrase("may.act", {"user": user.email, "site": site}),
            )

    async def _account(self, site: str, user: User) -> Account:
        """The account through which to speak for `user`: one of theirs, else any that has the site."""
        accounts = await self._store.accounts_of(site)
        if not accounts:
            raise Conflict(
                f"No account collects {site} now.",
                hint="Add its account again, or mark it in the vendor's app.",
                phrase=Phrase("act.nobody", {"site": site}),
            )
        return next((account for account in accounts if _is_of(account, user)), accounts[0])

    async def _record(self, act: str, subject: str, user: User, outcome: Sentence, site: str) -> None:
        text, phrase = redact(outcome.text), redacted(outcome.phrase)
        await self._store.record(AuditEntry(self._clock(), user.email, act, subject, text, site, phrase=phrase))


def _failed(wanted: str, error: MargelleError) -> Sentence:
    phrase = Phrase("value.failed", {"value": _named(wanted), "why": error.phrase or error.what})
    return Sentence(f"{wanted!r} failed: {error.what}", phrase)


def _taken(wanted: str) -> Sentence:
    return Sentence(f"{wanted!r} was taken", Phrase("value.taken", {"value": _named(wanted)}))


def _not_known(error: MargelleError) -> Sentence:
    return Sentence(f"not known: {error.what}", Phrase("back.not_known", {"why": error.phrase or error.what}))


def _named(wanted: str) -> str | Phrase:
    """A turn by its name, which others have in their language; a value as it is."""
    return Phrase(f"turn.{wanted}") if wanted in {"on", "off", "auto", "planning"} else wanted


def _mode(mode: str | None) -> Phrase:
    return Phrase(f"turn.{mode}" if mode else "back.no_mode")


def _is_of(account: Account, user: User) -> bool:
    return account.owner.casefold() == user.email.casefold()
