from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import pytest
from msgspec.structs import replace

from margelle.domain.measurement import Doubt
from margelle.domain.site import Account, Band, Disinfection, Person, Probe, Recommendation, Site
from margelle.errors import Conflict, Limited, Malformed, MargelleError, NotFound, Refused, Unavailable, Unreachable
from margelle.ports import AdviceSource, Answer, Batch, Discovery, HistorySource, Request, Source
from margelle.vendors.ondilo.client import OndiloSource
from tests.conftest import NOW
from tests.evidence import answer as evidence
from tests.evidence import exchange, facts
from tests.vendors.fakes import FakeHttp, FakeTokens, Script, answer, target

ACCOUNT = Account("ondilo-1", "ondilo", "john@doe.org", "john@doe.org")
PROBE = Probe("ondilo:123/ico", "ondilo:123", "ondilo", "123", "SN00001")
SITE = Site("ondilo:123", "ondilo", "123", "Pool")
ADVICE = Recommendation("ondilo:123/recommendation/10251", "ondilo:123", "10251", "", "", NOW, NOW)
HOST = "https://interop.ondilo.com"
API = HOST + "/api/customer/v1"


def documented(name: str) -> Answer:
    """The answer that the vendor's document prints."""
    found = exchange("ondilo", name).response
    return Answer(found.status, found.headers, found.text.encode(), NOW)


def shown(what: str) -> Answer:
    """An answer that clients have seen."""
    found = evidence("ondilo", what)
    return Answer(found.status, found.headers, found.text.encode(), NOW)


def of(thing: object, status: int = 200) -> Answer:
    return answer(json.dumps(thing), status)


def source(
    tokens: FakeTokens | None = None, account: Account = ACCOUNT, **by_name: Script | list[Script]
) -> tuple[OndiloSource, FakeHttp]:
    http = FakeHttp(**by_name)
    return OndiloSource(account, http, tokens or FakeTokens()), http


REST: Final[dict[str, Any]] = {
    name.replace("-", "_"): documented(name)
    for name in ("user-info", "user-units", "device", "configuration", "shares")
}
"""What the document answers to a discovery after the list of pools."""


def whole(**by_name: Script | list[Script]) -> tuple[OndiloSource, FakeHttp]:
    """A source whose cloud answers as the document does, but for `by_name`."""
    return source(**({"pools": documented("pools")} | REST | by_name))


def pools(*ids: int) -> Answer:
    (pool,) = exchange("ondilo", "pools").response.json
    return of([pool | {"id": one} for one in ids])


def measure(**given: Any) -> dict[str, Any]:
    return {"data_type": "ph", "value": 7.2, "value_time": "2020-03-23T16:08:51+0000", "is_valid": True, "exclusion_reason": None} | given  # fmt: skip


def what(batch: Batch | Discovery) -> str:
    return " | ".join(f"{fault.where}: {fault.what}" for fault in batch.faults)


def test_a_source_can_tell_the_past_and_advise() -> None:
    it = source()[0]
    collected: Source = it
    assert isinstance(collected, HistorySource)
    assert isinstance(collected, AdviceSource)


# --- requests are the document's


async def ask(it: OndiloSource, name: str) -> None:
    """Make the client ask what the exchange of this name asks."""
    match name:
        case "lastmeasures":
            await it.latest(PROBE, NOW)
        case "measures":
            await it.history(PROBE, "temperature", "day", NOW)
        case "recommendations":
            await it.recommendations(SITE, NOW)
        case "validate":
            await it.validate(ADVICE, SITE)
        case _:
            await it.discover(NOW)


@pytest.mark.parametrize(
    "name",
    [
        "user-info",
        "user-units",
        "pools",
        "device",
        "configuration",
        "shares",
        "lastmeasures",
        "measures",
        "recommendations",
        "validate",
    ],
)
async def test_each_request_is_the_documents(name: str) -> None:
    request = exchange("ondilo", name).request
    it, http = whole(**{one: documented(one) for one in ("lastmeasures", "measures", "recommendations", "validate")})
    it._cloud._tokens.token = replace(it._cloud._tokens.token, access=request.headers["Authorization"].split()[1])  # type: ignore[attr-defined]
    await ask(it, name)
    (sent,) = [one for one in http.requests if one.name.replace("/", "-") == name]
    assert (sent.method, sent.url, sent.form) == (request.method, HOST + request.path, None)
    if name != "lastmeasures":
        assert "&".join(f"{key}={value}" for key, value in sent.query) == request.query
    optional = {"Content-Type"}  # the document asks for it on two GET requests that have no content
    assert sent.headers == {key: value for key, value in request.headers.items() if key not in optional}


async def test_the_newest_measures_are_asked_for_by_every_type_as_openhab_asks() -> None:
    it, http = source(lastmeasures=documented("lastmeasures"))
    await it.latest(PROBE, NOW)
    (theirs,) = [
        one for one in facts("ondilo", "requests") if (one["client"], one["what"]) == ("openHAB", "lastmeasures")
    ]
    assert "&".join(f"{key}={value}" for key, value in http.requests[0].query) == theirs["query"]


@pytest.mark.parametrize("window", facts("ondilo", "lists")["periods"])
async def test_every_window_is_a_period_of_the_document(window: Any) -> None:
    it, http = source(measures=of([]))
    await it.history(PROBE, "orp", window, NOW)
    assert target(http.requests[0]) == f"{API}/pools/123/measures?type=orp&period={window}"


async def test_another_base_url_is_asked_below_its_path() -> None:
    it, http = source(account=replace(ACCOUNT, base_url="http://127.0.0.1:8080/ondilo/"), lastmeasures=of([]))
    await it.latest(PROBE, NOW)
    assert http.requests[0].url == "http://127.0.0.1:8080/ondilo/api/customer/v1/pools/123/lastmeasures"


# --- discovery


async def test_the_documents_account_is_discovered_whole() -> None:
    it, http = whole()
    found = await it.discover(NOW)
    assert found.person == Person("John", "Doe", "john@doe.org", exchange("ondilo", "user-units").response.json)
    (site,), (probe,) = found.sites, found.probes
    assert (site.id, site.name, site.bands["ph"], site.shares[0].email) == (
        "ondilo:234",
        "John's Pool",
        Band(7.6, 8.5),
        "jane@doe.org",
    )
    assert (probe.id, probe.site, probe.serial) == ("ondilo:234/ico", "ondilo:234", "SN00001")
    assert (found.faults, found.unread) == ((), {})
    assert len(http.requests) == 6


@pytest.mark.parametrize("body", ["null", "{}", "[]", "", " null\n"])
async def test_a_pool_without_an_ico_has_a_probe_without_a_device(body: str) -> None:
    it, _ = whole(device=answer(body))
    found = await it.discover(NOW)
    assert found.probes == (Probe("ondilo:234/ico", "ondilo:234", "ondilo", "234"),)
    assert (found.faults, found.unread) == ((), {})


@pytest.mark.parametrize(
    ("name", "subject", "ours"),
    [
        ("user_info", "person", ("firstname", "lastname", "email")),
        ("user_units", "person", ("units",)),
        ("device", "ondilo:234/ico", ("serial", "hardware", "firmware")),
        ("configuration", "ondilo:234", ("bands", "attributes")),
        ("shares", "ondilo:234", ("shares",)),
    ],
)
@pytest.mark.parametrize(
    "failure",
    [
        answer("<h1>x</h1>", 500),
        answer("", 404),
        answer("<html>", 200),
        answer('"text"'),
        answer('{"a', 200),
        answer("", 403),
        answer("", 503),
    ],
    ids=["500", "404", "HTML", "a text", "cut", "403", "503"],
)
async def test_a_part_that_fails_is_a_fault_and_leaves_what_is_known(
    name: str, subject: str, ours: tuple[str, ...], failure: Answer
) -> None:
    it, http = whole(**{name: failure})
    found = await it.discover(NOW)
    assert [site.name for site in found.sites] == ["John's Pool"]
    assert [fault.where for fault in found.faults] == [subject]
    assert found.unread == {subject: ours}
    assert found.complete, "the list of pools was whole: others are gone"
    assert len(http.requests) == 6


async def test_what_was_known_survives_a_discovery_that_lacks_it() -> None:
    before = await whole()[0].discover(NOW)
    gone = answer("", 500)
    after = await whole(user_info=gone, user_units=gone, device=gone, configuration=gone, shares=gone)[0].discover(NOW)
    assert after.sites[0].bands == {}
    completed = after.over(before.person, before.sites, before.probes)
    assert (completed.person, completed.sites, completed.probes) == (before.person, before.sites, before.probes)


async def test_a_changed_pool_changes_though_its_configuration_is_not_told() -> None:
    before = await whole()[0].discover(NOW)
    renamed = of([{"id": 234, "name": "Spa", "type": "indoor_spa"}])
    after = (await whole(pools=renamed, configuration=answer("", 500))[0].discover(NOW)).over(
        before.person, before.sites, before.probes
    )
    (site,) = after.sites
    assert (site.name, site.kind, site.attributes["type"]) == ("Spa", "spa", "indoor_spa")
    assert (site.bands, site.attributes["pool_guy_number"]) == (before.sites[0].bands, "0123456789")


async def test_a_wrong_field_costs_that_field_and_not_the_pool() -> None:
    before = await whole()[0].discover(NOW)
    (pool,) = exchange("ondilo", "pools").response.json
    it, _ = whole(pools=of([pool | {"volume": "15", "address": [], "name": "New"}]))
    found = await it.discover(NOW)
    assert {fault.where for fault in found.faults} == {"ondilo:234"}
    assert "pools[0].volume" in what(found)
    assert "pools[0].address" in what(found)
    assert found.complete
    assert set(found.unread["ondilo:234"]) == {"volume_m3", "address"}
    (site,) = found.over(before.person, before.sites, before.probes).sites
    assert (site.name, site.volume_m3, site.address) == ("New", 15.0, before.sites[0].address)


async def test_a_wrong_limit_costs_no_known_limit() -> None:
    before = await whole()[0].discover(NOW)
    wrong = exchange("ondilo", "configuration").response.json | {"ph_low": "low"}
    found = await whole(configuration=of(wrong))[0].discover(NOW)
    assert what(found).startswith("ondilo:234: pools/234/configuration.ph_low: ")
    assert found.over(before.person, before.sites, before.probes).sites[0].bands["ph"] == Band(7.6, 8.5)
    assert found.sites[0].bands["ph"] == Band(None, 8.5)


@pytest.mark.parametrize("entry", [5, None, {}, {"id": "234"}, {"id": None}, {"id": 1.5}, "x", []])
async def test_an_entry_that_is_no_pool_is_a_fault_beside_the_others(entry: Any) -> None:
    (pool,) = exchange("ondilo", "pools").response.json
    found = await whole(pools=of([entry, pool]))[0].discover(NOW)
    assert [site.id for site in found.sites] == ["ondilo:234"]
    assert "pools[0]" in what(found)
    assert not found.complete, "the entry may be of a pool that we know"


async def test_a_pool_listed_twice_is_one() -> None:
    found = await whole(pools=pools(7, 7))[0].discover(NOW)
    assert [site.id for site in found.sites] == ["ondilo:7"]


async def test_an_empty_list_of_pools_is_doubted() -> None:
    found = await whole(pools=of([]))[0].discover(NOW)
    assert found.sites == ()
    assert what(found) == "pools: the cloud lists no pool at all"
    assert not found.complete


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (shown("maintenance"), Unavailable),
        (shown("no pools for the user, 2024"), Malformed),
        (answer("<html><title>Login</title>"), Malformed),
        (of({"pools": []}), Malformed),
        (answer("null"), Malformed),
        (answer(""), Malformed),
        (Unreachable("cut"), Unreachable),
        (Limited("ours"), Limited),
    ],
)
async def test_without_the_list_of_pools_there_is_no_discovery(failure: Script, error: type[MargelleError]) -> None:
    it, http = whole(pools=failure)
    with pytest.raises(error):
        await it.discover(NOW)
    assert len(http.requests) == 1


async def test_ten_pools_cost_twelve_requests_a_day_and_are_read_in_four_days() -> None:
    read: set[str] = set()
    it, http = source(account=replace(ACCOUNT, discovered_at=NOW), pools=pools(*range(1, 11)), **REST)
    for day in range(4):
        http.requests.clear()
        found = await it.discover(NOW + timedelta(days=day))
        assert len(found.sites) == len(found.probes) == 10
        assert found.faults == ()
        assert len(http.requests) == 12
        today = {site.id for site in found.sites} - found.unread.keys()
        assert today == {probe.site for probe in found.probes if probe.serial}
        read |= today
    assert read == {f"ondilo:{one}" for one in range(1, 11)}


async def test_the_devices_of_nine_pools_are_known_after_the_first_discovery_and_the_rest_follows() -> None:
    it, http = whole(pools=pools(*range(11, 0, -1)))
    first = await it.discover(NOW)
    asked = len(http.requests)
    second = await it.discover(NOW + timedelta(days=1))

    assert {probe.key for probe in first.probes if probe.serial} == {str(one) for one in range(1, 10)}
    assert {site.id for site in first.sites if not site.bands} == {site.id for site in first.sites}
    assert first.faults == ()
    assert (asked, len(http.requests)) == (12, 24)
    assert sum(bool(site.bands) for site in second.sites) == 3


@pytest.mark.parametrize("count", [1, 2, 3])
async def test_up_to_three_pools_are_read_whole_every_day(count: int) -> None:
    it, http = whole(pools=pools(*range(count)))
    assert (await it.discover(NOW)).unread == {}
    assert len(http.requests) == 3 + 3 * count


async def test_a_used_up_quota_ends_a_discovery_without_losing_it() -> None:
    it, http = whole(pools=pools(1, 2), configuration=Limited("enough"))
    found = await it.discover(NOW)
    assert [one.name for one in http.requests] == ["pools", "user/info", "user/units", "device", "configuration"]
    assert found.faults == ()
    assert set(found.unread) == {"ondilo:1", "ondilo:2", "ondilo:2/ico"}


async def test_a_lost_connection_ends_a_discovery_with_one_fault() -> None:
    it, http = whole(pools=pools(1, 2), device=Unreachable("time-out"))
    found = await it.discover(NOW)
    assert len(http.requests) == 4
    assert what(found) == "ondilo:1/ico: time-out"


# --- measures


async def test_the_documents_newest_measures_are_kept() -> None:
    it, _ = source(lastmeasures=documented("lastmeasures"))
    batch = await it.latest(PROBE, NOW)
    assert [(one.quantity, one.value, one.probe, one.origin) for one in batch.measurements] == [
        ("temperature", 12.5, "ondilo:123/ico", "ondilo/lastmeasures"),
        ("orp", 523.0, "ondilo:123/ico", "ondilo/lastmeasures"),
    ]
    assert batch.faults == ()


async def test_live_measures_are_utc_and_salt_is_absent() -> None:
    it, _ = source(lastmeasures=shown("lastmeasures, naive times, salt without a measure"))
    batch = await it.latest(PROBE, NOW)
    assert [one.quantity for one in batch.measurements] == ["temperature", "ph", "orp", "battery", "tds", "rssi"]
    assert {one.at for one in batch.measurements} == {datetime(2024, 1, 1, 1, tzinfo=UTC)}
    assert batch.faults == ()


async def test_the_documents_history_is_kept() -> None:
    it, _ = source(measures=documented("measures"))
    batch = await it.history(PROBE, "temperature", "day", NOW)
    assert [(one.at.hour, one.value) for one in batch.measurements] == [(16, 12.5), (17, 12.6)]
    assert batch.faults == ()


async def test_an_empty_list_of_measures_is_a_fault() -> None:
    it, _ = source(lastmeasures=shown("lastmeasures that names no types, or while the cloud is ill"))
    batch = await it.latest(PROBE, NOW)
    assert batch.measurements == ()
    assert what(batch) == "lastmeasures: the cloud told nothing, though every type was asked for"


async def test_nothing_from_a_pool_without_an_ico_is_no_fault() -> None:
    it, _ = source(lastmeasures=of([]))
    assert await it.latest(replace(PROBE, serial=""), NOW) == Batch(())


async def test_an_empty_history_is_no_fault() -> None:
    it, _ = source(measures=of([]))
    assert await it.history(PROBE, "ph", "day", NOW) == Batch(())


@pytest.mark.parametrize(
    "wrong",
    [
        5,
        None,
        "x",
        [],
        {},
        measure(data_type=5),
        measure(value_time=None),
        measure(value_time="soon"),
        measure(value_time=1585000000),
        measure(data_type="p H"),
    ],
)
async def test_a_wrong_entry_is_a_fault_and_the_others_are_kept(wrong: Any) -> None:
    it, _ = source(lastmeasures=of([wrong, measure()]))
    batch = await it.latest(PROBE, NOW)
    assert [one.value for one in batch.measurements] == [7.2]
    assert len(batch.faults) == 1
    assert batch.faults[0].where == "lastmeasures[0]"


@pytest.mark.parametrize("value", ["text", True, {"v": 1}, [7.2], 10**400])
async def test_a_wrong_value_is_kept_as_unreadable(value: Any) -> None:
    it, _ = source(lastmeasures=of([measure(value=value)]))
    batch = await it.latest(PROBE, NOW)
    (found,) = batch.measurements
    assert (found.value, found.raw, found.doubts[0].kind) == (None, json.dumps(value), "unreadable")


async def test_nan_which_is_no_json_costs_only_its_own_measure() -> None:
    body = json.dumps([measure(value=float("nan")), measure(data_type="orp", value=523)])
    assert "NaN" in body
    it, _ = source(lastmeasures=answer(body))
    batch = await it.latest(PROBE, NOW)
    assert [(one.quantity, one.value) for one in batch.measurements] == [("ph", None), ("orp", 523.0)]


async def test_letters_that_are_no_utf_8_cost_nothing_else() -> None:
    body = (
        json.dumps([measure(is_valid=False, exclusion_reason="CAPTEUR")]).encode().replace(b"CAPTEUR", b"\xe9lectrode")
    )
    batch = await source(lastmeasures=answer(body))[0].latest(PROBE, NOW)
    (found,) = batch.measurements
    assert found.reason == "\ufffdlectrode"


async def test_a_wrong_flag_is_a_fault_and_a_doubt() -> None:
    it, _ = source(lastmeasures=of([measure(is_valid="yes")]))
    batch = await it.latest(PROBE, NOW)
    assert [fault.where for fault in batch.faults] == ["lastmeasures[0].is_valid"]
    assert batch.measurements[0].doubts == (Doubt("vendor", "the vendor did not say whether it is valid"),)


async def test_an_unknown_type_is_kept_and_told() -> None:
    it, _ = source(lastmeasures=of([measure(data_type="conductivity", value=3)]))
    batch = await it.latest(PROBE, NOW)
    assert [(one.quantity, one.value) for one in batch.measurements] == [("ondilo.conductivity", 3.0)]
    assert "'conductivity' is a type that this version does not know" in what(batch)


async def test_a_type_that_was_not_asked_for_is_kept_as_what_it_is_and_told() -> None:
    it, _ = source(measures=of([measure(data_type="orp", value=523)]))
    batch = await it.history(PROBE, "ph", "day", NOW)
    assert [(one.quantity, one.value) for one in batch.measurements] == [("orp", 523.0)]
    assert "orp came, which was not asked for" in what(batch)


async def test_the_same_measure_twice_is_one_and_another_value_is_a_correction() -> None:
    it, _ = source(measures=of([measure(), measure(), measure(value=7.3)]))
    batch = await it.history(PROBE, "ph", "day", NOW)
    assert [one.value for one in batch.measurements] == [7.2, 7.3]


async def test_measures_keep_the_clouds_order_even_backwards() -> None:
    times = ["2020-03-23T16:00:00+0000", "2020-03-23T14:00:00+0000", "2020-03-23T15:00:00+0000"]
    it, _ = source(measures=of([measure(value_time=one) for one in times]))
    batch = await it.history(PROBE, "ph", "day", NOW)
    assert [one.at.hour for one in batch.measurements] == [16, 14, 15]


async def test_hundreds_of_faults_are_told_as_a_few() -> None:
    it, _ = source(measures=of([{}] * 720))
    batch = await it.history(PROBE, "ph", "month", NOW)
    assert len(batch.faults) == 11
    assert batch.faults[-1].what == "and 710 more faults"


def test_the_past_of_salt_is_asked_of_salt_pools_and_of_tds_elsewhere() -> None:
    it, _ = source()
    assert it.remembered(SITE) == ("temperature", "ph", "orp", "tds", "battery", "rssi")
    salted = replace(SITE, disinfection=Disinfection("salt"))
    assert it.remembered(salted) == ("temperature", "ph", "orp", "salt", "battery", "rssi")


# --- errors


@pytest.mark.parametrize(
    ("failure", "error", "words"),
    [
        (shown("hourly quota, 2020"), Limited, "Limit Exceeded"),
        (shown("hourly quota, 2024"), Limited, "Limit Exceeded"),
        (shown("no pools for the user, 2024"), Malformed, "Cannot get user's pools 1"),
        (shown("maintenance"), Unavailable, "502: 502 Bad Gateway"),
        (answer("", 500), Unavailable, "500"),
        (answer('{"error":"ill"}', 503), Unavailable, "503: ill"),
        (answer("", 404), NotFound, "404"),
        (answer("", 403), Refused, "403"),
        (answer("", 429), Limited, "429"),
        (answer("", 302), Malformed, "302"),
        (answer("", 204), Malformed, "204"),
        (answer("<html><title>Sign in &amp; go</title></html>"), Malformed, "a page (Sign in & go)"),
        (answer(""), Malformed, "an empty body"),
        (answer('[{"data_type":"ph","val'), Malformed, "beginning"),
        (answer('{"message":"hello"}'), Malformed, "hello"),
        (answer("null"), Malformed, "null"),
        (answer("[" * 100_000), Malformed, "100000 bytes"),
        (answer("[" * 100_000 + "]" * 100_000), Malformed, "200000 bytes"),
        (answer(b"\xff\xfe\x00"), Malformed, "3 bytes"),
    ],
)  # fmt: skip
async def test_each_failure_is_the_error_that_it_means(failure: Answer, error: type[MargelleError], words: str) -> None:
    it, _ = source(lastmeasures=failure)
    with pytest.raises(error) as caught:
        await it.latest(PROBE, NOW)
    assert words in str(caught.value)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("header", "wait_s"),
    [
        ("60", 60.0), ("1.5", 1.5), (" 7 ", 7.0), ("0", 0.0), ("Tue, 14 Jul 2026 12:31:00 GMT", 60.0), ("Tue, 14 Jul 2026 12:31:00", 60.0),
        ("Tue, 14 Jul 2026 10:00:00 GMT", 0.0), ("99999999999", 86_400.0), ("Tue, 14 Jul 2099 12:31:00 GMT", 86_400.0),
        ("soon", None), ("", None), ("-5", None), ("Tue, 99 Jul 2026 12:31:00 GMT", None),
    ],
)  # fmt: skip
@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_is_read_as_seconds_or_as_a_date(status: int, header: str, wait_s: float | None) -> None:
    it, _ = source(lastmeasures=answer("", status, retry_after=header))
    with pytest.raises((Limited, Unavailable)) as caught:
        await it.latest(PROBE, NOW)
    assert caught.value.retry_after_s == wait_s


async def test_no_error_quotes_a_token() -> None:
    for status in (200, 400, 500):
        it, _ = source(lastmeasures=answer('{"message":"Bearer geheim123 access_token=geheim123"}', status))
        with pytest.raises(MargelleError) as caught:
            await it.latest(PROBE, NOW)
        assert "geheim123" not in str(caught.value)


async def test_a_refused_access_token_is_renewed_once_and_asked_again() -> None:
    tokens = FakeTokens("old", "9f2c")
    it, http = source(
        tokens,
        lastmeasures=[answer("", 401), documented("lastmeasures")],
        token=shown("a renewed token, without a refresh token"),
    )
    batch = await it.latest(PROBE, NOW)
    assert len(batch.measurements) == 2
    assert tokens.rejected == ["old"]
    assert [one.name for one in http.requests] == ["lastmeasures", "token", "lastmeasures"]
    assert http.requests[2].headers["Authorization"] == "Bearer 0a1b2c3d4e5f60718293a4b5c6d7e8f901122334"
    assert tokens.token.refresh == "9f2c"


async def test_a_cloud_that_refuses_every_token_is_asked_twice_and_then_the_user_signs_in() -> None:
    tokens = FakeTokens()
    it, http = source(tokens, lastmeasures=answer("", 401), token=shown("a token for a code"))
    with pytest.raises(Refused, match="margelle account add"):
        await it.latest(PROBE, NOW)
    assert [one.name for one in http.requests] == ["lastmeasures", "token", "lastmeasures"]
    assert len(tokens.rejected) == 2


async def test_a_refused_refresh_is_told_to_the_user() -> None:
    it, _ = source(lastmeasures=answer("", 401), token=shown("a refused refresh token"))
    with pytest.raises(Refused, match=r"Invalid refresh token.*margelle account add"):
        await it.latest(PROBE, NOW)


# --- recommendations


async def test_the_documents_recommendation_waits() -> None:
    it, _ = source(recommendations=documented("recommendations"))
    (found,) = await it.recommendations(SITE, NOW)
    assert (found.id, found.title, found.status) == ("ondilo:123/recommendation/10251", "Clean your filter", "waiting")


async def test_no_recommendation_is_an_empty_list() -> None:
    assert await source(recommendations=of([]))[0].recommendations(SITE, NOW) == ()


async def test_a_recommendation_with_a_wrong_field_still_waits() -> None:
    it, _ = source(recommendations=of([{"id": 5, "title": 7, "deadline": False}, {"id": 5, "title": "twice"}]))
    (found,) = await it.recommendations(SITE, NOW)
    assert (found.key, found.title) == ("5", "twice")


@pytest.mark.parametrize("entry", [{"title": "Clean"}, {"id": "x"}, None, 5])
async def test_an_unreadable_recommendation_does_not_end_it(entry: Any) -> None:
    it, _ = source(recommendations=of([{"id": 5}, entry]))
    with pytest.raises(Malformed, match=r"recommendations\[1\]"):
        await it.recommendations(SITE, NOW)


async def test_done_is_done_in_json() -> None:
    it, http = source(validate=documented("validate"))
    await it.validate(ADVICE, SITE)
    assert http.requests[0].form is None


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (answer("Done"), Malformed),
        (answer('"Later"'), Malformed),
        (answer("{}"), Malformed),
        (answer("", 404), NotFound),
        (answer('{"error":{"message":"done already"}}', 400), Conflict),
        (shown("hourly quota, 2024"), Limited),
        (answer("", 500), Unavailable),
    ],
)
async def test_what_is_not_done_is_an_error(failure: Answer, error: type[MargelleError]) -> None:
    it, _ = source(validate=failure)
    with pytest.raises(error):
        await it.validate(ADVICE, SITE)


def test_a_request_holds_no_secret_in_its_url() -> None:
    assert "token" not in target(Request("x", "GET", API))
