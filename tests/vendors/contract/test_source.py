"""Whatever a cloud answers, a source keeps its promises: documented errors, nothing invented, nothing lost, no secret told, nothing remembered."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace

from margelle.domain.site import Person, Probe, Recommendation, Site
from margelle.domain.switch import Switch
from margelle.errors import Conflict, Limited, Malformed, NotFound, Refused, Unavailable, Unreachable
from margelle.net.budget import Budget
from margelle.net.http import CloudHttp
from margelle.ports import (
    AdviceSource,
    Answer,
    Batch,
    Discovery,
    HistorySource,
    Http,
    ParameterSink,
    Request,
    Source,
    SwitchSource,
)
from margelle.store.memory import MemoryStore
from tests import hostile
from tests.hostile import Behaviour, Call
from tests.vendors.contract import EVERY_VENDOR
from tests.vendors.fakes import FakeHttp, FakeTokens, Script, answer
from tests.vendors.parties import Party

LOGIN = "john@doe.org"
SECRETS = ("a-most-secret-access-token-1", "a-most-secret-refresh-token-2")
DOCUMENTED = (Limited, Refused, NotFound, Unreachable, Unavailable, Malformed)
"""What `ports.Source` says that it raises; where something is to be changed, Conflict too."""

DEEP = b"[" * 100_000
ODD: tuple[Any, ...] = (
    None,
    True,
    7,
    1e308,
    "text",
    "",
    [],
    {},
    [[]],
    [None],
    [7],
    [{}],
    {"": None},
    [{"id": {}}],
    {"Current": ""},
)


async def echo(call: Call) -> None:
    """A cloud that prints what it was sent into its answer, as debug pages do."""
    told = {"headers": call.seen.headers, "body": call.seen.body.decode(), "target": call.seen.target}
    await hostile.json(told, 500)(call)


BEHAVIOURS: dict[str, Behaviour] = {
    "html with 200": hostile.html(200),
    "html with 502": hostile.html(502),
    "nothing": hostile.empty(),
    "no utf-8": hostile.invalid_utf8(),
    "nan": hostile.nan(),
    "429": hostile.limited(),
    "429 for a minute": hostile.limited("60"),
    "429 for nonsense": hostile.limited("soon"),
    "cut": hostile.cut(b'[{"id": 234'),
    "closed": hostile.close_before_answer,
    "reset": hostile.reset_before_answer,
    "reset in the headers": hostile.reset_in_headers,
    "reset in the body": hostile.reset_in_body(b"[{"),
    "a broken chunk": hostile.broken_chunk(),
    "too large": hostile.huge(10**12),
    "no http": hostile.no_http,
    "large headers": hostile.large_headers(),
    "gzip unasked": hostile.gzipped(b"[]"),
    "in circles": hostile.redirect("/again"),
    "deep": hostile.answer(200, DEEP),
    "echo": echo,
    **{str(status): hostile.json({"error": "no", "message": "no"}, status) for status in (204, 400, 401, 403, 404, 410, 500, 503)},
    **{f"200 {json.dumps(odd)}": hostile.json(odd) for odd in ODD},
}  # fmt: skip

Asks = dict[str, Callable[[], Awaitable[Any]]]


async def good(party: Party) -> Discovery:
    """What there is, by the evidence."""
    at = party.moments[0]
    source = party.source(party.account(LOGIN), FakeHttp(**at.answers), FakeTokens(*SECRETS))
    return await source.discover(at.now)


def asks(source: Source, site: Site, probe: Probe, party: Party) -> Asks:
    """All that this source can be asked."""
    now = party.moments[0].now
    every: Asks = {"discover": lambda: source.discover(now), "latest": lambda: source.latest(probe, now)}
    if isinstance(source, HistorySource):
        first = source.remembered(site)[0]
        every["history"] = lambda: source.history(probe, first, "week", now)
    if isinstance(source, AdviceSource):
        advice = Recommendation(f"{site.id}/recommendation/1", site.id, "1", "", "", now, now)
        every["recommendations"] = lambda: source.recommendations(site, now)
        every["validate"] = lambda: source.validate(advice, site)
    if isinstance(source, SwitchSource):
        for switch in site.switches:
            every["standing"] = partial(source.standing, switch, now)
            every["turn"] = partial(source.turn, switch, "on")
    if isinstance(source, ParameterSink):
        every["write"] = lambda: source.write(probe, "A", "1")
    return every


def sane(told: Any, subject: Probe | Switch) -> None:
    """Nothing was made up."""
    if isinstance(told, Discovery):
        assert not told.complete or told.sites
        assert all(one.site in {of.id for of in told.sites} for one in told.probes)
    if isinstance(told, Batch):
        for point in told.measurements:
            assert point.probe == subject.id
            assert point.value is not None or point.doubts


@pytest.mark.parametrize("name", BEHAVIOURS)
@EVERY_VENDOR
async def test_whatever_comes_is_read_or_raised_as_documented_and_no_secret_is_told(party: Party, name: str) -> None:
    found = await good(party)
    site, probe = found.sites[0], found.probes[0]
    store, now = MemoryStore(), party.moments[0].now

    async def at_once(_: float) -> None:
        return None

    async with hostile.HostileCloud() as cloud:
        cloud.always(BEHAVIOURS[name])
        account = replace(party.account(LOGIN), base_url=cloud.url)
        http = CloudHttp(account.id, store, Budget(None, account.id, ()), lambda: now, pause=at_once)
        try:
            source, said = party.source(account, http, FakeTokens(*SECRETS)), []
            for what, ask in asks(source, site, probe, party).items():
                try:
                    told = await ask()
                except DOCUMENTED as error:
                    said.append(f"{error} {error.hint}")
                except Conflict as error:
                    assert what in {"write", "validate", "standing", "turn"}
                    said.append(str(error))
                else:
                    sane(told, site.switches[0] if what == "standing" else probe)
                    said.append(repr(getattr(told, "faults", "")))
        finally:
            await http.close()
        assert cloud.seen
    kept = repr(await store.receipts(account.id, limit=1000)) + repr(said)
    assert [secret for secret in SECRETS if secret in kept] == []


class Recovering:
    """A cloud that gets well."""

    def __init__(self, http: Http) -> None:
        self.http = http

    async def ask(self, request: Request) -> Answer:
        return await self.http.ask(request)


def ill(party: Party, script: Script) -> FakeHttp:
    return FakeHttp(**dict.fromkeys(party.moments[0].answers, script))


@pytest.mark.parametrize(
    "script", [answer("<html>"), answer("[]"), answer("{}"), answer("", 500), Unreachable("cut"), Limited("later")], ids=str
)  # fmt: skip
@EVERY_VENDOR
async def test_what_a_cloud_said_while_it_was_ill_changes_nothing_afterwards(party: Party, script: Script) -> None:
    at, account = party.moments[0], party.account(LOGIN)
    found = await good(party)
    cloud = Recovering(ill(party, script))
    source = party.source(account, cloud, FakeTokens())
    for ask in asks(source, found.sites[0], found.probes[0], party).values():
        try:
            await ask()
        except (*DOCUMENTED, Conflict):
            continue
    cloud.http = FakeHttp(**at.answers)
    fresh = party.source(account, FakeHttp(**at.answers), FakeTokens())
    assert await source.discover(at.now) == await fresh.discover(at.now) == found
    for site, probe in zip(found.sites, found.probes, strict=True):
        assert await source.latest(probe, at.now) == await fresh.latest(probe, at.now)
        if isinstance(source, HistorySource) and isinstance(fresh, HistorySource):
            for quantity in source.remembered(site):
                told = await source.history(probe, quantity, "month", at.now)
                assert told == await fresh.history(probe, quantity, "month", at.now)


# --- discovery


FAILURES: dict[str, Script] = {
    "500": answer("", 500),
    "html": answer("<html>"),
    "cut": Unreachable("cut"),
    "limited": Limited("later"),
}


@EVERY_VENDOR
async def test_the_evidences_discovery_is_complete_and_what_it_names_belongs_together(party: Party) -> None:
    found = await good(party)
    assert found.complete
    assert found.faults == ()
    own = party.account(LOGIN).own_id("")
    assert all(site.id == own + site.key for site in found.sites)
    assert all(site.vendor == party.name for site in found.sites)
    assert [probe.site for probe in found.probes] == [site.id for site in found.sites]
    assert all(probe.id.startswith(f"{probe.site}/") for probe in found.probes)
    elsewhere = party.source(party.account(LOGIN, "test"), FakeHttp(**party.moments[0].answers), FakeTokens())
    other = await elsewhere.discover(party.moments[0].now)
    assert not {site.id for site in other.sites} & {site.id for site in found.sites}


async def operations(party: Party) -> list[str]:
    """What a discovery asks for."""
    at = party.moments[0]
    http = FakeHttp(**at.answers)
    await party.source(party.account(LOGIN), http, FakeTokens()).discover(at.now)
    return list(dict.fromkeys(request.name.replace("/", "_") for request in http.requests))


@pytest.mark.parametrize("failure", FAILURES)
@EVERY_VENDOR
async def test_without_its_list_no_discovery_is_complete_and_without_another_part_what_is_known_stays(
    party: Party, failure: str
) -> None:
    at, known = party.moments[0], await good(party)
    asked = await operations(party)
    assert set(party.listing) <= set(asked)
    for name in asked:
        failing: dict[str, Script | list[Script]] = {**at.answers, name: FAILURES[failure]}
        http = FakeHttp(**failing)
        source = party.source(party.account(LOGIN), http, FakeTokens())
        try:
            found = await source.discover(at.now)
        except DOCUMENTED:
            assert name in party.listing
            continue
        assert found.complete == (name not in party.listing), name
        if found.complete:
            assert found.unread
            kept = found.over(known.person, known.sites, known.probes)
            assert (kept.person, kept.probes) == (known.person, known.probes), name
            for site, before in zip(kept.sites, known.sites, strict=True):
                assert site.attributes.keys() == before.attributes.keys(), name
                reasons = {one: before.attributes[one] for one in party.reasons & before.attributes.keys()}
                assert replace(site, attributes=site.attributes | reasons) == before, name


@EVERY_VENDOR
async def test_an_empty_list_is_doubted(party: Party) -> None:
    at = party.moments[0]
    for name, body in party.listing.items():
        emptied: dict[str, Script | list[Script]] = {**at.answers, name: answer(body)}
        http = FakeHttp(**emptied)
        found = await party.source(party.account(LOGIN), http, FakeTokens()).discover(at.now)
        assert found.sites == ()
        assert not found.complete, name
        assert found.faults


@EVERY_VENDOR
async def test_what_was_never_known_is_not_made_up_by_a_part_that_failed(party: Party) -> None:
    at = party.moments[0]
    for name in set(await operations(party)) - set(party.listing):
        http = FakeHttp(**{**at.answers, name: Unreachable("cut")})
        found = await party.source(party.account(LOGIN), http, FakeTokens()).discover(at.now)
        assert found.over(Person(), (), ()).sites
