"""How the collection stands is read from the store, with or without a collector."""

from __future__ import annotations

import msgspec

from margelle.collect import progress
from margelle.collect.report import MOST_GAPS, AccountReport, reports
from margelle.domain.gap import Gap
from margelle.domain.site import Account
from margelle.errors import Limited
from margelle.ports import Spending
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
    assert {one.gap.quantity for one in report.filling} == {"temperature", "ph", "orp"}
    assert {one.at for one in report.filling} == {report.waits_until}
    assert (report.filled, report.to_fill) == (0, 3)
    assert report.waits_for == "limited"
    assert report.waits_until is not None
    assert report.waits_until > clock.now + 4 * MINUTE
    assert [one.kind for one in report.incidents] == ["limited"]


async def test_what_is_on_or_off_hides_no_gap_of_others_and_is_not_counted_as_missing() -> None:
    clock = VirtualClock()
    cloud, store = Cloud(clock, Pool("1", hourly(START - 40 * DAY, START + 5 * DAY))), await stored(account())
    collector = collecting(store, cloud)
    await drive(collector, clock, START + 5 * HOUR)
    clock.now += DAY
    cloud.trouble = lambda act, subject: _limited() if act == "history" else None
    await collector.round()
    known = await progress.load(store, "fake-1")
    known.probes["fake:1/ico"].know((), lambda quantity: quantity == "orp")  # as a newer hub does that finds this out
    await progress.save(store, "fake-1", known, clock.now)
    lost = Gap("fake:1/ico", "ph", START - 99 * DAY, START - 98 * DAY, "lost", START)
    many = [START - 50 * DAY - n * HOUR for n in range(1, 6 * MOST_GAPS)]
    await store.put_gaps((), [lost, *(Gap("fake:1/ico", "orp", at, at + MINUTE, "lost", START) for at in many)])

    def spending(one: Account) -> Spending:
        return cloud.door(one.id).spending(clock.now)

    (report,) = await reports(store, spending, clock.now)
    assert [one for one in report.gaps if one.state == "lost"] == [lost]
    assert {one.gap.quantity for one in report.filling} == {"temperature", "ph"}
    assert report.to_fill == len([one for one in report.next if "missing" in one.why]) == 2


def _limited() -> None:
    raise Limited("Limit Exceeded")


async def test_an_account_of_a_vendor_that_is_gone_is_reported_too() -> None:
    (report,) = await reports(await stored(account()), lambda _: None, START)
    assert report.next == ()


async def test_a_long_way_back_is_told_with_its_dates_and_how_much_is_done() -> None:
    clock = VirtualClock()
    cloud = Cloud(clock, *(Pool(str(n), hourly(START - 40 * DAY, START + 5 * DAY)) for n in range(5)))
    store = await stored(account())
    collector = collecting(store, cloud)
    await drive(collector, clock, START + 6 * HOUR)
    clock.now += DAY
    await collector.round()
    clock.now += MINUTE
    (report,) = await reports(store, lambda one: cloud.door(one.id).spending(clock.now), clock.now)
    assert report.filled > 0
    assert report.filled + report.to_fill == 15
    dates = [one.at for one in report.filling if one.at is not None]
    assert len(dates) == report.to_fill
    assert min(dates) > clock.now + 30 * MINUTE
    last = max(dates)
    await drive(collector, clock, last + 70 * MINUTE)
    (after,) = await reports(store, lambda one: cloud.door(one.id).spending(clock.now), clock.now)
    assert (after.filling, after.filled, after.to_fill) == ((), 0, 0)
    assert {one.state for one in after.gaps} == {"filled"}
    assert last - 20 * MINUTE <= max(one.at for one in after.gaps) <= last + 70 * MINUTE
