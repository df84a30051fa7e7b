"""What every store does: each test runs on each of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from msgspec.structs import replace

from margelle.domain.gap import Gap, GapState
from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.plausible import CLOCK_TOLERANCE, judge
from margelle.domain.site import Band, Person, Probe, Share
from margelle.domain.unit import Unit
from margelle.errors import BadInput, Conflict, NotFound
from margelle.ports import Added, AuditEntry, Store
from tests.store.things import (
    DAY,
    FAULT,
    HOUR,
    NOW,
    account,
    discovery,
    grant,
    incident,
    point,
    probe,
    receipt,
    recommendation,
    site,
    user,
)

MOMENT = timedelta(microseconds=1)
PROBE = "ondilo:1/ico"
DOUBT = Doubt("vendor", "OUTLIER")
BOUNDS = Doubt("vendor", "OUT_OF_BOUNDS")


def gap(hour: int = 0, hours: int = 3, state: GapState = "open", of: str = PROBE, quantity: str = "ph") -> Gap:
    since = NOW + hour * HOUR
    return Gap(of, quantity, since, since + hours * HOUR, state, NOW, "Because.")


def reading(hour: int) -> Measurement:
    return point(at=NOW + hour * HOUR)


# --- version ---------------------------------------------------------------------------------------------------------


async def test_the_version_changes_with_whatever_is_stored(store: Store) -> None:
    seen = [await store.version()]
    for act in (
        store.put_user(user()),
        store.put_account(account()),
        store.put_discovery("home", discovery(1), NOW),
        store.add([point()], NOW),
        store.put_recommendation(recommendation()),
        store.persona("flipr", "site", "ondilo:1"),
        store.put_grant(grant()),
        store.put_secret("home/token", b"t"),
        store.put_memo("home/progress", b"m"),
        store.put_gaps((), [gap()]),
        store.keep_receipt(receipt()),
        store.note_incident(incident()),
        store.record(AuditEntry(NOW, "ana", "validate", "ondilo:r1", "done")),
    ):
        await act
        seen.append(await store.version())
    assert len(set(seen)) == len(seen)


async def test_the_version_stays_while_nothing_new_arrives(store: Store) -> None:
    await store.add([point()], NOW)
    before = await store.version()
    await store.add([point()], NOW + HOUR)
    await store.latest(PROBE, NOW)
    assert await store.version() == before


# --- measurements ----------------------------------------------------------------------------------------------------


async def test_a_measurement_is_read_as_it_was_given(store: Store) -> None:
    given = point(7.2, raw="7.20", doubts=(DOUBT, Doubt("range", "é ≠ e")), at=NOW.replace(microsecond=123_457))
    assert await store.add([given], NOW) == Added(new=1)
    assert await store.history(PROBE, "ph") == [given]
    assert await store.latest(PROBE, NOW) == {"ph": given}


async def test_a_history_can_be_read_from_its_newest_end(store: Store) -> None:
    hours = [point(7 + n / 10, at=NOW + n * HOUR) for n in range(4)]
    await store.add(hours, NOW)
    newest = await store.history(PROBE, "ph", limit=2, descending=True)
    assert newest == [hours[3], hours[2]]
    assert await store.history(PROBE, "ph", NOW, newest[-1].at, 9, descending=True) == [hours[1], hours[0]]


async def test_a_second_arrival_changes_nothing(store: Store) -> None:
    await store.add([point()], NOW)
    assert await store.add([point()], NOW + HOUR) == Added(same=1)
    assert await store.revisions(PROBE, "ph", NOW) == []


async def test_an_origin_that_tells_more_is_taken_over_and_stays(store: Store) -> None:
    await store.add([point(25, origin="baxo/realtimes")], NOW)
    before = await store.version()
    assert await store.add([point(25, origin="baxo/historics/distant")], NOW) == Added(same=1)
    assert await store.version() != before
    for again in ("baxo/historics/distant", "baxo/historics", "baxo/realtimes"):
        assert await store.add([point(25, origin=again)], NOW) == Added(same=1)
        assert [one.origin for one in await store.history(PROBE, "ph")] == ["baxo/historics/distant"]
    assert (await store.latest(PROBE, NOW))["ph"].origin == "baxo/historics/distant"
    assert await store.revisions(PROBE, "ph", point(25).at) == []
    assert await store.count() == 1


async def test_another_origin_or_spelling_of_the_same_number_is_no_correction(store: Store) -> None:
    await store.add([point(25, raw="25", origin="ondilo/lastmeasures")], NOW)
    assert await store.add([point(25, raw="25.0", origin="ondilo/measures")], NOW) == Added(same=1)
    assert await store.history(PROBE, "ph") == [point(25, raw="25", origin="ondilo/lastmeasures")]


async def test_a_doubt_about_the_future_is_the_same_doubt_an_hour_later(store: Store) -> None:
    ahead = point(at=NOW + DAY)
    await store.add([judge(ahead, NOW)], NOW)
    assert await store.add([judge(ahead, NOW + HOUR)], NOW + HOUR) == Added(same=1)


@pytest.mark.parametrize(
    "correction",
    [
        point(7.3),
        point(7.2, doubts=(DOUBT,)),
        point(None, raw="n/a", doubts=(Doubt("unreadable", "n/a"),)),
        point(7.2, raw="72e-1", raw_unit=Unit.RATIO),
    ],
    ids=["value", "doubts", "no value", "unit"],
)
async def test_a_correction_replaces_the_measurement_and_keeps_what_it_was(
    store: Store, correction: Measurement
) -> None:
    await store.add([point()], NOW)
    assert await store.add([correction], NOW + HOUR) == Added(corrected=1)
    assert await store.history(PROBE, "ph") == [correction]
    (revision,) = await store.revisions(PROBE, "ph", NOW)
    assert (revision.measurement, revision.replaced_at) == (point(), NOW + HOUR)
    assert await store.count() == 1


async def test_a_doubt_that_is_withdrawn_is_a_correction(store: Store) -> None:
    await store.add([point(doubts=(DOUBT,))], NOW)
    assert await store.add([point()], NOW + HOUR) == Added(corrected=1)
    assert (await store.latest(PROBE, NOW))["ph"].valid


VERDICTS = (Doubt("jump", "too fast"), Doubt("range", "too much"))


async def test_another_verdict_of_ours_is_no_correction(store: Store) -> None:
    await store.add([point(doubts=(DOUBT, VERDICTS[0]))], NOW)
    assert await store.add([point(doubts=(DOUBT, VERDICTS[1]))], NOW + HOUR) == Added(same=1)
    assert await store.add([point(doubts=(DOUBT,))], NOW + HOUR) == Added(same=1)
    assert await store.history(PROBE, "ph") == [point(doubts=(DOUBT, VERDICTS[0]))]
    assert await store.revisions(PROBE, "ph", NOW) == []


async def test_a_review_changes_the_verdicts_and_keeps_no_revision(store: Store) -> None:
    await store.add([point(doubts=(DOUBT,)), point(at=NOW + HOUR)], NOW)
    before = await store.version()
    reviewed = [point(doubts=(DOUBT, *VERDICTS)), point(at=NOW + HOUR, doubts=VERDICTS)]
    assert await store.add([point(at=NOW + DAY)], NOW, reviewed) == Added(new=1)
    assert await store.history(PROBE, "ph") == [*reviewed, point(at=NOW + DAY)]
    assert (await store.latest(PROBE, NOW))["ph"] == reviewed[0]
    assert await store.version() != before
    assert await store.revisions(PROBE, "ph", NOW) == []
    before = await store.version()
    await store.add([], NOW, reviewed)
    assert await store.version() == before
    await store.add([], NOW, [point(doubts=(DOUBT,)), point(at=NOW + HOUR)])
    assert (await store.history(PROBE, "ph"))[:2] == [point(doubts=(DOUBT,)), point(at=NOW + HOUR)]


@pytest.mark.parametrize(
    "reviewed",
    [
        point(7.3, doubts=VERDICTS),
        point(7.2, doubts=(Doubt("vendor", "x"), *VERDICTS)),
        point(7.2, at=NOW + DAY, doubts=VERDICTS),
        point(7.2, quantity="orp", doubts=VERDICTS),
    ],
    ids=["another value", "another word of the vendor", "another instant", "another quantity"],
)
async def test_a_review_of_what_is_not_kept_like_that_changes_nothing(store: Store, reviewed: Measurement) -> None:
    await store.add([point()], NOW)
    await store.add([], NOW, [reviewed])
    assert await store.history(PROBE, "ph") == [point()]
    assert await store.history(PROBE, "orp") == []


async def test_a_correction_comes_with_its_own_verdicts_and_the_old_ones_are_in_the_revision(store: Store) -> None:
    await store.add([point(9.9, doubts=VERDICTS)], NOW)
    assert await store.add([point(7.2)], NOW + HOUR) == Added(corrected=1)
    assert await store.history(PROBE, "ph") == [point(7.2)]
    assert [one.measurement.doubts for one in await store.revisions(PROBE, "ph", NOW)] == [VERDICTS]


async def test_another_reason_of_a_doubt_is_a_correction(store: Store) -> None:
    await store.add([point(doubts=(DOUBT,))], NOW)
    assert await store.add([point(doubts=(BOUNDS,))], NOW + HOUR) == Added(corrected=1)


async def test_what_could_not_be_read_is_told_apart_by_its_raw_text(store: Store) -> None:
    doubts = (Doubt("unreadable", "not a number"),)
    await store.add([point(None, raw="nan", doubts=doubts)], NOW)
    assert await store.add([point(None, raw="nan", doubts=doubts)], NOW) == Added(same=1)
    assert await store.add([point(None, raw="ERR", doubts=doubts)], NOW) == Added(corrected=1)


async def test_revisions_stand_in_the_order_of_the_corrections(store: Store) -> None:
    for n, value in enumerate((7.0, 7.1, 7.2, 7.0)):
        await store.add([point(value)], NOW + n * HOUR)
    revisions = await store.revisions(PROBE, "ph", NOW)
    assert [(r.measurement.value, r.replaced_at - NOW) for r in revisions] == [
        (7.0, HOUR),
        (7.1, 2 * HOUR),
        (7.2, 3 * HOUR),
    ]
    assert await store.revisions(PROBE, "ph", NOW + HOUR) == []
    assert await store.revisions(PROBE, "orp", NOW) == []


async def test_one_batch_may_hold_a_point_twice(store: Store) -> None:
    added = await store.add([point(7.0), point(7.1), point(7.1), point(7.1, at=NOW + HOUR)], NOW)
    assert added == Added(new=2, same=1, corrected=1)
    assert [m.value for m in await store.history(PROBE, "ph")] == [7.1, 7.1]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), 10**400])
async def test_what_is_no_number_is_refused_and_nothing_of_the_batch_is_kept(store: Store, value: float) -> None:
    with pytest.raises(BadInput, match="no number"):
        await store.add([point(at=NOW - HOUR), replace(point(), value=value)], NOW)
    assert await store.count() == 0
    assert await store.quantities(PROBE) == []
    assert await store.add([point(at=NOW - HOUR)], NOW) == Added(new=1)


@pytest.mark.parametrize("at", [datetime(2026, 7, 14), NOW.astimezone(timezone(timedelta(hours=2)))])  # noqa: DTZ001
async def test_an_instant_that_is_not_in_utc_is_refused(store: Store, at: datetime) -> None:
    with pytest.raises(BadInput, match="UTC"):
        await store.add([point(at=NOW), point(at=at)], NOW)
    for asked in (
        store.add([point()], at),
        store.latest(PROBE, at),
        store.history(PROBE, "ph", at),
        store.history(PROBE, "ph", None, at),
    ):
        with pytest.raises(BadInput, match="UTC"):
            await asked
    assert await store.count() == 0


async def test_utc_by_another_name_is_utc(store: Store) -> None:
    await store.add([point(at=NOW.astimezone(ZoneInfo("Etc/UTC")))], NOW)
    assert await store.history(PROBE, "ph") == [point()]


async def test_instants_before_1970_and_far_ahead_are_kept(store: Store) -> None:
    ends = [datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)]
    await store.add([point(at=at) for at in ends], NOW)
    assert [m.at for m in await store.history(PROBE, "ph")] == ends


async def test_nothing_to_add_is_no_error(store: Store) -> None:
    assert await store.add([], NOW) == Added()


async def test_history_runs_from_since_to_before_until_oldest_first(store: Store) -> None:
    points = [point(n, at=NOW + n * HOUR) for n in range(6)]
    await store.add(points[::-1], NOW)
    assert await store.history(PROBE, "ph") == points
    assert await store.history(PROBE, "ph", NOW + HOUR, NOW + 3 * HOUR) == points[1:3]
    assert await store.history(PROBE, "ph", NOW + 4 * HOUR) == points[4:]
    assert await store.history(PROBE, "ph", until=NOW + HOUR) == points[:1]
    assert await store.history(PROBE, "ph", NOW + HOUR, limit=2) == points[1:3]
    assert await store.history(PROBE, "ph", limit=0) == []


async def test_series_are_kept_apart(store: Store) -> None:
    other = point(650, quantity="orp", raw_unit=Unit.MILLIVOLT)
    elsewhere = point(8, probe="ondilo:2/ico")
    await store.add([point(), other, elsewhere], NOW)
    assert await store.history(PROBE, "orp") == [other]
    assert await store.history("ondilo:2/ico", "ph") == [elsewhere]
    assert await store.quantities(PROBE) == ["orp", "ph"]
    assert await store.count() == 3


async def test_nothing_is_known_of_a_probe_that_never_measured(store: Store) -> None:
    assert await store.latest("nobody", NOW) == {}
    assert await store.history("nobody", "ph") == []
    assert await store.quantities("nobody") == []
    assert await store.revisions("nobody", "ph", NOW) == []
    assert await store.count() == 0


async def test_the_latest_is_the_newest_of_each_quantity_valid_or_not(store: Store) -> None:
    newest = {"ph": point(7.3, doubts=(DOUBT,)), "orp": point(650, at=NOW - DAY, quantity="orp")}
    await store.add([newest["ph"], point(7.1, at=NOW - HOUR), newest["orp"]], NOW)
    assert await store.latest(PROBE, NOW) == newest
    assert list(await store.latest(PROBE, NOW)) == ["orp", "ph"]


async def test_the_latest_follows_every_arrival(store: Store) -> None:
    for n in range(3):
        given = point(n, at=NOW + n * HOUR)
        await store.add([given], NOW + n * HOUR)
        assert await store.latest(PROBE, NOW + n * HOUR) == {"ph": given}


async def test_a_point_ahead_of_the_clock_waits_until_its_time_has_come(store: Store) -> None:
    true, ahead = point(7.0), point(9.0, at=NOW + DAY)
    await store.add([true, ahead], NOW)
    appears = NOW + DAY - CLOCK_TOLERANCE
    for now, expected in ((NOW, true), (appears - MOMENT, true), (appears, ahead), (NOW, true)):
        assert await store.latest(PROBE, now) == {"ph": expected}


async def test_a_point_ahead_appears_though_its_probe_was_asked_for_a_moment_before(store: Store) -> None:
    await store.add([point(7.0), point(9.0, at=NOW + DAY)], NOW)
    for now, value in ((NOW + DAY - CLOCK_TOLERANCE - MOMENT, 7.0), (NOW + DAY - CLOCK_TOLERANCE, 9.0)):
        assert (await store.latest(PROBE, now))["ph"].value == value


async def test_there_is_one_zero(store: Store) -> None:
    await store.add([point(-0.0, raw="-0.0")], NOW)
    (kept,) = await store.history(PROBE, "ph")
    assert (repr(kept.value), kept.raw) == ("0.0", "-0.0")


async def test_before_its_first_measurement_a_quantity_has_no_latest(store: Store) -> None:
    await store.add([point()], NOW)
    assert await store.latest(PROBE, NOW) == {"ph": point()}
    assert await store.latest(PROBE, NOW - DAY) == {}
    assert await store.latest(PROBE, NOW) == {"ph": point()}


async def test_a_caller_may_change_the_answer_it_was_given(store: Store) -> None:
    await store.add([point()], NOW)
    (await store.latest(PROBE, NOW)).clear()
    (await store.history(PROBE, "ph")).clear()
    assert await store.latest(PROBE, NOW) == {"ph": point()}
    assert await store.history(PROBE, "ph") == [point()]


# --- users and grants ------------------------------------------------------------------------------------------------


async def test_an_email_is_compared_without_case_and_kept_as_it_was_spelt(store: Store) -> None:
    await store.put_user(user("Ana.Groß@Example.org", firstname="Ana", language="fr"))
    found = await store.user("ana.GROSS@example.ORG")
    assert found is not None
    assert (found.email, found.firstname, found.language) == ("Ana.Groß@Example.org", "Ana", "fr")
    await store.put_user(user("ANA.groß@example.org"))
    assert [u.email for u in await store.users()] == ["ANA.groß@example.org"]


async def test_users_stand_by_email(store: Store) -> None:
    for email in ("b@example.org", "C@example.org", "a@example.org"):
        await store.put_user(user(email))
    assert [u.email for u in await store.users()] == ["a@example.org", "b@example.org", "C@example.org"]
    assert await store.user("nobody@example.org") is None


async def test_a_removed_user_loses_every_grant(store: Store) -> None:
    await store.put_user(user())
    await store.put_grant(grant("d1", user="ANA@example.org"))
    await store.put_grant(grant("d2", user="bo@example.org"))
    await store.remove_user("ana@EXAMPLE.org")
    assert await store.users() == []
    assert await store.grant("d1") is None
    assert await store.grant("d2") is not None


async def test_a_user_whose_grants_are_dropped_stays(store: Store) -> None:
    await store.put_user(user())
    await store.put_grant(grant("d1", user="ANA@example.org"))
    await store.put_grant(grant("d2", user="bo@example.org"))
    before = await store.version()
    await store.drop_grants("ana@EXAMPLE.org")
    assert await store.version() != before
    assert await store.user("ana@example.org") == user()
    assert await store.grant("d1") is None
    assert await store.grant("d2") is not None


async def test_a_user_with_accounts_is_not_removed(store: Store) -> None:
    await store.put_user(user())
    await store.put_grant(grant())
    await store.put_account(account(owner="Ana@example.org"))
    with pytest.raises(Conflict, match="home"):
        await store.remove_user("ana@example.org")
    assert await store.user("ana@example.org") == user()
    assert await store.grant("d1") == grant()


async def test_removing_nobody_says_so(store: Store) -> None:
    with pytest.raises(NotFound, match="nobody@"):
        await store.remove_user("nobody@example.org")


async def test_somebody_who_gets_a_removed_users_email_does_not_see_their_sites(store: Store) -> None:
    await store.put_user(user())
    await store.put_account(account())
    await store.put_discovery("home", discovery(1), NOW)
    await store.remove_account("home")
    await store.remove_user("ana@example.org")
    await store.put_user(user())
    assert await store.sites(seen_by="ana@example.org") == []
    assert await store.sites() == [site(1)]


async def test_a_grant_is_taken_once(store: Store) -> None:
    given = grant("d1", "code", expires_at=NOW + HOUR, redirect_uri="http://a/?b=é", client_id="c")
    await store.put_grant(given)
    assert await store.grant("d1") == given
    assert await store.take_grant("d1") == given
    assert await store.take_grant("d1") is None
    assert await store.grant("d1") is None


# --- accounts, sites, probes -----------------------------------------------------------------------------------------


async def test_accounts_stand_by_id_and_belong_to_their_owner_without_case(store: Store) -> None:
    await store.put_account(account("z", "Ana@example.org"))
    await store.put_account(account("b", "bo@example.org"))
    await store.put_account(account("a", "ana@example.org", realm="test", base_url="http://127.0.0.1:1"))
    assert [a.id for a in await store.accounts()] == ["a", "b", "z"]
    assert [a.id for a in await store.accounts("ANA@example.org")] == ["a", "z"]
    assert await store.account("a") == account("a", realm="test", base_url="http://127.0.0.1:1")
    assert await store.account("none") is None


async def test_a_discovery_tells_person_sites_and_probes(store: Store) -> None:
    await store.put_account(account())
    rich = site(
        1,
        bands={"ph": Band(6.8, 7.6)},
        shares=(Share("Bo", "B", "bo@example.org", NOW), Share("Cy", "C", "cy@example.org", None)),
        attributes={
            "pool_guy_number": None,
            "maintenance_day": 3,
            "indoor": False,
            "ratio": 0.1,
            "type": "inground_pool",
        },
        updated_at=NOW,
        volume_m3=40.5,
    )
    told = discovery(
        person=Person("Ana", "Lima", "ana@example.org", {"temperature": "Celsius"}), sites=(rich,), probes=(probe(1),)
    )
    await store.put_discovery("home", told, NOW)
    kept = await store.account("home")
    assert kept is not None
    assert (kept.person, kept.discovered_at) == (told.person, NOW)
    assert await store.sites(account="home") == [rich]
    assert await store.site("ondilo:1") == rich
    assert await store.probes("ondilo:1") == [probe(1)]
    assert await store.accounts_of("ondilo:1") == [kept]


async def test_the_probes_of_several_sites_are_had_at_once(store: Store) -> None:
    await store.put_account(account())
    await store.put_discovery("home", discovery(1, 2, 3), NOW)
    await store.put_discovery("home", discovery(1, 2), NOW + DAY)
    assert await store.probes_at(["ondilo:3", "ondilo:1", "ondilo:none"]) == [probe(1), probe(3)]
    assert await store.probes_at([]) == []


async def test_a_discovery_for_an_unknown_account_keeps_nothing(store: Store) -> None:
    with pytest.raises(NotFound, match="nowhere"):
        await store.put_discovery("nowhere", discovery(1), NOW)
    assert await store.site("ondilo:1") is None


async def test_a_vanished_site_is_gone_until_it_comes_back(store: Store) -> None:
    await store.put_account(account())
    await store.put_discovery("home", discovery(1, 2), NOW)
    await store.put_discovery("home", discovery(1), NOW + DAY)
    for found in (await store.sites(), await store.sites(seen_by="ana@example.org"), await store.sites(account="home")):
        assert found == [site(1)]
    assert await store.sites(gone=True) == [site(1), site(2)]
    assert await store.site("ondilo:2") == site(2)
    assert await store.accounts_of("ondilo:2") == []
    assert await store.probes("ondilo:2") == [probe(2)]
    await store.put_discovery("home", discovery(1, 2), NOW + 2 * DAY)
    assert await store.sites() == [site(1), site(2)]


async def test_a_discovery_with_faults_makes_nothing_vanish(store: Store) -> None:
    await store.put_account(account())
    await store.put_discovery("home", discovery(1, 2), NOW)
    await store.put_discovery("home", discovery(1, faults=(FAULT,)), NOW + DAY)
    assert await store.sites() == [site(1), site(2)]


async def test_what_a_discovery_left_unread_stays_as_it_was(store: Store) -> None:
    await store.put_account(account())
    known = discovery(sites=(site(1, volume_m3=40.0),), probes=(probe(1, "S1", firmware="1.2"),))
    await store.put_discovery("home", known, NOW)
    unread = {"person": ("firstname",), "ondilo:1": ("volume_m3",), PROBE: ("serial", "firmware")}
    told = discovery(person=Person("", "Lima"), sites=(site(1, name="Renamed"),), probes=(probe(1, ""),), unread=unread)
    await store.put_discovery("home", told, NOW + DAY)
    kept = await store.account("home")
    assert kept is not None
    assert kept.person == Person("Ana", "Lima")
    assert await store.site("ondilo:1") == site(1, name="Renamed", volume_m3=40.0)
    assert await store.probes() == list(known.probes)
    assert len(await store.devices(PROBE)) == 1


async def test_a_site_shared_by_two_accounts_is_gone_when_both_have_lost_it(store: Store) -> None:
    await store.put_account(account("home"))
    await store.put_account(account("guest", "bo@example.org"))
    for name in ("home", "guest"):
        await store.put_discovery(name, discovery(1), NOW)
    assert [a.id for a in await store.accounts_of("ondilo:1")] == ["guest", "home"]
    await store.put_discovery("guest", discovery(), NOW + DAY)
    assert await store.sites() == [site(1)]
    assert await store.sites(seen_by="bo@example.org") == []
    assert await store.sites(seen_by="bo@example.org", gone=True) == [site(1)]
    assert [a.id for a in await store.accounts_of("ondilo:1")] == ["home"]
    await store.put_discovery("home", discovery(), NOW + DAY)
    assert await store.sites() == []


async def test_a_replaced_device_keeps_its_probe_and_leaves_its_trace(store: Store) -> None:
    await store.put_account(account())
    for day, serial in enumerate(("S1", "S1", "S2", "S1")):
        await store.put_discovery("home", discovery(sites=(site(1),), probes=(probe(1, serial),)), NOW + day * DAY)
    assert [(at - NOW, p.serial) for at, p in await store.devices(PROBE)] == [
        (0 * DAY, "S1"),
        (2 * DAY, "S2"),
        (3 * DAY, "S1"),
    ]
    assert await store.probes() == [probe(1, "S1")]
    assert await store.devices("nobody") == []


async def test_a_probe_that_is_moved_to_another_site_leaves_its_trace(store: Store) -> None:
    await store.put_account(account())
    moved = replace(probe(1, "S1"), site="ondilo:2")
    await store.put_discovery("home", discovery(sites=(site(1), site(2)), probes=(probe(1, "S1"),)), NOW)
    await store.put_discovery("home", discovery(sites=(site(1), site(2)), probes=(moved,)), NOW + DAY)
    assert [(at - NOW, p.site) for at, p in await store.devices(PROBE)] == [(0 * DAY, "ondilo:1"), (DAY, "ondilo:2")]
    assert await store.probes("ondilo:1") == []


@pytest.mark.parametrize("changed", [{"hardware": "u-2"}, {"firmware": "2.0"}])
async def test_other_hardware_or_firmware_is_a_change_of_the_device(store: Store, changed: dict[str, str]) -> None:
    await store.put_account(account())
    for day, new in enumerate((probe(1), probe(1, **changed))):
        await store.put_discovery("home", discovery(sites=(site(1),), probes=(new,)), NOW + day * DAY)
    assert [p for _, p in await store.devices(PROBE)] == [probe(1), probe(1, **changed)]


async def test_a_removed_account_takes_its_secrets_memos_and_incidents_with_it(store: Store) -> None:
    for name in ("home", "home2"):
        await store.put_account(account(name))
        await store.put_secret(f"{name}/token", b"t")
        await store.put_memo(f"{name}/progress", b"m")
        await store.note_incident(incident(account=name))
    await store.remove_account("home")
    assert await store.account("home") is None
    assert (await store.secret("home/token"), await store.memo("home/progress")) == (None, None)
    assert (await store.secret("home2/token"), await store.memo("home2/progress")) == (b"t", b"m")
    assert [i.account for i in await store.incidents()] == ["home2"]


async def test_removing_no_account_says_so(store: Store) -> None:
    with pytest.raises(NotFound, match="home"):
        await store.remove_account("home")


async def test_what_a_removed_account_collected_stays_with_its_owner(store: Store) -> None:
    await store.put_account(account())
    await store.put_discovery("home", discovery(1), NOW)
    await store.add([point()], NOW)
    await store.remove_account("home")
    assert await store.sites() == await store.sites(seen_by="Ana@example.org") == [site(1)]
    assert await store.sites(account="home") == []
    assert await store.accounts_of("ondilo:1") == []
    assert await store.history(PROBE, "ph") == [point()]


async def test_a_new_account_says_what_has_become_of_a_removed_ones_sites(store: Store) -> None:
    await store.put_account(account("old"))
    await store.put_discovery("old", discovery(1, 2), NOW)
    await store.remove_account("old")
    await store.put_account(account("new"))
    await store.put_discovery("new", discovery(1), NOW + DAY)
    await store.put_discovery("new", discovery(), NOW + 2 * DAY)
    assert await store.sites(seen_by="ana@example.org") == [site(2)]


async def test_an_accounts_id_given_to_somebody_else_does_not_show_them_what_was_collected_before(store: Store) -> None:
    await store.put_account(account("home", "ana@example.org"))
    await store.put_discovery("home", discovery(1), NOW)
    await store.remove_account("home")
    await store.put_account(account("home", "bo@example.org"))
    assert await store.sites(seen_by="bo@example.org") == await store.sites(account="home") == []
    await store.put_discovery("home", discovery(2), NOW)
    assert await store.sites(seen_by="bo@example.org") == [site(2)]
    assert await store.sites(seen_by="ana@example.org") == [site(1)]
    assert await store.accounts_of("ondilo:1") == []


async def test_an_account_handed_over_takes_its_sites_along(store: Store) -> None:
    await store.put_account(account("home", "ana@example.org"))
    await store.put_discovery("home", discovery(1), NOW)
    await store.put_account(account("home", "bo@example.org"))
    assert await store.sites(seen_by="ana@example.org") == []
    assert await store.sites(seen_by="bo@example.org") == await store.sites(account="home") == [site(1)]


# --- advice and public ids -------------------------------------------------------------------------------------------


async def test_recommendations_stand_oldest_first_and_those_no_longer_told_are_over(store: Store) -> None:
    first, second, third = (recommendation(n) for n in (1, 2, 3))
    other = recommendation(9, "ondilo:2")
    await store.put_recommendations("ondilo:2", [other])
    await store.put_recommendations("ondilo:1", [second, first])
    assert await store.recommendations("ondilo:1") == [first, second]
    await store.put_recommendations("ondilo:1", [third, second])
    assert await store.recommendations("ondilo:1") == [second, third]
    assert await store.recommendation(first.id) == replace(first, status="ended")
    assert await store.recommendations("ondilo:1", waiting=False) == [replace(first, status="ended"), second, third]
    assert await store.recommendations("ondilo:2") == [other]


async def test_a_recommendation_that_has_been_done_stays_done(store: Store) -> None:
    done = recommendation(1, status="ok", deadline=NOW + DAY)
    await store.put_recommendations("ondilo:1", [recommendation(1)])
    await store.put_recommendation(done)
    await store.put_recommendations("ondilo:1", [])
    assert await store.recommendation(done.id) == done
    assert await store.recommendations("ondilo:1") == []
    assert await store.recommendation("none") is None


async def test_another_sites_recommendation_is_refused_with_the_whole_list(store: Store) -> None:
    with pytest.raises(BadInput, match="ondilo:2"):
        await store.put_recommendations("ondilo:1", [recommendation(1), recommendation(2, "ondilo:2")])
    assert await store.recommendations("ondilo:1") == []


async def test_a_persona_is_the_preferred_number_and_stays_for_ever(store: Store) -> None:
    first = await store.persona("ondilo", "site", "ondilo:234", 234)
    assert (first.face, first.kind, first.public_id, first.subject) == ("ondilo", "site", "234", "ondilo:234")
    assert await store.persona("ondilo", "site", "ondilo:234", 999) == first
    assert await store.persona("ondilo", "site", "ondilo:234") == first
    assert await store.subject("ondilo", "site", "234") == "ondilo:234"


async def test_a_number_that_is_taken_gives_way_to_the_lowest_free_one(store: Store) -> None:
    given = [
        await store.persona("ondilo", "site", "a", 234),
        await store.persona("ondilo", "site", "b", 234),
        await store.persona("ondilo", "site", "c"),
        await store.persona("ondilo", "site", "d", 1_000_003),
        await store.persona("ondilo", "site", "e"),
        await store.persona("ondilo", "site", "f"),
    ]
    assert [p.public_id for p in given] == ["234", "1000000", "1000001", "1000003", "1000002", "1000004"]


@pytest.mark.parametrize("preferred", [0, -1, 2**31])
async def test_a_number_that_clients_could_not_hold_is_not_given(store: Store, preferred: int) -> None:
    assert (await store.persona("ondilo", "site", "a", preferred)).public_id == "1000000"
    assert (await store.persona("ondilo", "site", "b", 2**31 - 1)).public_id == str(2**31 - 1)
    assert (await store.persona("ondilo", "site", "c", 2**31 - 1)).public_id == "1000001"


async def test_each_face_and_kind_counts_for_itself(store: Store) -> None:
    for face, kind in (("ondilo", "site"), ("ondilo", "recommendation"), ("flipr", "site")):
        assert (await store.persona(face, kind, f"{face}-{kind}", 7)).public_id == "7"  # type: ignore[arg-type]
    assert await store.subject("ondilo", "recommendation", "7") == "ondilo-recommendation"


@pytest.mark.parametrize("public_id", ["", "8", "07", "+7", "7.0", "٧", "-7", "7" * 5000, "abc", " 7"])
async def test_a_public_id_that_was_not_given_stands_for_nobody(store: Store, public_id: str) -> None:
    await store.persona("ondilo", "site", "a", 7)
    assert await store.subject("ondilo", "site", public_id) is None


# --- secrets, memos, journal -----------------------------------------------------------------------------------------


async def test_a_secret_is_kept_and_replaced(store: Store) -> None:
    assert await store.secret("home/token") is None
    for value in (b"", b"\0\xff token"):
        await store.put_secret("home/token", value)
        assert await store.secret("home/token") == value


async def test_a_memo_is_kept_and_replaced(store: Store) -> None:
    assert await store.memo("home/progress") is None
    for value in (b"", b"\0\xff"):
        await store.put_memo("home/progress", value)
        assert await store.memo("home/progress") == value


async def test_receipts_are_read_newest_first_and_byte_for_byte(store: Store) -> None:
    bodies = [b"", b"\0\xff<html>", b'{"a": 1}' * 4000, bytes(range(256)) * 8]
    given = [receipt(NOW + n * HOUR, body) for n, body in enumerate(bodies)]
    for one in (*given, receipt(account="other")):
        await store.keep_receipt(one)
    assert await store.receipts("home") == given[::-1]
    assert await store.receipts("home", NOW + HOUR, 2) == [given[3], given[2]]
    assert await store.receipts("home", NOW + 3 * HOUR) == [given[3]]
    assert await store.receipts("nobody") == []


async def test_of_receipts_of_one_instant_the_last_kept_comes_first(store: Store) -> None:
    for body in (b"1", b"2"):
        await store.keep_receipt(receipt(body=body))
    assert [r.body for r in await store.receipts("home")] == [b"2", b"1"]


async def test_an_incident_counts_while_it_lasts_and_opens_anew_after_its_end(store: Store) -> None:
    await store.note_incident(incident(what="401"))
    await store.note_incident(incident(what="403", todo="call", since=NOW + HOUR, at=NOW + HOUR))
    lasting = incident(what="403", todo="call", at=NOW + HOUR, count=2)
    assert await store.incidents("home") == [lasting]
    await store.end_incident("home", "home", "refused", NOW + DAY)
    ended = replace(lasting, ended_at=NOW + DAY)
    assert await store.incidents(open_only=True) == []
    anew = incident(since=NOW + 2 * DAY, at=NOW + 2 * DAY)
    await store.note_incident(anew)
    assert await store.incidents() == [anew, ended]
    assert await store.incidents(open_only=True) == [anew]


async def test_incidents_are_told_apart_by_account_place_and_kind(store: Store) -> None:
    given = [incident(), incident("late"), incident(where="ondilo:1"), incident(account="other")]
    for n, one in enumerate(given):
        await store.note_incident(replace(one, at=NOW + n * HOUR))
    assert [i.count for i in await store.incidents()] == [1, 1, 1, 1]
    assert [i.account for i in await store.incidents()] == ["other", "home", "home", "home"]
    assert len(await store.incidents("home")) == 3
    await store.end_incident("home", "home", "late", NOW + DAY)
    assert {i.where for i in await store.incidents("home", open_only=True)} == {"home", "ondilo:1"}
    assert len(await store.incidents(open_only=True)) == 3


async def test_an_end_without_a_kind_ends_every_kind_at_that_place_only(store: Store) -> None:
    for one in (incident(), incident("late"), incident(where="ondilo:1")):
        await store.note_incident(one)
    await store.end_incident("home", "home", None, NOW + HOUR)
    await store.end_incident("home", "nowhere", None, NOW + HOUR)
    assert [i.where for i in await store.incidents(open_only=True)] == ["ondilo:1"]


async def test_all_grants_of_a_user_are_dropped_but_those_to_keep(store: Store) -> None:
    for name in ("key", "session", ""):
        await store.put_grant(grant(f"d{name}", id=name))
    await store.put_grant(grant("bo", user="bo@example.org"))
    await store.drop_grants("ANA@example.org", keep=["key", "other"])
    left = [await store.grant(one) is not None for one in ("dkey", "dsession", "d", "bo")]
    assert left == [True, False, False, True]
    await store.drop_grants("ana@example.org")
    assert await store.grant("dkey") is None


async def test_the_audit_log_is_read_newest_first(store: Store) -> None:
    entries = [AuditEntry(NOW, "ana", "validate", f"r{n}", "done") for n in range(3)]
    for entry in entries:
        await store.record(entry)
    assert await store.audit() == entries[::-1]
    assert await store.audit(1) == entries[2:]
    assert await store.audit(1, skip=1) == entries[1:2]
    assert await store.audit(skip=3) == []


async def test_the_audit_log_is_asked_for_a_site_a_user_an_act_or_a_time(store: Store) -> None:
    ana = AuditEntry(NOW, "ana", "validate", "r1", "done", "ondilo:1")
    bo = AuditEntry(NOW + HOUR, "bo", "write", "p1 PH", "done", "ondilo:2")
    hub = AuditEntry(NOW + 2 * HOUR, "ana", "invite", "bo", "done")
    for entry in (ana, bo, hub):
        await store.record(entry)
    assert await store.audit(sites=["ondilo:1", "ondilo:9"]) == [ana]
    assert await store.audit(sites=[]) == []
    assert await store.audit(user="ana") == [hub, ana]
    assert await store.audit(act="write") == [bo]
    assert await store.audit(since=NOW + HOUR) == [hub, bo]
    assert await store.audit(until=NOW + HOUR) == [ana]
    assert await store.audit(1, user="ana", skip=1) == [ana]


async def test_what_is_done_to_an_account_is_found_by_every_site_that_it_brings(store: Store) -> None:
    ana, bo = account("home", owner="Ana@example.org"), account("work", owner="bo@example.org")
    for one, at in ((ana, NOW), (bo, NOW + HOUR)):
        await store.put_account(one)
        await store.record(
            AuditEntry.on(one, "connect", "signed in", at, user=one.owner)
        )  # when nobody knows yet what it has
    await store.put_discovery("home", discovery(1, 2), NOW)
    await store.put_discovery("work", discovery(3), NOW)
    await store.record(AuditEntry(NOW + 2 * HOUR, "ana", "validate", "r1", "done", "ondilo:1"))
    acts = {n: [one.act for one in await store.audit(sites=[f"ondilo:{n}"])] for n in (1, 2, 3, 4)}
    assert acts == {1: ["validate", "connect"], 2: ["connect"], 3: ["connect"], 4: []}
    assert [one.user for one in await store.audit(sites=["ondilo:2", "ondilo:3"])] == [
        "bo@example.org",
        "Ana@example.org",
    ]
    assert len(await store.audit()) == 3

    await store.remove_account("home")
    await store.record(AuditEntry.on(ana, "remove account", "removed", NOW + 3 * HOUR, user=ana.owner))
    assert [one.act for one in await store.audit(sites=["ondilo:2"])] == ["remove account", "connect"]

    carl = account("home", owner="carl@example.org")  # who gets an id that was free again
    await store.put_account(carl)
    await store.put_discovery("home", discovery(9), NOW)
    await store.record(AuditEntry.on(carl, "pause", "done", NOW + 4 * HOUR, user=carl.owner))
    assert [one.user for one in await store.audit(sites=["ondilo:9"])] == ["carl@example.org"]
    assert [one.act for one in await store.audit(sites=["ondilo:2"])] == ["remove account", "connect"]


async def test_a_probe_of_ones_own_stands_beside_those_of_a_site_until_its_cloud_is_asked_again_and_after(
    store: Store,
) -> None:
    await store.put_account(account("home"))
    await store.put_discovery("home", discovery(1), NOW)
    hand = Probe("ondilo:1/hand", "ondilo:1", "own", "hand")
    await store.put_probe(hand, NOW)
    await store.put_probe(hand, NOW + HOUR)
    assert hand in await store.probes("ondilo:1")
    assert await store.devices(hand.id) == [(NOW, hand)]
    await store.put_discovery("home", discovery(1), NOW + DAY)
    assert hand in await store.probes("ondilo:1")
    with pytest.raises(NotFound, match="no site 'ondilo:9'"):
        await store.put_probe(replace(hand, site="ondilo:9"), NOW)


async def test_pruning_forgets_what_is_of_no_use_and_never_a_measurement(store: Store) -> None:
    old = NOW - timedelta(days=3650)
    await store.add([point(at=old)], old)
    await store.add([point(8, at=old)], old)
    for at in (NOW - 31 * DAY, NOW - 29 * DAY):
        await store.keep_receipt(receipt(at))
    await store.put_grant(grant("code", "code", expires_at=NOW - HOUR))
    await store.put_grant(grant("access", "access", expires_at=NOW))
    await store.put_grant(grant("fresh", "access", expires_at=NOW + HOUR))
    await store.put_grant(grant("endless", "access"))
    await store.put_grant(grant("refresh", "refresh", expires_at=NOW - HOUR))
    for kind, ended_at in (("past", NOW - 366 * DAY), ("recent", NOW - 364 * DAY)):
        await store.note_incident(incident(kind, since=old, at=old))
        await store.end_incident("home", "home", kind, ended_at)
    await store.note_incident(incident("open", since=old, at=old))
    for digest, life_s in (("over", 3600), ("under way", 3601)):
        await store.answer_form(digest, b"a secret", NOW - HOUR, life_s)
    await store.prune(NOW, receipts_days=30)
    assert [r.at for r in await store.receipts("home")] == [NOW - 29 * DAY]
    kept = [d for d in ("code", "access", "fresh", "endless", "refresh") if await store.grant(d)]
    assert kept == ["fresh", "endless", "refresh"]
    assert {i.kind for i in await store.incidents()} == {"recent", "open"}
    assert await store.form("over", NOW - HOUR) is None, "nor is it there for whoever reads the table"
    assert await store.form("under way", NOW) == b"a secret"
    assert [m.value for m in await store.history(PROBE, "ph")] == [8]
    assert len(await store.revisions(PROBE, "ph", old)) == 1


# --- collectors ------------------------------------------------------------------------------------------------------

LIFE_S = 40.0
LIFE = timedelta(seconds=LIFE_S)


async def _accounts(store: Store, *names: str) -> None:
    await store.put_user(user())
    for name in names:
        await store.put_account(replace(account(), id=name))


async def test_sites_without_a_cloud_are_no_account_that_a_collector_is_said_to_have(store: Store) -> None:
    await _accounts(store, "a", "b")
    await store.put_account(replace(account(), id="own", vendor="own"))
    assert await store.claim("one", NOW, LIFE_S) == ["a", "b", "own"]
    assert await store.collectors(NOW) == {"one": 2}


async def test_a_collector_alone_has_every_account(store: Store) -> None:
    await _accounts(store, "a", "b", "c")
    assert await store.claim("one", NOW, LIFE_S) == ["a", "b", "c"]
    await store.put_account(replace(account(), id="d"))
    assert await store.claim("one", NOW + MOMENT, LIFE_S) == ["a", "b", "c", "d"]
    assert await store.collectors(NOW) == {"one": 4}


async def test_no_two_collectors_ever_have_one_account_and_all_have_somebody(store: Store) -> None:
    await _accounts(store, *"abcdefg")
    await store.claim("one", NOW, LIFE_S)
    assert await store.claim("two", NOW, LIFE_S) == [], "what another has is not taken away"
    kept = await store.claim("one", NOW, LIFE_S)
    taken = await store.claim("two", NOW, LIFE_S)
    assert (len(kept), len(taken)) == (4, 3)
    assert sorted(kept + taken) == list("abcdefg")
    assert await store.claim("one", NOW, LIFE_S) == kept, "and then it stays so"
    assert await store.claim("two", NOW, LIFE_S) == taken


async def test_what_is_being_asked_is_not_given_back(store: Store) -> None:
    await _accounts(store, *"abcd")
    await store.claim("one", NOW, LIFE_S)
    await store.claim("two", NOW, LIFE_S)
    assert await store.claim("one", NOW, LIFE_S, keep=["d"]) == ["a", "d"]
    assert await store.claim("two", NOW, LIFE_S) == ["b", "c"]


async def test_a_dead_collectors_accounts_are_anothers_when_its_claim_has_run_out(store: Store) -> None:
    await _accounts(store, "a", "b")
    await store.claim("dead", NOW, LIFE_S)
    assert await store.claim("heir", NOW + LIFE - MOMENT, LIFE_S) == []
    assert await store.collectors(NOW + LIFE) == {"heir": 0}
    assert await store.claim("heir", NOW + LIFE, LIFE_S) == ["a", "b"]
    assert await store.claim("dead", NOW + LIFE, LIFE_S) == [], "it comes back to find its work taken over"


async def test_a_collector_that_ends_gives_all_back_at_once(store: Store) -> None:
    await _accounts(store, "a", "b")
    await store.claim("one", NOW, LIFE_S)
    await store.release("one")
    assert await store.collectors(NOW) == {}
    assert await store.claim("two", NOW, LIFE_S) == ["a", "b"]


async def test_a_claim_of_before_the_clock_was_set_back_holds_nobody_up(store: Store) -> None:
    await _accounts(store, "a")
    await store.claim("one", NOW + DAY, LIFE_S)
    assert await store.claim("two", NOW, LIFE_S) == ["a"]


async def test_a_removed_account_is_nobodys(store: Store) -> None:
    await _accounts(store, "a", "b")
    await store.claim("one", NOW, LIFE_S)
    await store.remove_account("a")
    assert await store.claim("one", NOW, LIFE_S) == ["b"]
    assert await store.collectors(NOW) == {"one": 1}


# --- gaps ------------------------------------------------------------------------------------------------------------


async def test_gaps_are_read_as_they_were_given_the_latest_first(store: Store) -> None:
    told = [gap(0), gap(-9, state="lost"), gap(4, state="silent", of="flipr:x"), gap(0, 5, "filled", quantity="orp")]
    await store.put_gaps((), told)
    assert await store.gaps() == [told[2], told[3], told[0], told[1]]
    assert await store.gaps(PROBE, limit=2) == [told[3], told[0]]
    assert await store.gaps(open_only=True) == [told[0]]
    assert await store.gaps("nobody") == []


async def test_a_gap_that_has_grown_replaces_the_open_one_of_before(store: Store) -> None:
    other = gap(of="flipr:x")
    await store.put_gaps((), [gap(0, 2), other])
    await store.put_gaps([gap(0, 2)], [gap(0, 3), gap(0, 3, quantity="orp")])
    assert set(await store.gaps(open_only=True)) == {gap(0, 3), gap(0, 3, quantity="orp"), other}


async def test_another_accounts_gaps_of_the_same_probe_stay(store: Store) -> None:
    await store.put_gaps((), [gap(0, 2)])
    await store.put_gaps((), [gap(9, 2)])
    await store.put_gaps([gap(9, 2)], [])
    assert await store.gaps() == [gap(0, 2)]


async def test_what_became_of_a_gap_stays_when_its_probe_has_others(store: Store) -> None:
    await store.put_gaps((), [gap(0, 3)])
    await store.put_gaps([gap(0, 3)], [gap(0, 3, "lost")])
    await store.put_gaps([gap(0, 3)], [gap(20, 3)])
    await store.put_gaps([gap(20, 3)], [])
    assert await store.gaps() == [gap(0, 3, "lost")]


async def test_of_a_stretch_what_is_known_better_counts(store: Store) -> None:
    for state in ("silent", "lost", "open"):
        await store.put_gaps((), [gap(0, 3, state)])
    assert [one.state for one in await store.gaps()] == ["silent"]
    await store.put_gaps((), [gap(0, 3, "filled")])
    assert [one.state for one in await store.gaps()] == ["filled"]


@pytest.mark.parametrize("state", ["open", "silent", "lost"])
async def test_readings_that_come_into_a_gap_fill_it_in_the_same_breath(store: Store, state: GapState) -> None:
    await store.put_gaps((), [gap(0, 9, state), gap(0, 9, state, quantity="orp"), gap(0, 9, state, of="flipr:x")])
    await store.add([reading(n) for n in (1, 2, 3)], NOW + HOUR)
    here = [one for one in await store.gaps(PROBE) if one.quantity == "ph"]
    assert [((one.since - NOW) // HOUR, (one.until - NOW) // HOUR, one.state, one.at) for one in here] == [
        (3, 9, state, NOW),
        (0, 3, "filled", NOW + HOUR),
    ]
    assert [one.state for one in await store.gaps("flipr:x")] == [state]
    assert len(await store.gaps()) == 4


async def test_a_word_or_a_reading_of_a_time_that_cannot_be_fills_nothing(store: Store) -> None:
    await store.put_gaps((), [gap(0, 9, "silent")])
    word = replace(reading(2), value=None, raw="--", doubts=(Doubt("unreadable", "'--' is no number"),))
    await store.add([word, replace(reading(4), doubts=(Doubt("future", "ahead"),))], NOW)
    assert await store.gaps() == [gap(0, 9, "silent")]
    await store.add([reading(2)], NOW)
    assert [one.state for one in await store.gaps()] == ["silent", "silent"], "no hole is longer than it was"


async def test_a_gap_that_is_told_over_known_readings_is_kept_in_its_holes(store: Store) -> None:
    await store.add([reading(n) for n in (4, 5, 6)], NOW)
    await store.put_gaps((), [gap(0, 12)])
    assert [((one.since - NOW) // HOUR, (one.until - NOW) // HOUR) for one in await store.gaps()] == [(6, 12), (0, 4)]
    await store.put_gaps([gap(0, 12)], [gap(0, 14, "silent"), gap(20, 0)])
    assert [((one.since - NOW) // HOUR, (one.until - NOW) // HOUR, one.state) for one in await store.gaps()] == [
        (6, 14, "silent"),
        (0, 4, "silent"),
    ]


async def test_an_instant_of_a_gap_that_is_not_in_utc_is_refused_and_nothing_is_kept(store: Store) -> None:
    await store.put_gaps((), [gap()])
    with pytest.raises(BadInput):
        await store.put_gaps([gap()], [gap(9), replace(gap(), until=NOW.replace(tzinfo=None))])
    assert await store.gaps() == [gap()]


async def test_the_gaps_of_a_removed_accounts_probes_stay(store: Store) -> None:
    await store.put_account(account())
    await store.put_discovery("home", discovery(1), NOW)
    await store.put_gaps((), [gap(state="lost")])
    await store.remove_account("home")
    assert len(await store.gaps()) == 1


async def test_refusals_count_for_their_time_and_until_they_are_pardoned(store: Store) -> None:
    assert await store.refusals("a", NOW) == []
    await store.refuse("a", NOW, 60)
    await store.refuse("a", NOW + timedelta(seconds=30), 60)
    await store.refuse("b", NOW, 60)
    assert await store.refusals("a", NOW + timedelta(seconds=59)) == [NOW, NOW + timedelta(seconds=30)]
    assert await store.refusals("a", NOW + timedelta(seconds=60)) == [NOW + timedelta(seconds=30)]
    await store.pardon("a")
    assert await store.refusals("a", NOW) == []
    assert await store.refusals("b", NOW) == [NOW]


async def test_a_form_is_taken_by_one_until_it_is_dropped_or_its_time_has_run_out(store: Store) -> None:
    assert await store.form("a", NOW) is None
    assert await store.take_form("a", NOW, 60)
    assert not await store.take_form("a", NOW, 60)
    assert await store.take_form("b", NOW, 600)
    assert await store.form("a", NOW) == b""
    assert await store.form("a", NOW + timedelta(seconds=60)) is None
    assert await store.take_form("a", NOW + timedelta(seconds=60), 60)
    await store.drop_form("a")
    assert await store.form("a", NOW) is None
    assert await store.take_form("a", NOW, 60)
    await store.answer_form("a", b"\0\xff done", NOW, 600)
    assert await store.form("a", NOW + timedelta(seconds=599)) == b"\0\xff done"
    assert not await store.take_form("a", NOW + timedelta(seconds=599), 60)
    assert await store.form("b", NOW) == b""


async def test_forms_and_refusals_leave_the_version_as_it_is(store: Store) -> None:
    seen = await store.version()
    await store.refuse("a", NOW, 60)
    await store.pardon("a")
    await store.take_form("a", NOW, 60)
    await store.answer_form("a", b"done", NOW, 600)
    await store.drop_form("a")
    assert await store.version() == seen
    await store.put_memo("a", b"1")
    assert await store.version() != seen


async def test_a_mark_is_another_one_once_something_of_the_probe_was_kept(store: Store) -> None:
    first = point()
    before = await store.marks([first.probe, "other"])
    await store.add([first], NOW)
    after = await store.marks([first.probe, "other"])
    assert after["other"] == before["other"]
    assert after[first.probe] != before[first.probe]
    added = await store.add([point(value=7.4, at=NOW + HOUR)], NOW, seen=after)
    assert added.others == frozenset()
    assert added.marks == await store.marks([first.probe, "other"])
    late = await store.add([point(value=7.5, at=NOW + 2 * HOUR)], NOW, seen=after)
    assert late.others == {first.probe}
    await store.fold(everything=True)
    assert late.marks == await store.marks([first.probe, "other"]), "to fold changes nothing of what is kept"


async def test_whatever_is_no_measurement_gives_another_version_but_for_points(store: Store) -> None:
    seen = {await store.version(but_points=True)}
    await _accounts(store, "a")
    seen.add(await store.version(but_points=True))
    await store.add([point()], NOW)
    await _accounts(store, "b")
    seen.add(await store.version(but_points=True))
    assert len(seen) == 3
