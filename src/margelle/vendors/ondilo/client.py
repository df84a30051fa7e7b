"""Collecting from Ondilo's cloud."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Final

from margelle.domain.measurement import Measurement
from margelle.domain.site import Account, Probe, Recommendation, Site
from margelle.errors import Malformed
from margelle.phrase import Phrase
from margelle.ports import Answer, Batch, Discovery, Fault, Http, Tokens, Window
from margelle.vendors.answer import entries, excerpt, saved, value
from margelle.vendors.ondilo import wire
from margelle.vendors.ondilo.cloud import Cloud
from margelle.vendors.ondilo.discovery import Survey
from margelle.vendors.ondilo.sign_in import OndiloConnector
from margelle.vendors.ondilo.translate import BY_QUANTITY, BY_TYPE, TERMS, measurement_from, recommendation_from
from margelle.vendors.reading import batch_of

__all__ = ["OndiloConnector", "OndiloSource", "printed"]

BASE_URL: Final = "https://interop.ondilo.com"
ALL_TYPES: Final = tuple(term.data_type for term in TERMS)


class OndiloSource:
    """One account's pools, measures, history and recommendations."""

    def __init__(self, account: Account, http: Http, tokens: Tokens) -> None:
        self._account = account
        self._cloud = Cloud(BASE_URL, account, http, tokens)
        self._new = account.discovered_at is None

    async def discover(self, now: datetime) -> Discovery:
        """The account's owner, pools and ICOs, in at most 12 requests."""
        found = await Survey(cloud=self._cloud, account=self._account, first=self._new).discovered(now)
        self._new = False
        return found

    async def latest(self, probe: Probe, now: datetime) -> Batch:  # noqa: ARG002
        """The newest measure of every type; each is named, since the cloud tells nothing unasked."""
        query = tuple(("types[]", data_type) for data_type in ALL_TYPES)
        answer = await self._cloud.get("lastmeasures", f"/pools/{probe.key}/lastmeasures", query)
        batch = _batch(answer, "lastmeasures", probe, ALL_TYPES)
        if batch == Batch(()) and probe.serial:  # seen for days while /measures went on
            return Batch((), (Fault("lastmeasures", "the cloud told nothing, though every type was asked for"),))
        return batch

    async def history(self, probe: Probe, quantity: str, window: Window, now: datetime) -> Batch:  # noqa: ARG002
        """The measures of the last 24 hours, 7 days or 30 days."""
        data_type = BY_QUANTITY[quantity].data_type
        query = (("type", data_type), ("period", window))
        return _batch(
            await self._cloud.get("measures", f"/pools/{probe.key}/measures", query), "measures", probe, (data_type,)
        )

    def remembered(self, site: Site) -> tuple[str, ...]:
        """Of salt and TDS only the one that fits the pool has a past worth a request; the probe's own state comes last."""
        unfit = "tds" if site.disinfection.primary == "salt" else "salt"
        return tuple(term.quantity for term in TERMS if term.quantity != unfit)

    async def recommendations(self, site: Site, now: datetime) -> tuple[Recommendation, ...]:
        """Those that wait. The list is taken whole or not at all: whatever is missing from it counts as done."""
        listed = entries(
            (await self._cloud.get("recommendations", f"/pools/{site.key}/recommendations")).body,
            wire.Recommendation,
            "recommendations",
        )
        if listed.lost:
            raise Malformed(f"{listed.lost[0].where}: {listed.lost[0].what}")
        return tuple({said.id: recommendation_from(said, site, now) for said in listed.read}.values())

    async def validate(self, recommendation: Recommendation, site: Site) -> None:
        """Tell the cloud that it has been done. It says "Done"."""
        answer = await self._cloud.put("validate", f"/pools/{site.key}/recommendations/{recommendation.key}")
        done = value(answer.body, str, "validate")
        if done != "Done":
            told = excerpt(done)
            phrase = Phrase("ondilo.not_done", {"said": told})
            raise Malformed(f"The cloud answered {told!r} instead of 'Done'.", phrase=phrase)


def printed(body: bytes, probe: Probe) -> Batch:
    """The answer of `measures` (or `lastmeasures`) that somebody has saved."""
    return _batch(saved(body), "measures", probe, ALL_TYPES)


def _batch(answer: Answer, name: str, probe: Probe, asked: Collection[str]) -> Batch:
    """The measurements of one answer."""

    def read(measure: wire.Measure) -> list[Measurement]:
        found = measurement_from(measure, probe, f"ondilo/{name}")
        return [] if found is None else [found]

    return batch_of(
        entries(answer.body, wire.Measure, name),
        name,
        read,
        lambda measure: None if measure.data_type in asked else _unasked(measure.data_type),
    )


def _unasked(data_type: str) -> str:
    if data_type in BY_TYPE:
        return f"{data_type} came, which was not asked for; kept as such"
    return f"{data_type!r} is a type that this version does not know; kept as ondilo.{data_type}, without a unit"
