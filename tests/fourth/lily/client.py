"""Collecting from Lily's cloud."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from margelle.domain.site import Account, Person, Probe, Site
from margelle.errors import Malformed, Refused
from margelle.ports import Batch, Discovery, Http, Request, Token, Tokens, Window
from margelle.vendors.answer import entries, few, refusal, value
from margelle.vendors.bearer import Bearer
from margelle.vendors.login import LoginOnly, never_renewed
from margelle.vendors.reading import batch_of
from margelle.vendors.survey import Findings
from tests.fourth.lily import wire
from tests.fourth.lily.translate import BY_QUANTITY, measurements_from, probe_from, site_from

BASE_URL: Final = "https://api.lily.example"
HOURS: Final[dict[Window, int]] = {"day": 24, "week": 168, "month": 720}

OURS: Final[dict[str, tuple[str, ...]]] = {
    "label": ("name",),
    "litres": ("volume_m3",),
    "treatment": ("disinfection", "attributes"),
}
"""What of a site comes from which of their fields, and stays as it is known where that cannot be read."""


class LilyConnector(LoginOnly):
    """Signs a user in, once: the key serves for ever."""

    async def sign_in(self, login: str, password: str) -> Token:
        """The key for a login. Raises Refused. Nothing that should hold a key is quoted in an error."""
        form = (("email", login), ("password", password))
        answer = await self._http.ask(Request("keys", "POST", f"{self._base_url}/v1/keys", form=form, redirects=False))
        if answer.status == 403:
            raise Refused("The cloud refused the login.", hint="Use the e-mail and password of the Lily app.")
        if answer.status != 201:
            raise refusal(answer)
        try:
            return Token(value(answer.body, wire.Key, "keys").api_key)
        except Malformed:
            raise Malformed("The cloud answered something that is no key.") from None


class LilySource:
    """One account's buoys, newest samples and past."""

    def __init__(self, account: Account, http: Http, tokens: Tokens) -> None:
        self._account = account
        self._cloud = Bearer(account.base_url or BASE_URL, http, tokens, never_renewed, {}, scheme="Key")

    async def discover(self, now: datetime) -> Discovery:
        """The account's buoys, in one request."""
        findings = Findings()
        listed = entries((await self._cloud.get("buoys", "/v1/buoys")).body, wire.Buoy, "buoys")
        buoys = findings.take(listed, "buoy", lambda buoy: self._account.own_id(str(buoy.id)), OURS)
        sites = [site_from(self._account, buoy) for buoy in buoys]
        probes = [probe_from(site, buoy) for site, buoy in zip(sites, buoys, strict=True)]
        person = Person(email=self._account.login)
        return Discovery(person, tuple(sites), tuple(probes), few(findings.faults), findings.unread)

    async def latest(self, probe: Probe, now: datetime) -> Batch:
        """The newest sample."""
        return await self._samples(probe)

    async def history(self, probe: Probe, quantity: str, window: Window, now: datetime) -> Batch:
        """One sensor's samples of the last 24 hours, 7 days or 30 days."""
        return await self._samples(probe, ("hours", str(HOURS[window])), ("sensor", BY_QUANTITY[quantity].sensor))

    def remembered(self, site: Site) -> tuple[str, ...]:
        """Everything."""
        return tuple(BY_QUANTITY)

    async def _samples(self, probe: Probe, *query: tuple[str, str]) -> Batch:
        answer = await self._cloud.get("samples", f"/v1/buoys/{probe.key}/samples", query)
        listed = entries(answer.body, wire.Sample, "samples")
        return batch_of(listed, "samples", lambda sample: measurements_from(sample, probe))
