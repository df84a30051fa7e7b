"""Collecting: every request is one that the document describes, and every answer is its."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from margelle.domain.quantity import CATALOGUE
from margelle.domain.site import Account, Probe, Site
from margelle.errors import (
    BadInput,
    Conflict,
    Limited,
    Malformed,
    MargelleError,
    NotFound,
    Refused,
    Unavailable,
    Unreachable,
)
from margelle.ports import Answer, HistorySource, LongMemorySource, ParameterSink, Request
from margelle.vendors.baxo import BAXO
from margelle.vendors.baxo.client import MOST_PAGES, BaxoConnector, BaxoSource
from margelle.vendors.baxo.discovery import todays
from margelle.vendors.baxo.profile import Profile
from margelle.vendors.baxo.translate.words import EPOCH
from tests.conftest import NOW
from tests.evidence import exchange, facts
from tests.vendors.fakes import FakeHttp, FakeTokens, Script, answer

CONTRACT = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx"
ACCOUNT = Account("baxo", "baxo", "me@here.org", "VOTREADRESSE", base_url="http://cloud.example/baxo")
PROBE = Probe("baxo:3219875446/device", "baxo:3219875446", "baxo", f"{CONTRACT}/3219875446", "3219875446")
NOW_S = 837347400
"""14 July 2026, 12:30 UTC."""


def text(name: str) -> str:
    return exchange("baxo", name).response.text


def source(http: FakeHttp, tokens: FakeTokens | None = None, **settings: Any) -> BaxoSource:
    profile = Profile.of(settings, CATALOGUE)
    return BaxoSource(ACCOUNT, http, tokens or FakeTokens("VOTREMOTDEPASSE"), profile)


def form(request: Request) -> list[tuple[str, str]]:
    assert request.form is not None
    return list(request.form)


def asked(http: FakeHttp) -> list[dict[str, str]]:
    return [dict(form(request)) for request in http.requests]


# --- what is sent


async def test_every_request_posts_its_login_in_the_form_and_nothing_in_the_address() -> None:
    http = FakeHttp(realtimes=answer(text("realtimes")))
    await source(http).latest(PROBE, NOW)
    (request,) = http.requests
    assert (request.method, request.url, request.query) == ("POST", "http://cloud.example/baxo/k1", ())
    assert not request.redirects
    assert asked(http) == [
        {
            "username": "VOTREADRESSE",
            "password": "VOTREMOTDEPASSE",
            "get": "devices-realtimes",
            "contractId": CONTRACT,
            "deviceId": "3219875446",
        }
    ]


async def test_without_an_address_of_its_own_an_account_is_asked_at_the_vendors() -> None:
    http = FakeHttp(realtimes=answer(text("realtimes")))
    account = replace(ACCOUNT, base_url="")
    await BaxoSource(account, http, FakeTokens(), Profile.of({}, CATALOGUE)).latest(PROBE, NOW)
    assert http.requests[0].url == facts("baxo", "lists")["base_url"]


async def test_every_parameter_is_one_of_the_documents() -> None:
    services = facts("baxo", "lists")["services"]
    http = FakeHttp(
        contracts=answer(text("contracts")),
        devices=answer(text("devices")),
        realtimes=answer(text("realtimes")),
        historics=answer(text("historics")),
        device=answer(text("device")),
        tags_write=answer(""),
    )
    http._by_name["tags-write"] = http._by_name.pop("tags_write")
    one = source(http, historics_time="local")
    await one.discover(NOW)
    await one.latest(PROBE, NOW)
    await one.history(PROBE, "baxo.TAG_1", "day", NOW)
    await one.write(PROBE, "TAG_1", "24")
    seen = {said["get"] for said in asked(http)}
    assert seen == set(services)
    for said in asked(http):
        assert set(said) <= set(services[said["get"]])


async def test_a_history_asks_for_one_tag_from_so_many_days_ago_to_now() -> None:
    http = FakeHttp(historics=answer(text("historics")))
    for window, days in (("day", 1), ("week", 7), ("month", 30), ("year", 365)):
        await source(http).history(PROBE, "baxo.TAG_1", window, NOW)  # type: ignore[arg-type]
        said = asked(http)[-1]
        assert int(said["startTime"]) == NOW_S - days * 86_400
        assert int(said["endTime"]) == NOW_S + 1
        assert said["tagReferences"] == "TAG_1"


async def test_a_write_names_the_tag_as_its_section_does() -> None:
    http = FakeHttp(**{"tags-write": answer("")})
    await source(http).write(PROBE, "TAG_1", "24")
    assert asked(http)[0] | {"username": "", "password": ""} == {
        "username": "",
        "password": "",
        "get": "devices-tags-write",
        "contractId": CONTRACT,
        "deviceId": "3219875446",
        "tagRef": "TAG_1",
        "value": "24",
    }


async def test_a_write_that_the_cloud_will_not_do_is_a_conflict() -> None:
    with pytest.raises(Conflict, match="no such tag"):
        await source(FakeHttp(**{"tags-write": answer('{"message":"no such tag"}', 400)})).write(PROBE, "X", "1")


# --- what comes


async def test_the_documents_values_are_read() -> None:
    batch = await source(FakeHttp(realtimes=answer(text("realtimes"))), tags={"TAG_1": "ph"}).latest(PROBE, NOW)
    at = datetime(2018, 5, 2, 15, 37, 18, tzinfo=UTC)
    assert [(one.quantity, one.value, one.raw, one.at) for one in batch.measurements] == [
        ("ph", 24.0, "24", at),
        ("baxo.TAG_2", 2587.0, "2587", at),
    ]
    assert batch.faults == ()


@pytest.mark.parametrize("key", ["deviceIdentifiant", "deviceIdentifier"])
async def test_a_value_of_another_device_is_a_fault(key: str) -> None:
    logs = [
        {key: device, "tagReference": "T", "value": "1", "timestamp": 5, "isEvent": False}
        for device in ("3219875446", "14587")
    ]
    batch = await source(FakeHttp(realtimes=answer(json.dumps({"logs": logs})))).latest(PROBE, NOW)
    assert len(batch.measurements) == 1
    assert [fault.where for fault in batch.faults] == ["realtimes[1]"]


async def test_the_documents_past_is_read() -> None:
    batch = await source(FakeHttp(historics=answer(text("historics")))).history(PROBE, "baxo.TAG_1", "month", NOW)
    (point,) = batch.measurements
    assert (point.quantity, point.raw, point.at) == ("baxo.TAG_1", "1224", datetime(2018, 4, 25, 0, 0, 33, tzinfo=UTC))


async def test_the_past_of_several_devices_is_read_for_ours_only() -> None:
    batch = await source(FakeHttp(historics=answer(text("historics-many")))).history(PROBE, "baxo.TAG_1", "day", NOW)
    assert batch.measurements == ()
    assert "device1" in batch.faults[0].what


def page(values: range, following: str | None = None, **more: Any) -> Answer:
    logs = [{"value": str(n), "timestamp": NOW_S - 10_000 + n, "source": 1} for n in values]
    said = {"historics": [{"tagReference": "TAG_1", "logs": logs}], **more}
    return answer(json.dumps(said | ({"next": following} if following else {})))


async def test_pages_are_followed_to_the_end_with_our_login_and_never_to_another_host() -> None:
    url = "https://evil.example/k1?get=devices-historics&username=x&password=theirs&pageToken=t1"
    http = FakeHttp(
        historics=[page(range(3), url), page(range(3, 6), "/k1?get=devices-historics&pageToken=t2"), page(range(6, 7))]
    )
    batch = await source(http).history(PROBE, "baxo.TAG_1", "year", NOW)
    assert [point.raw for point in batch.measurements] == [str(n) for n in range(7)]
    assert {request.url for request in http.requests} == {"http://cloud.example/baxo/k1"}
    assert form(http.requests[1]) == [
        ("username", "VOTREADRESSE"),
        ("password", "VOTREMOTDEPASSE"),
        ("get", "devices-historics"),
        ("pageToken", "t1"),
    ]
    assert batch.faults == ()


@pytest.mark.parametrize("failure", [answer('{"error":"expired"}', 404), answer("<html>hello"), answer("{}", 400)])
async def test_what_came_before_a_page_failed_is_kept(failure: Script) -> None:
    http = FakeHttp(historics=[page(range(3), "?pageToken=t1"), failure])
    batch = await source(http).history(PROBE, "baxo.TAG_1", "year", NOW)
    assert len(batch.measurements) == 3
    assert [fault.where for fault in batch.faults] == ["historics.next"]
    assert batch.broken is None


@pytest.mark.parametrize("failure", [answer("<html>", 502), Unreachable("cut"), Limited("ours"), answer("", 429)])
async def test_trouble_between_two_pages_keeps_what_came_and_is_told(failure: Script) -> None:
    http = FakeHttp(historics=[page(range(3), "?pageToken=t1"), failure])
    batch = await source(http).history(PROBE, "baxo.TAG_1", "year", NOW)
    assert len(batch.measurements) == 3
    assert batch.faults == ()
    assert batch.broken is not None


@pytest.mark.parametrize("failure", [answer('{"error":"expired"}', 404), answer("<html>hello"), answer("{}", 400)])
async def test_a_next_page_that_has_expired_is_asked_for_from_the_last_value_on(failure: Script) -> None:
    http = FakeHttp(
        historics=[
            page(range(3), "?pageToken=t1"),
            failure,
            page(range(2, 5), "?pageToken=t2"),
            failure,
            page(range(4, 6)),
        ]
    )
    batch = await source(http).history(PROBE, "baxo.TAG_1", "year", NOW)
    assert [point.raw for point in batch.measurements] == [str(n) for n in range(6)]
    assert batch.faults == ()
    starts = [int(one["startTime"]) for one in asked(http) if "startTime" in one]
    assert len(starts) == 3
    assert starts == sorted(set(starts))


async def test_pages_that_go_in_circles_end() -> None:
    http = FakeHttp(historics=page(range(3), "?pageToken=t1"))
    batch = await source(http).history(PROBE, "baxo.TAG_1", "year", NOW)
    assert len(http.requests) == 3
    assert "no end" in batch.faults[0].what


async def test_pages_without_end_end() -> None:
    count = iter(range(1000))
    http = FakeHttp(historics=lambda _: page(range(1), f"?pageToken={next(count)}"))
    batch = await source(http).history(PROBE, "baxo.TAG_1", "year", NOW)
    assert len(http.requests) == MOST_PAGES
    assert "no end" in batch.faults[0].what


async def test_a_next_page_without_an_address_is_a_fault() -> None:
    batch = await source(FakeHttp(historics=page(range(3), "nonsense"))).history(PROBE, "baxo.TAG_1", "day", NOW)
    assert len(batch.measurements) == 3
    assert batch.faults


async def test_a_past_on_the_devices_clock_is_asked_for_and_read_by_it() -> None:
    device = json.loads(text("device"))
    device["device"]["timezone"] = "(UTC+01:00) Bruxelles, Copenhague, Madrid, Paris"
    http = FakeHttp(device=answer(json.dumps(device)), historics=page(range(1)))
    one = source(http, historics_time="local")
    for _ in range(2):
        batch = await one.history(PROBE, "baxo.TAG_1", "day", NOW)
    assert [said["get"] for said in asked(http)] == ["device", "devices-historics", "devices-historics"]
    assert int(asked(http)[1]["endTime"]) == NOW_S + 7200 + 1
    assert batch.measurements[0].at == NOW - timedelta(seconds=10_000 + 7200)


@pytest.mark.parametrize(
    ("night", "zone", "shown"),
    [
        (datetime(2026, 10, 25, tzinfo=UTC), "Europe/Paris", "(UTC+01:00) Bruxelles, Copenhague, Madrid, Paris"),
        (datetime(2026, 3, 29, tzinfo=UTC), "Europe/Paris", "(UTC+01:00) Bruxelles, Copenhague, Madrid, Paris"),
        (datetime(2028, 2, 29, tzinfo=UTC), "Europe/Paris", "(UTC+01:00) Bruxelles, Copenhague, Madrid, Paris"),
        (datetime(2026, 11, 1, 4, tzinfo=UTC), "America/New_York", "America/New_York"),
    ],
    ids=["an hour more", "an hour less", "leap day", "an hour more in New York"],
)
@pytest.mark.parametrize("minutes", [10, 60])
async def test_a_past_on_the_devices_clock_is_read_rightly_through_a_night_that_is_odd_on_it(
    night: datetime, zone: str, shown: str, minutes: int
) -> None:
    clock = ZoneInfo(zone)
    instants = [night - timedelta(days=2) + timedelta(minutes=minutes * n + 7) for n in range(4 * 1440 // minutes)]
    now = night - timedelta(hours=3)

    def stamp(at: datetime) -> int:
        return int((at.astimezone(clock).replace(tzinfo=UTC) - EPOCH).total_seconds())

    def told(request: Request) -> Answer:
        said = dict(form(request))
        since, until = int(said["startTime"]), int(said["endTime"])
        logs = [
            {"value": f"{n}", "timestamp": stamp(at)}
            for n, at in enumerate(instants)
            if at <= now and since <= stamp(at) < until
        ]
        return answer(json.dumps({"historics": [{"tagReference": "TAG_1", "logs": logs}]}))

    device = json.loads(text("device"))
    device["device"]["timezone"] = shown
    one = source(FakeHttp(device=answer(json.dumps(device)), historics=told), historics_time="local")
    found: dict[datetime, str] = {}
    first = now
    while now < night + timedelta(hours=30):
        batch = await one.history(PROBE, "baxo.TAG_1", "day", now)
        found |= {point.at: point.raw for point in batch.measurements}
        now += timedelta(minutes=20)
    true = {at: f"{n}" for n, at in enumerate(instants)}
    assert {at: true.get(at) for at in found} == found, "nothing is kept at a wrong instant"
    assert set(found) == {at for at in instants if first - timedelta(days=1) <= at <= now - timedelta(minutes=20)}


@pytest.mark.parametrize(
    ("logs", "kept", "faults"),
    [
        ([{"tagReference": "A", "value": "1", "timestamp": 5}, {"value": "1", "timestamp": 5}], 1, 1),
        ([{"tagReference": "A", "value": "1", "timestamp": "x"}], 0, 2),
        ([{"tagReference": "A", "value": "1", "timestamp": 1e300}], 0, 1),
        ([{"tagReference": "", "value": "1", "timestamp": 5}], 0, 1),
        ([{"tagReference": "A", "value": "1", "timestamp": 5, "isEvent": "no", "more": 1}], 1, 1),
        ([{"tagReference": "A", "value": None, "timestamp": 5}], 0, 0),
        ([{"tagReference": "A", "value": "1", "timestamp": 5}] * 3, 1, 0),
        (["x", None], 0, 2),
    ],
)
async def test_one_wrong_entry_loses_no_other(logs: list[Any], kept: int, faults: int) -> None:
    batch = await source(FakeHttp(realtimes=answer(json.dumps({"logs": logs})))).latest(PROBE, NOW)
    assert (len(batch.measurements), len(batch.faults)) == (kept, faults)


@pytest.mark.parametrize("table", [{"tagReference": "A", "logs": 7}, {"tagReference": "", "logs": []}, {"logs": []}])
async def test_one_wrong_table_loses_no_other(table: dict[str, Any]) -> None:
    said = json.loads(text("historics"))
    said["historics"].insert(0, table)
    batch = await source(FakeHttp(historics=answer(json.dumps(said)))).history(PROBE, "baxo.TAG_1", "day", NOW)
    assert len(batch.measurements) == 1
    assert len(batch.faults) == 1


@pytest.mark.parametrize(
    "body", ["", "<html><title>Down</title>", "[]", "{}", '{"error":"no"}', '{"logs":7}', '{"logs"']
)
async def test_an_answer_without_its_list_is_malformed(body: str) -> None:
    with pytest.raises(Malformed):
        await source(FakeHttp(realtimes=answer(body))).latest(PROBE, NOW)


@pytest.mark.parametrize(
    ("status", "kind"), [(400, Malformed), (404, NotFound), (429, Limited), (500, Unavailable), (302, Malformed)]
)
async def test_a_status_is_the_error_that_it_means(status: int, kind: type[MargelleError]) -> None:
    with pytest.raises(kind):
        await source(FakeHttp(realtimes=answer('{"message":"x"}', status))).latest(PROBE, NOW)


@pytest.mark.parametrize(("ask", "status"), [("realtimes", 401), ("contracts", 401), ("contracts", 403)])
async def test_a_refused_password_is_not_sent_again(ask: str, status: int) -> None:
    tokens = FakeTokens("VOTREMOTDEPASSE")
    http = FakeHttp(**{ask: answer('{"message":"wrong VOTREMOTDEPASSE"}', status)})
    one = source(http, tokens)
    with pytest.raises(Refused, match="Sign in again"):
        await (one.discover(NOW) if ask == "contracts" else one.latest(PROBE, NOW))
    assert tokens.rejected == ["VOTREMOTDEPASSE"]
    with pytest.raises(Refused, match="no longer takes"):
        await one.latest(PROBE, NOW)
    assert len(http.requests) == 1


async def test_a_login_that_may_not_write_still_may_read() -> None:
    tokens = FakeTokens("VOTREMOTDEPASSE")
    forbidden = answer('{"error":"forbidden","message":"This user may not write parameters."}', 403)
    one = source(FakeHttp(**{"tags-write": forbidden, "realtimes": answer(text("realtimes"))}), tokens)
    with pytest.raises(Conflict, match="may not write"):
        await one.write(PROBE, "TAG_1", "25")
    assert tokens.rejected == []
    assert (await one.latest(PROBE, NOW)).measurements


async def test_a_contract_that_a_login_may_not_see_hides_no_other() -> None:
    tokens = FakeTokens("VOTREMOTDEPASSE")
    http = described(contracts=answer(text("contracts")), devices=[answer("", 403), answer(text("devices"))])
    found = await source(http, tokens).discover(NOW)
    assert (len(found.sites), found.complete, tokens.rejected) == (2, False, [])


# --- discovery


def described(**scripts: Script | list[Script]) -> FakeHttp:
    usual: dict[str, Script | list[Script]] = {
        "contracts": answer(json.dumps({"contracts": json.loads(text("contracts"))["contracts"][:1]})),
        "devices": answer(text("devices")),
        "realtimes": answer(text("realtimes")),
        "historics": answer(text("historics")),
    }
    return FakeHttp(**(usual | scripts))


async def test_a_discovery_reads_contracts_devices_and_their_tags() -> None:
    http = described()
    found = await source(http).discover(NOW)
    services = ["contracts", "devices", "devices-realtimes", "devices-realtimes", "devices-historics"]
    assert [said["get"] for said in asked(http)] == services
    assert [site.id for site in found.sites] == ["baxo:3219875446", "baxo:14587"]
    assert found.probes[0] == PROBE
    assert found.complete
    assert found.unread == {"baxo:14587": ("attributes",)}  # nothing of which time its past is in could be told
    assert found.faults == ()
    assert found.person.email == "VOTREADRESSE"


async def test_what_a_device_told_of_can_be_asked_for_its_past() -> None:
    one = source(described(), tags={"TAG_2": "orp"})
    found = await one.discover(NOW)
    assert one.remembered(found.sites[0]) == ("baxo.TAG_1", "orp")
    assert one.remembered(Site("baxo:1", "baxo", "1", "New")) == ()
    assert isinstance(one, HistorySource)
    assert isinstance(one, LongMemorySource)
    assert isinstance(one, ParameterSink)
    assert one.reach == "year"


@pytest.mark.parametrize(
    "failure", [answer("<html>", 502), answer('{"devices":null}'), Unreachable("cut"), Limited("x")]
)
async def test_a_contract_whose_devices_cannot_be_read_loses_no_site(failure: Script) -> None:
    found = await source(described(devices=failure)).discover(NOW)
    assert found.sites == ()
    assert not found.complete


@pytest.mark.parametrize("failure", [answer("<html>", 502), Limited("x")])
async def test_a_device_whose_tags_cannot_be_read_keeps_those_that_are_known(failure: Script) -> None:
    found = await source(described(realtimes=[answer(text("realtimes")), failure])).discover(NOW)
    assert found.unread == {"baxo:14587": ("attributes",)}
    known = replace(found.sites[1], attributes={"tags": "OLD"})
    kept = found.over(found.person, [known], found.probes)
    assert kept.sites[1].attributes["tags"] == "OLD"
    assert kept.sites[1].attributes["contract"] == CONTRACT
    assert found.complete


async def test_after_a_lost_connection_a_discovery_asks_no_more() -> None:
    both = answer(text("contracts"))
    http = described(contracts=both, devices=Unreachable("cut"))
    found = await source(http).discover(NOW)
    assert len(http.requests) == 2
    assert not found.complete


def test_of_many_devices_some_are_asked_each_day() -> None:
    days = [todays(50, NOW + timedelta(days=n)) for n in range(3)]
    assert {len(day) for day in days} == {20}
    assert set().union(*days) == set(range(50))
    assert todays(0, NOW) == set()
    assert todays(3, NOW) == {0, 1, 2}


# --- signing in


async def signed_in(http: FakeHttp) -> str:
    return (await BAXO.connect("http://cloud.example/baxo", http, lambda: NOW).sign_in("me", "s3cret")).access


async def test_a_password_that_opens_the_contracts_is_the_token() -> None:
    http = FakeHttp(contracts=answer(text("contracts")))
    assert await signed_in(http) == "s3cret"
    assert asked(http) == [{"username": "me", "password": "s3cret", "get": "contracts"}]


@pytest.mark.parametrize(
    ("script", "kind"),
    [
        (answer('{"error":"x"}', 400), Refused),
        (answer('{"error":"x"}', 401), Refused),
        (answer("", 403), Refused),
        (answer('{"error":"API non activée"}'), Refused),
        (answer("<html>", 200), Malformed),
        (answer("<html>", 502), Unavailable),
        (Unreachable("x"), Unreachable),
    ],
)
async def test_a_login_that_opens_nothing_is_refused(script: Script, kind: type[MargelleError]) -> None:
    with pytest.raises(kind) as error:
        await signed_in(FakeHttp(contracts=script))
    assert "s3cret" not in str(error.value)


async def test_there_is_no_page_to_sign_in() -> None:
    connector = BaxoConnector("http://x", FakeHttp())
    with pytest.raises(BadInput, match="--login"):
        connector.authorize_url("http://localhost", "s")
    with pytest.raises(BadInput):
        await connector.redeem("c", "http://localhost")


def test_the_vendors_source_knows_the_installations_tags() -> None:
    configure: Callable[..., Any] | None = BAXO.configure
    assert configure is not None
    one = configure({"tags": {"TAG_1": "ph"}}, CATALOGUE)(ACCOUNT, FakeHttp(), FakeTokens())
    site = Site("baxo:1", "baxo", "1", "A", attributes={"tags": "TAG_1"})
    assert one.remembered(site) == ("ph",)
    assert BAXO.source(ACCOUNT, FakeHttp(), FakeTokens()).remembered(site) == ("baxo.TAG_1",)  # type: ignore[attr-defined]


async def test_bytes_that_are_no_text_lose_no_other_value() -> None:
    body = (
        b'{"logs":[{"tagReference":"A","value":"\xff","timestamp":5},{"tagReference":"B","value":"1","timestamp":5}]}'
    )
    batch = await source(FakeHttp(realtimes=answer(body))).latest(PROBE, NOW)
    assert [point.quantity for point in batch.measurements if point.value is not None] == ["baxo.B"]
