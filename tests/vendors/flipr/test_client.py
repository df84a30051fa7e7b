"""Collecting from Flipr: every request is one that others make, and whatever comes back is kept as far as it can be."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from margelle.domain.site import Account, Probe
from margelle.errors import BadInput, Limited, Malformed, NotFound, Refused, Unavailable
from margelle.ports import AdviceSource, Answer, Discovery, HistorySource, Source, Token
from margelle.redaction import redact
from margelle.vendors.flipr import FLIPR
from margelle.vendors.flipr.client import FliprConnector, FliprSource
from margelle.vendors.flipr.discovery import todays
from margelle.vendors.flipr.sign_in import renewed
from tests.conftest import NOW
from tests.evidence import answer as evidence
from tests.evidence import exchange, facts
from tests.vendors.fakes import FakeHttp, FakeTokens, Script, answer
from tests.vendors.flipr.house import DOCUMENTED, PROBE

BASE = "https://apis.goflipr.com"
LISTS = facts("flipr", "lists")
REQUESTS = facts("flipr", "requests")
ACCOUNT = Account("flipr-1", "flipr", "john@doe.org", "john@doe.org")
LAST = exchange("flipr", "survey-last").response
MEASURE = LAST.json
AB = Probe("flipr:AB256C/probe", "flipr:AB256C", "flipr", "AB256C", "AB256C", "", "4")


def said(what: str) -> Answer:
    """An answer of the evidence."""
    found = evidence("flipr", what)
    return Answer(found.status, found.headers, found.text.encode(), NOW)


def of(thing: object, status: int = 200) -> Answer:
    return answer(json.dumps(thing), status)


def source(
    account: Account = ACCOUNT, tokens: FakeTokens | None = None, **by_name: Script | list[Script]
) -> tuple[FliprSource, FakeHttp]:
    http = FakeHttp(**by_name)
    return FliprSource(account, http, tokens or FakeTokens()), http


def whole(**by_name: Script | list[Script]) -> tuple[FliprSource, FakeHttp]:
    """A source whose cloud answers as the evidence does, but for `by_name`."""
    asked: dict[str, Any] = {
        "modules": said("two modules"),
        "place": said("the places"),
        "pool": said("a pool"),
        "survey_last": answer(LAST.text),
    }
    return source(**(asked | by_name))


def what(found: Any) -> str:
    return " | ".join(f"{fault.where}: {fault.what}" for fault in found.faults)


def test_a_source_can_tell_the_past() -> None:
    it: Source = source()[0]
    assert isinstance(it, HistorySource)
    assert not isinstance(it, AdviceSource)


# --- signing in


async def test_signing_in_sends_what_every_client_sends() -> None:
    http = FakeHttp(token=said("a token for a login"))
    token = await FliprConnector(BASE + "/", http).sign_in("john@doe.org", "p&ss w+rd é")
    (sent,) = http.requests
    (theirs,) = [one for one in REQUESTS if (one["client"], one["what"]) == ("flipr-api 1.6.1", "token")]
    assert (sent.method, sent.url) == (theirs["method"], LISTS["base_url"] + theirs["path"])
    from urllib.parse import urlencode

    assert sent.form is not None
    assert urlencode(sent.form) == theirs["body"]
    assert [name for name, _ in sent.form] == LISTS["token_fields"]
    told = evidence("flipr", "a token for a login").json
    assert token == Token(told["access_token"], told["refresh_token"], NOW + timedelta(seconds=LISTS["token_life_s"]))


async def test_a_life_that_the_cloud_does_not_tell_is_the_usual_one() -> None:
    http = FakeHttp(token=of({"access_token": "a"}))
    token = await FliprConnector(BASE, http).sign_in("a", "b")
    assert token == Token("a", "", NOW + timedelta(seconds=LISTS["token_life_s"]))


async def test_a_refused_login_says_which_one_is_meant() -> None:
    with pytest.raises(Refused, match="incorrect") as refused:
        await FliprConnector(BASE, FakeHttp(token=said("a login refused"))).sign_in("a", "b")
    assert "Flipr app" in refused.value.hint
    assert "incorrect" in redact(refused.value.what), "the reason is not masked as if it were the token"


@pytest.mark.parametrize(
    ("came", "error"),
    [
        (answer(status=429), Limited),
        (answer("<html>", 502), Unavailable),
        (answer("<html>"), Malformed),
        (of({}), Malformed),
    ],
)
async def test_any_other_answer_is_what_it_means(came: Answer, error: type[Exception]) -> None:
    with pytest.raises(error):
        await FliprConnector(BASE, FakeHttp(token=came)).sign_in("a", "b")


async def test_a_cloud_that_shuts_out_home_automation_has_not_refused_the_login() -> None:
    """As in January 2024: 403 for days, also for the token (home-assistant/core#108955)."""
    http = FakeHttp(token=[answer("<html>Forbidden", 403)] * 2)
    with pytest.raises(Unavailable, match="may still be good"):
        await FliprConnector(BASE, http).sign_in("a", "b")
    with pytest.raises(Unavailable):
        await renewed(http, BASE, Token("old", "9f2c"))


async def test_there_is_no_sign_in_by_browser() -> None:
    connector = FliprConnector(BASE, FakeHttp())
    with pytest.raises(BadInput, match="--login"):
        connector.authorize_url("http://localhost/back", "state")
    with pytest.raises(BadInput, match="--login"):
        await connector.redeem("code", "http://localhost/back")


async def test_a_token_is_renewed_by_its_refresh_token_as_homey_does() -> None:
    http = FakeHttp(token=of({"access_token": "new", "expires_in": "60"}))
    token = await renewed(http, BASE, Token("old", "9f2c"))
    (theirs,) = [one for one in REQUESTS if one["what"] == "refresh"]
    assert http.requests[0].form is not None
    assert {f"{name}={value}" for name, value in http.requests[0].form} <= set(theirs["body"].split("&"))
    assert token == Token("new", "9f2c", NOW + timedelta(minutes=1))


async def test_without_a_refresh_token_the_user_signs_in_again() -> None:
    with pytest.raises(Refused, match="Sign in again"):
        await renewed(FakeHttp(), BASE, Token("old"))


# --- the newest measure


async def test_the_newest_measure_is_the_documents() -> None:
    it, http = whole()
    batch = await it.latest(PROBE, NOW)
    document = exchange("flipr", "survey-last").request
    assert http.targets == [f"{document.method} {BASE}{document.path}"]
    assert http.requests[0].headers["Authorization"] == "Bearer a-token"
    assert http.requests[0].headers["Content-Type"].replace("/", "-") == "application-json"
    assert {one.quantity: (one.value, one.raw, one.raw_unit) for one in batch.measurements} == DOCUMENTED
    assert {one.origin for one in batch.measurements} == {"flipr/survey/last"}
    assert batch.faults == ()


@pytest.mark.parametrize("nothing", [answer(""), answer("null"), of({}), of([]), answer(status=404)])
async def test_where_the_last_survey_tells_nothing_the_resume_does_and_from_then_on_first(nothing: Answer) -> None:
    it, http = source(survey_last=nothing, NewResume=said("a resume"))
    batch = await it.latest(AB, NOW)
    assert {one.quantity: one.value for one in batch.measurements}["temperature"] == 10.5
    assert {one.origin for one in batch.measurements} == {"flipr/NewResume"}
    await it.latest(AB, NOW)
    assert [one.name for one in http.requests] == ["survey/last", "NewResume", "NewResume"]
    assert http.requests[1].url.removeprefix(BASE) == "/modules/AB256C/NewResume"


@pytest.mark.parametrize("nothing", ["a resume of nothing", "a resume of a sleeping probe"])
async def test_a_sleeping_probe_is_told_and_no_error(nothing: str) -> None:
    it, _ = source(survey_last=of({}), NewResume=said(nothing))
    batch = await it.latest(AB, NOW)
    assert batch.measurements == ()
    assert "sleeps" in what(batch)


async def test_a_module_that_the_cloud_does_not_know_is_not_found() -> None:
    it, _ = source(survey_last=answer(status=404), NewResume=answer(status=404))
    with pytest.raises(NotFound):
        await it.latest(AB, NOW)


async def test_one_wrong_field_costs_only_itself() -> None:
    it, _ = source(survey_last=of(MEASURE | {"PH": 7, "MeasureId": "x"}))
    batch = await it.latest(PROBE, NOW)
    assert {one.quantity for one in batch.measurements} == set(DOCUMENTED) - {"ph", "flipr.ph_deviation"}
    assert "survey/last.PH" in what(batch)


@pytest.mark.parametrize(
    ("came", "error"),
    [(answer("<html><title>Oops</title>"), Malformed), (answer('{"PH"'), Malformed), (of({"PH": {}}), Malformed), (answer("x", 502), Unavailable),
     (answer(status=429, retry_after="600"), Limited), (of({"Message": "no"}, 403), Refused)],
)  # fmt: skip
async def test_an_answer_that_is_no_measure_is_what_it_means(came: Answer, error: type[Exception]) -> None:
    it, _ = source(survey_last=came)
    with pytest.raises(error):
        await it.latest(PROBE, NOW)


async def test_a_measure_without_a_readable_time_is_a_fault() -> None:
    it, _ = source(survey_last=of(MEASURE | {"DateTime": "soon"}))
    assert "is no time" in what(await it.latest(PROBE, NOW))


async def test_a_refused_token_is_renewed_once() -> None:
    tokens = FakeTokens()
    it, http = source(
        tokens=tokens, survey_last=[said("a token refused"), answer(LAST.text)], token=said("a token for a login")
    )
    assert (await it.latest(PROBE, NOW)).measurements
    assert [one.name for one in http.requests] == ["survey/last", "token", "survey/last"]
    assert (
        http.requests[2].headers["Authorization"]
        == f"Bearer {evidence('flipr', 'a token for a login').json['access_token']}"
    )
    again, _ = source(survey_last=said("a token refused"), token=said("a token for a login"))
    with pytest.raises(Refused, match="every access token"):
        await again.latest(PROBE, NOW)


# --- the past


@pytest.mark.parametrize(("window", "hours"), [("day", 24), ("week", 168), ("month", 720), ("year", 8760)])
async def test_the_past_is_asked_for_in_hours(window: Any, hours: int) -> None:
    it, http = source(LastHours=of([MEASURE]))
    await it.history(PROBE, "ph", window, NOW)
    assert http.targets == [f"GET {BASE}/modules/21BXYZ/survey/LastHours/{hours}"]


async def test_one_answer_has_the_past_of_every_quantity() -> None:
    earlier = MEASURE | {"DateTime": "2018-01-09T08:30:05Z"}
    it, http = source(LastHours=of([MEASURE, earlier]))
    whole_past = await it.history(PROBE, "ph", "month", NOW)
    assert len(whole_past.measurements) == 2 * len(DOCUMENTED)
    assert whole_past.measurements[0].at < whole_past.measurements[-1].at
    later = await it.history(PROBE, "orp", "week", NOW + timedelta(minutes=5))
    assert {one.quantity for one in later.measurements} == {"orp"}
    assert len(http.requests) == 1
    await it.history(PROBE, "orp", "week", NOW + timedelta(minutes=16))
    await it.history(replace(PROBE, id="other", key="OTHER"), "orp", "week", NOW + timedelta(minutes=16))
    assert len(http.requests) == 3


async def test_a_longer_past_than_the_known_one_is_asked_for() -> None:
    it, http = source(LastHours=of([MEASURE]))
    await it.history(PROBE, "ph", "day", NOW)
    await it.history(PROBE, "orp", "month", NOW + timedelta(minutes=1))
    assert len(http.requests) == 2


@pytest.mark.parametrize("wrong", [of([MEASURE, {"DateTime": "soon"}]), of([]), answer("null")])
async def test_an_answer_that_was_empty_or_partly_wrong_is_asked_for_again(wrong: Answer) -> None:
    it, http = source(LastHours=wrong)
    await it.history(PROBE, "ph", "day", NOW)
    await it.history(PROBE, "orp", "day", NOW + timedelta(minutes=1))
    assert len(http.requests) == 2


@pytest.mark.parametrize("refusal", [of({"Message": "The request is invalid."}, 400), of({}, 404)])
async def test_where_a_year_is_refused_a_month_is_asked_for_from_then_on(refusal: Answer) -> None:
    it, http = source(LastHours=[refusal, of([MEASURE]), of([MEASURE])])
    assert (await it.history(PROBE, "ph", "year", NOW)).measurements
    await it.history(PROBE, "ph", "year", NOW + timedelta(hours=1))
    assert [one.rsplit("/")[-1] for one in http.targets] == ["8760", "720", "720"]


async def test_a_cloud_in_trouble_is_asked_for_the_year_once_more() -> None:
    it, http = source(LastHours=[answer("x", 502), answer("x", 502), of([MEASURE])])
    with pytest.raises(Unavailable):
        await it.history(PROBE, "ph", "year", NOW)
    assert (await it.history(PROBE, "ph", "year", NOW)).measurements
    assert [one.rsplit("/")[-1] for one in http.targets] == ["8760", "8760", "720"]


async def test_a_month_that_is_refused_is_an_error() -> None:
    it, http = source(LastHours=of({}, 404))
    with pytest.raises(NotFound):
        await it.history(PROBE, "ph", "month", NOW)
    assert len(http.requests) == 1


async def test_the_same_measure_twice_is_one() -> None:
    it, _ = source(LastHours=of([MEASURE, MEASURE]))
    assert len((await it.history(PROBE, "ph", "day", NOW)).measurements) == len(DOCUMENTED)


async def test_everything_has_a_past() -> None:
    it, _ = whole()
    (site,) = (await it.discover(NOW)).sites
    assert set(it.remembered(site)) >= set(DOCUMENTED) | {"free_chlorine_estimate", "bromine_estimate"}


# --- discovery


async def test_a_discovery_finds_probes_with_their_pools() -> None:
    it, http = whole()
    found = await it.discover(NOW)
    assert [(site.id, site.name, site.volume_m3, site.disinfection.primary) for site in found.sites] == [("flipr:AB256C", "Piscine", 45.0, "chlorine")]  # fmt: skip
    assert found.probes == (AB,)
    assert found.sites[0].attributes == {
        "built_year": 2012, "commercial_type": "Pro", "commercial_type_id": 2, "place": 4711,
        "status": "Activated", "status_since": "2021-01-05T16:16:36.487",
    }  # fmt: skip
    assert (found.faults, found.unread, found.complete, found.person.email) == ((), {}, True, "john@doe.org")
    assert http.targets == [f"GET {BASE}{path}" for path in ("/modules", "/place", "/modules/AB256C/pool", "/modules/AB256C/survey/last")]  # fmt: skip


@pytest.mark.parametrize("nothing", [answer(status=404), of([]), answer("null")])
async def test_a_cloud_without_places_and_pools_will_do(nothing: Answer) -> None:
    it, _ = whole(place=answer(status=404), pool=nothing if nothing.body != b"[]" else of({}), survey_last=nothing)
    found = await it.discover(NOW)
    assert found.complete
    assert found.sites[0].name == "Flipr AB256C"
    assert found.unread == {"flipr:AB256C": ("disinfection",)}


async def test_what_fails_is_left_as_it_is_known() -> None:
    it, _ = whole(place=answer(status=502), pool=of([1]), survey_last=answer("<html>"))
    found = await it.discover(NOW)
    assert found.complete
    assert set(found.unread["flipr:AB256C"]) == {"attributes", "switches", "name", "volume_m3", "disinfection"}
    assert len(found.faults) == 3


async def test_an_exhausted_budget_stops_the_discovery() -> None:
    it, http = whole(place=Limited("The budget is used up."))
    found = await it.discover(NOW)
    assert [one.name for one in http.requests] == ["modules", "place"]
    assert set(found.unread["flipr:AB256C"]) == {"attributes", "switches", "name", "volume_m3", "disinfection"}
    assert found.faults == ()


async def test_a_wrong_entry_or_field_of_the_list_costs_only_itself() -> None:
    good, hub = evidence("flipr", "two modules").json
    it, _ = whole(
        modules=of([good | {"Version": "new", "CommercialType": 3}, hub, {"Nothing": 1}, good | {"Serial": ""}])
    )
    found: Discovery = await it.discover(NOW)
    assert [site.key for site in found.sites] == ["AB256C"]
    assert "attributes" in found.unread["flipr:AB256C"]
    assert found.unread["flipr:AB256C/probe"] == ("firmware",)
    assert not found.complete


async def test_a_list_of_modules_that_is_none_is_an_error() -> None:
    with pytest.raises(Malformed):
        await whole(modules=answer("<html>"))[0].discover(NOW)


async def test_with_many_modules_each_day_some_have_their_turn() -> None:
    serials = [f"AB{n:04d}" for n in range(10)]
    seen = [todays(serials, NOW + timedelta(days=day)) for day in range(5)]
    assert {len(turn) for turn in seen} == {4}
    assert set().union(*seen) == set(serials)
    assert todays([], NOW) == set()


async def test_another_cloud_is_asked_where_the_account_says() -> None:
    it, http = source(replace(ACCOUNT, base_url="http://127.0.0.1:8081/flipr/"), survey_last=answer(LAST.text))
    await it.latest(PROBE, NOW)
    assert http.requests[0].url == "http://127.0.0.1:8081/flipr/modules/21BXYZ/survey/last"


def test_the_record_names_the_documents_host() -> None:
    assert LISTS["base_url"] == FLIPR.base_url
    assert isinstance(FLIPR.connect(BASE, FakeHttp(), lambda: NOW), FliprConnector)
    assert isinstance(FLIPR.source(ACCOUNT, FakeHttp(), FakeTokens()), FliprSource)


async def test_a_serial_leads_nowhere_but_to_its_module() -> None:
    (good, _) = evidence("flipr", "two modules").json
    it, http = whole(modules=of([good | {"Serial": "../place?x=#"}]))
    await it.discover(NOW)
    assert http.targets[2] == f"GET {BASE}/modules/..%2Fplace%3Fx%3D%23/pool"
