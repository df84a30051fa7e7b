"""Who has which role where, and what was done: the same in every store."""

from __future__ import annotations

from datetime import date

import pytest
from msgspec.structs import replace

from margelle.domain.access import Membership, Organisation, Role
from margelle.domain.event import Event
from margelle.errors import BadInput, Conflict, NotFound
from margelle.ports import Store
from tests.store.things import DAY, HOUR, NOW, account, discovery, grant, point, site, user

ANA, BO = "ana@example.org", "Bo@example.org"


def membership(subject: str = "ondilo:1", role: Role = "viewer", user: str = BO) -> Membership:
    return Membership(user, "site" if ":" in subject else "organisation", subject, role, NOW, ANA)


def event(name: str = "e1", hours: int = 0, site: str = "ondilo:1") -> Event:
    return Event(name, site, "dose", NOW + hours * HOUR, ANA, NOW, "ph_minus", 300.0, "g")


async def begin(store: Store, *, organisation: str = "") -> None:
    """Ana's account has two pools."""
    await store.put_user(user(ANA))
    await store.put_account(account("home", ANA, organisation=organisation))
    await store.put_discovery("home", discovery(1, 2), NOW)


# --- roles -----------------------------------------------------------------------------------------------------------


async def test_who_collects_a_site_owns_it(store: Store) -> None:
    await begin(store)
    assert await store.roles("ANA@example.org") == {"ondilo:1": "owner", "ondilo:2": "owner"}
    assert await store.roles(BO) == {}


async def test_a_site_is_shared_with_somebody(store: Store) -> None:
    await begin(store)
    await store.put_membership(membership())
    assert await store.sites(seen_by="bo@EXAMPLE.org") == [site(1)]
    assert await store.roles(BO) == {"ondilo:1": "viewer"}
    await store.put_membership(membership(role="technician"))
    assert await store.roles(BO) == {"ondilo:1": "technician"}
    assert await store.memberships(subject="ondilo:1") == [membership(role="technician")]
    await store.remove_membership("bo@example.org", "ondilo:1")
    assert await store.sites(seen_by=BO) == []
    assert await store.memberships() == []


async def test_a_shared_site_is_not_the_account_of_whom_it_is_shared_with(store: Store) -> None:
    await begin(store)
    await store.put_membership(membership(role="owner"))
    assert await store.accounts(BO) == []
    assert await store.sites(seen_by=BO, account="home") == [site(1)]


async def test_members_of_an_organisation_see_the_sites_of_its_accounts(store: Store) -> None:
    await store.put_organisation(Organisation("club", "The club"))
    await begin(store, organisation="club")
    await store.put_membership(membership("club", "technician"))
    assert await store.sites(seen_by=BO) == [site(1), site(2)]
    assert await store.roles(BO) == {"ondilo:1": "technician", "ondilo:2": "technician"}
    await store.put_account(account("home", ANA))
    assert await store.sites(seen_by=BO) == []


async def test_of_several_roles_the_highest_counts(store: Store) -> None:
    await store.put_organisation(Organisation("club", "The club"))
    await begin(store, organisation="club")
    await store.put_membership(membership("club", "viewer"))
    await store.put_membership(membership("ondilo:1", "technician"))
    assert await store.roles(BO) == {"ondilo:1": "technician", "ondilo:2": "viewer"}
    assert await store.memberships(user=BO) == [membership("club", "viewer"), membership("ondilo:1", "technician")]


async def test_a_site_that_vanished_is_shared_as_vanished(store: Store) -> None:
    await begin(store)
    await store.put_membership(membership())
    await store.put_discovery("home", discovery(2), NOW + DAY)
    assert await store.sites(seen_by=BO) == []
    assert await store.sites(seen_by=BO, gone=True) == [site(1)]
    assert await store.roles(BO) == {"ondilo:1": "viewer"}


async def test_what_only_a_removed_account_reached_is_still_owned_until_somebody_else_collects_it(store: Store) -> None:
    await begin(store)
    await store.remove_account("home")
    assert await store.roles(ANA) == {"ondilo:1": "owner", "ondilo:2": "owner"}
    await store.put_user(user(BO))
    await store.put_account(account("bos", BO))
    await store.put_discovery("bos", discovery(1), NOW + DAY)
    assert await store.roles(ANA) == {"ondilo:1": "viewer", "ondilo:2": "owner"}
    assert await store.roles(BO) == {"ondilo:1": "owner"}


async def test_a_user_who_is_removed_has_no_role_left(store: Store) -> None:
    await begin(store)
    await store.put_user(user(BO))
    await store.put_membership(membership())
    await store.remove_user(BO)
    assert await store.roles(BO) == {}
    assert await store.memberships() == []


@pytest.mark.parametrize("subject", ["ondilo:9", "nobody"])
async def test_there_is_no_role_in_what_does_not_exist(store: Store, subject: str) -> None:
    await begin(store)
    with pytest.raises(NotFound, match=subject):
        await store.put_membership(membership(subject))
    with pytest.raises(NotFound):
        await store.remove_membership(BO, subject)
    assert await store.memberships() == []


async def test_each_site_is_told_with_the_organisation_whose_account_reaches_it(store: Store) -> None:
    await store.put_organisation(Organisation("club", "The club"))
    await begin(store, organisation="club")
    await store.put_account(account("alone", ANA))
    await store.put_discovery("alone", discovery(3), NOW)
    sites = {site.id for site in await store.sites(account="home")}
    assert await store.organisation_of_each() == dict.fromkeys(sites, "club")
    await store.put_account(account("later", ANA, organisation="town"))
    await store.put_discovery("later", discovery(1), NOW)
    assert await store.organisation_of_each() == dict.fromkeys(sites, "club") | {"ondilo:1": "town"}
    await store.put_discovery("later", discovery(4), NOW)
    assert await store.organisation_of_each() == dict.fromkeys(sites, "club") | {"ondilo:4": "town"}


async def test_an_organisation_is_removed_with_its_members_but_not_with_its_accounts(store: Store) -> None:
    await store.put_organisation(Organisation("club", "The club"))
    await store.put_organisation(Organisation("club", "The old club"))
    await begin(store, organisation="club")
    await store.put_membership(membership("club"))
    with pytest.raises(Conflict, match="home"):
        await store.remove_organisation("club")
    assert await store.organisations() == [Organisation("club", "The old club")]
    await store.put_account(account("home", ANA))
    await store.remove_organisation("club")
    assert await store.organisations() == []
    assert await store.memberships() == []
    with pytest.raises(NotFound):
        await store.remove_organisation("club")


# --- keys and links --------------------------------------------------------------------------------------------------


async def test_grants_with_an_id_are_listed_by_user_and_by_site(store: Store) -> None:
    key = grant("d1", id="k1", name="Grafana", scopes=("read",))
    link = grant("d2", "link", id="l1", site="ondilo:1", issued_at=NOW + HOUR)
    other = grant("d3", user=BO, id="k2")
    for each in (key, link, other, grant("d4")):
        await store.put_grant(each)
    assert await store.grants(user="ANA@example.org") == [link, key]
    assert await store.grants(site="ondilo:1") == [link]
    assert await store.grants() == [link, key, other]
    await store.take_grant("d2")
    assert await store.grants(site="ondilo:1") == []


# --- events ----------------------------------------------------------------------------------------------------------


async def test_events_are_told_newest_first_within_bounds(store: Store) -> None:
    await begin(store)
    for each in (event("e1"), event("e2", 2), event("e3", 1), event("e4", 1, "ondilo:2")):
        await store.put_event(each)
    assert await store.events("ondilo:1") == [event("e2", 2), event("e3", 1), event("e1")]
    assert await store.events("ondilo:1", NOW + HOUR, NOW + 2 * HOUR) == [event("e3", 1)]
    assert await store.events("ondilo:1", limit=1) == [event("e2", 2)]
    assert await store.event("e4") == event("e4", 1, "ondilo:2")
    assert await store.event("e5") is None


async def test_an_event_that_was_taken_back_is_not_lost(store: Store) -> None:
    await begin(store)
    await store.put_event(event())
    gone = replace(event(), removed_at=NOW + HOUR, removed_by=BO)
    await store.put_event(gone)
    assert await store.events("ondilo:1") == []
    assert await store.events("ondilo:1", removed=True) == [gone]
    assert await store.event("e1") == gone


async def test_nothing_happens_at_a_site_that_does_not_exist(store: Store) -> None:
    with pytest.raises(NotFound, match="ondilo:9"):
        await store.put_event(event(site="ondilo:9"))
    assert await store.event("e1") is None


async def test_the_version_changes_with_roles_and_events(store: Store) -> None:
    await begin(store)
    seen = [await store.version()]
    for act in (
        store.put_organisation(Organisation("club", "The club")),
        store.put_membership(membership()),
        store.remove_membership(BO, "ondilo:1"),
        store.put_event(event()),
        store.remove_organisation("club"),
    ):
        await act
        seen.append(await store.version())
    assert len(set(seen)) == len(seen)


# --- statistics ------------------------------------------------------------------------------------------------------


async def test_days_are_those_of_the_time_zone(store: Store) -> None:
    await store.add([point(7.0, NOW), point(7.4, NOW + 11 * HOUR), point(8.0, NOW + DAY)], NOW + DAY)
    today = date(2026, 7, 14)
    utc = await store.statistics("ondilo:1/ico", "ph", today, date(2026, 7, 15))
    assert [(day.day, day.count, day.minimum, day.maximum) for day in utc] == [(today, 2, 7.0, 7.4)]
    paris = await store.statistics("ondilo:1/ico", "ph", today, date(2026, 7, 16), "Europe/Paris")
    assert [(day.day.day, day.count, day.median) for day in paris] == [(14, 1, 7.0), (15, 2, 7.7)]
    assert await store.statistics("ondilo:1/ico", "orp", today, date(2026, 7, 16)) == []


@pytest.mark.parametrize("zone", ["Nowhere/There", "", "../etc/passwd"])
async def test_a_time_zone_that_does_not_exist_is_refused(store: Store, zone: str) -> None:
    with pytest.raises(BadInput, match="no time zone"):
        await store.statistics("ondilo:1/ico", "ph", date(2026, 7, 14), date(2026, 7, 15), zone)
