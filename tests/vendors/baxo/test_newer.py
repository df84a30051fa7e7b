"""The newer answers of the platform beneath BAXO Connect, and the time in which a device's past is told."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from margelle.collect.loop import Collector
from margelle.domain.site import User
from margelle.errors import Limited, Malformed
from margelle.ports import Answer, BriefedSource, Request
from margelle.store.memory import MemoryStore
from margelle.vendors.baxo import BAXO
from margelle.vendors.baxo.discovery import TAGS_COMPARED
from margelle.vendors.baxo.translate import seconds_to
from tests.conftest import NOW
from tests.vendors.baxo.test_client import ACCOUNT, NOW_S, PROBE, asked, source
from tests.vendors.fakes import FakeHttp, FakeTokens, Script, answer

AT = datetime(2018, 5, 2, 15, 37, 18, tzinfo=UTC)
PARIS = "(UTC+01:00) Bruxelles, Copenhague, Madrid, Paris"


def said(**lists: Any) -> Answer:
    return answer(json.dumps(lists))


def log(tag: str, value: str, at: str, **more: Any) -> dict[str, Any]:
    return {"tagReference": tag, "value": value, "timestamp": None, "datetime": at} | more


# --- lists and times under their newer names


async def test_newer_values_of_now_are_read_and_their_events_too() -> None:
    http = FakeHttp(
        realtimes=said(
            realtimeLogs=[log("A", "24", "2018-05-02T15:37:18Z"), log("B", "7.2", "2018-05-02T17:37:18+02:00")],
            eventLogs=[log("E", "true", "2018-05-02T15:37:18.0000000")],
        )
    )
    batch = await source(http).latest(PROBE, NOW)
    assert [(one.quantity, one.value, one.at) for one in batch.measurements] == [
        ("baxo.A", 24.0, AT),
        ("baxo.B", 7.2, AT),
        ("baxo.E", 1.0, AT),
    ]
    assert batch.faults == ()


async def test_a_newer_event_is_an_event() -> None:
    http = described(
        realtimes=said(
            realtimeLogs=[log("A", "1", "2018-05-02T15:37:18Z")], eventLogs=[log("E", "1", "2018-05-02T15:37:18Z")]
        ),
        timezone="UTC",
    )
    (site,) = (await source(http).discover(NOW)).sites
    assert (site.attributes["tags"], site.attributes["events"]) == ("A\nE", "E")


@pytest.mark.parametrize(
    "past",
    [
        {"historicLogs": [log("A", "1", "2018-05-02T15:37:18"), log("A", "2", "2018-05-02T15:47:18")]},
        {
            "historicLogs": [log("A", "1", "2018-05-02T15:37:18")],
            "eventLogs": [log("A", "2", "2018-05-02T15:47:18", source=2)],
        },
        {
            "historicLogs": [
                {
                    "tagReference": "A",
                    "logs": [
                        {"value": "1", "datetime": "2018-05-02T15:37:18"},
                        {"value": "2", "timestamp": 578590638 + 600},
                    ],
                }
            ]
        },
    ],
    ids=["rows", "rows and events", "tables"],
)
async def test_a_newer_past_is_read_in_rows_or_in_tables(past: dict[str, Any]) -> None:
    batch = await source(FakeHttp(historics=said(**past))).history(PROBE, "baxo.A", "day", NOW)
    assert [(one.raw, one.at) for one in batch.measurements] == [("1", AT), ("2", AT + timedelta(minutes=10))]
    assert batch.faults == ()


async def test_a_newer_source_is_kept() -> None:
    http = FakeHttp(historics=said(historicLogs=[log("A", "1", "2018-05-02T15:37:18", source=2)]))
    (point,) = (await source(http).history(PROBE, "baxo.A", "day", NOW)).measurements
    assert point.origin == "baxo/historics/distant"


@pytest.mark.parametrize("at", ["yesterday", "", None, 7])
async def test_a_newer_time_that_cannot_be_read_loses_no_other_value(at: Any) -> None:
    http = FakeHttp(realtimes=said(realtimeLogs=[log("A", "1", at), log("B", "2", "2018-05-02T15:37:18Z")]))
    batch = await source(http).latest(PROBE, NOW)
    assert [one.quantity for one in batch.measurements] == ["baxo.B"]
    assert batch.faults


async def test_the_first_day_of_the_calendar_is_no_time() -> None:
    http = FakeHttp(realtimes=said(realtimeLogs=[log("A", "0", "0001-01-01T00:00:00")]))
    batch = await source(http).latest(PROBE, NOW)
    assert (batch.measurements, batch.faults) == ((), ())


@pytest.mark.parametrize("lists", [{}, {"realtimes": []}, {"historicLogs": []}])
async def test_an_answer_without_any_of_its_lists_is_malformed(lists: dict[str, Any]) -> None:
    with pytest.raises(Malformed, match="realtimeLogs"):
        await source(FakeHttp(realtimes=said(**lists))).latest(PROBE, NOW)


# --- the time of the past


def described(timezone: str = PARIS, **scripts: Script | list[Script]) -> FakeHttp:
    """A cloud with one device."""
    usual: dict[str, Script | list[Script]] = {
        "contracts": said(contracts=[{"id": PROBE.key.partition("/")[0], "reference": "C"}]),
        "devices": said(devices=[{"id": "3219875446", "name": "D", "status": 0, "timezone": timezone}]),
        "realtimes": said(logs=[{"tagReference": "A", "value": "7.2", "timestamp": NOW_S - 60}]),
    }
    return FakeHttp(**(usual | scripts))


def past_of(shift_s: int, tag: str = "A") -> Answer:
    rows = [{"value": f"7.{n}", "timestamp": NOW_S - 60 + shift_s - 600 * (2 - n), "source": 1} for n in range(3)]
    return said(historics=[{"tagReference": tag, "logs": rows}])


@pytest.mark.parametrize(
    ("shift_s", "time", "words"), [(0, "utc", "universal time"), (7200, "local", "the own time of the device")]
)
async def test_a_discovery_finds_out_in_which_time_the_past_is_and_why(shift_s: int, time: str, words: str) -> None:
    http = described(historics=past_of(shift_s))
    found = await source(http).discover(NOW)
    (site,) = found.sites
    assert site.attributes["past_time"] == time
    assert found.unread == {}
    assert BAXO.remarks is not None
    (remark,) = BAXO.remarks(site)
    assert words in remark.text
    assert "newest value" in remark.text
    wanted = asked(http)[-1]
    assert wanted["get"] == "devices-historics"
    assert wanted["tagReferences"] == "A"
    assert (int(wanted["startTime"]), int(wanted["endTime"])) == (NOW_S - 60 - 3 * 3600, NOW_S - 60 + 7200 + 1)


async def test_what_a_discovery_found_out_decides_how_the_past_is_read_in_another_run_too() -> None:
    (site,) = (await source(described(historics=past_of(7200))).discover(NOW)).sites
    http = FakeHttp(historics=past_of(7200))
    later = source(http)
    assert isinstance(later, BriefedSource)
    later.brief(site)
    batch = await later.history(PROBE, "baxo.A", "day", NOW)
    assert max(one.at for one in batch.measurements) == NOW - timedelta(seconds=60)
    assert int(asked(http)[0]["endTime"]) == NOW_S + 7200 + 1


@pytest.mark.parametrize(("setting", "shift_s"), [("utc", 7200), ("local", 0)])
async def test_a_setting_fixes_the_time_of_the_past_and_nothing_is_looked_for(setting: str, shift_s: int) -> None:
    (known,) = (await source(described(historics=past_of(shift_s))).discover(NOW)).sites
    http = described(historics=past_of(shift_s))
    fixed = source(http, historics_time=setting)
    (site,) = (await fixed.discover(NOW)).sites
    assert "devices-historics" not in [one["get"] for one in asked(http)]
    assert BAXO.remarks is not None
    assert BAXO.remarks(site) == ()
    fixed.brief(known)
    batch = await fixed.history(PROBE, "baxo.A", "day", NOW)
    clock = UTC if setting == "utc" else ZoneInfo("Europe/Paris")
    assert max(seconds_to(one.at, clock) for one in batch.measurements) == NOW_S - 60 + shift_s


@pytest.mark.parametrize(
    ("failure", "why"),
    [
        (past_of(-600), "No value of now"),
        (answer('{"error":"x"}', 404), "could not be read"),
        (said(historics=[], next="?p=1"), "No value of now"),
    ],
)
async def test_what_cannot_be_told_today_leaves_what_was_found_before(failure: Script, why: str) -> None:
    (known,) = (await source(described(historics=past_of(7200))).discover(NOW)).sites
    found = await source(described(historics=failure)).discover(NOW)
    assert found.faults == ()
    assert found.unread == {known.id: ("attributes",)}
    assert BAXO.remarks is not None
    (remark,) = BAXO.remarks(found.sites[0])
    assert "taken to be universal time" in remark.text
    assert why in remark.text
    (kept,) = found.over(found.person, [known], found.probes).sites
    assert BAXO.remarks(kept) == BAXO.remarks(known)


async def test_a_device_in_universal_time_costs_no_request() -> None:
    http = described(timezone="UTC")
    (site,) = (await source(http).discover(NOW)).sites
    assert [one["get"] for one in asked(http)] == ["contracts", "devices", "devices-realtimes"]
    assert BAXO.remarks is not None
    assert BAXO.remarks(site) == ()


async def test_a_spent_budget_ends_the_looking_too() -> None:
    devices = [{"id": str(n), "name": "D", "status": 0, "timezone": PARIS} for n in (3219875446, 2)]
    http = described(devices=said(devices=devices), historics=Limited("ours"))
    found = await source(http).discover(NOW)
    assert [one["get"] for one in asked(http)].count("devices-historics") == 1
    assert len(found.sites) == 2


async def test_only_a_few_tags_of_about_the_same_time_are_compared() -> None:
    logs = [{"tagReference": f"T{n}", "value": "1", "timestamp": NOW_S - n} for n in range(9)]
    logs.append({"tagReference": "OLD", "value": "1", "timestamp": NOW_S - 10**7})

    def empty(request: Request) -> Answer:
        assert request.form is not None
        assert dict(request.form)["tagReferences"] == ",".join(f"T{n}" for n in range(TAGS_COMPARED))
        return said(historics=[])

    http = described(realtimes=said(logs=logs), historics=empty)
    await source(http).discover(NOW)
    assert "devices-historics" in [one["get"] for one in asked(http)]


async def test_a_past_on_the_devices_clock_is_kept_where_it_belongs() -> None:
    store = MemoryStore()
    await store.put_user(User("me@here.org", "no password"))
    await store.put_account(ACCOUNT)
    http = described(historics=past_of(7200))
    collector = Collector(store, {"baxo": BAXO}, lambda _: http, lambda _: FakeTokens(), lambda: NOW)
    await collector.round()
    assert "devices-historics" in [one["get"] for one in asked(http)[4:]]
    kept = await store.history(PROBE.id, "baxo.A")
    assert [(one.raw, one.at, one.doubts) for one in kept] == [
        (f"7.{n}", NOW - timedelta(seconds=60 + 600 * (2 - n)), ()) for n in range(3)
    ]
