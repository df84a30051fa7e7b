"""How the collection stands is read from the store, with or without a collector."""

from __future__ import annotations

import msgspec

from margelle.collect.report import AccountReport, reports
from margelle.errors import Limited
from tests.collect.cloud import (
    DAY,
    HOUR,
    MINUTE,
    START,
    Cloud,
    Pool,
    VirtualClock,
    account,
    collecting,
    drive,
    hourly,
    stored,
    without,
)


async def test_an_account_that_was_never_collected_will_be_discovered() -> None:
    clock = VirtualClock()
    store = await stored(account())
    (report,) = await reports(store, lambda _: Cloud(clock).spending(START), START)
    assert [(one.act, one.due_at) for one in report.next] == [("discover", START)]


async def test_a_report_tells_what_was_asked_what_will_be_and_why() -> None:
    clock = VirtualClock()
    gap = START + 6 * HOUR
    pool = Pool("1", without(hourly(START - 40 * DAY, START + 5 * DAY), gap, gap + 5 * HOUR))
    cloud, store = Cloud(clock, pool), await stored(account())
    await drive(collecting(store, cloud), clock, START + DAY)
    (report,) = await reports(store, lambda one: cloud.door(one.id).spending(clock.now), clock.now)
    assert report.newest == {"fake:1/ico": pool.newest(clock.now)[0].at}
    assert {one.act for one in report.past if one.ok_at is not None} == {"discover", "latest", "history", "advice"}
    assert report.next[0].act == "latest"
    assert report.next[0].due_at > clock.now
    assert all(one.why.endswith(".") or one.why.endswith("?") for one in report.next)
    assert {one.state for one in report.gaps} == {"silent"}
    assert report.incidents == ()
    assert msgspec.json.decode(msgspec.json.encode(report), type=AccountReport) == report


async def test_a_gap_that_waits_for_the_budget_is_open() -> None:
    clock = VirtualClock()
    pool = Pool("1", hourly(START - 40 * DAY, START + 5 * DAY))
    cloud, store = Cloud(clock, pool), await stored(account())
    collector = collecting(store, cloud)
    await drive(collector, clock, START + 5 * HOUR)
    clock.now += DAY
    cloud.trouble = lambda act, subject: _limited() if act == "history" else None
    await collector.round()
    (report,) = await reports(store, lambda one: cloud.door(one.id).spending(clock.now), clock.now)
    assert {one.state for one in report.gaps} == {"open"}
    assert report.waits_for == "limited"
    assert report.waits_until is not None
    assert report.waits_until > clock.now + 4 * MINUTE
    assert [one.kind for one in report.incidents] == ["limited"]


def _limited() -> None:
    raise Limited("Limit Exceeded")


async def test_an_account_of_a_vendor_that_is_gone_is_reported_too() -> None:
    (report,) = await reports(await stored(account()), lambda _: None, START)
    assert report.next == ()
