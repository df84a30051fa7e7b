"""Pools through the face: whose they are, how they are printed, and what is said when there is nothing to say yet."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from msgspec.structs import replace

from margelle.domain.site import Band, Disinfection, Person, Probe, Share, Site
from margelle.ports import Incident
from tests.asgi import call
from tests.evidence import answer, exchange, facts
from tests.vendors.ondilo.house import (
    API,
    HOUR,
    LOGIN,
    NOW,
    OTHER_LOGIN,
    PROBE,
    SITE,
    House,
    account,
    documented_house,
    empty_house,
    furnish,
    point,
)

OF_A_POOL = ("device", "configuration", "shares", "lastmeasures", "measures?type=ph&period=day", "recommendations")
TANK = Site(id="baxo:c-9/tank", vendor="baxo", key="c-9/tank", name="Löschwasser 東", kind="tank")
FLIPR = Site(
    id="flipr:AB12CD", vendor="flipr", key="AB12CD", name="Piscine", kind="pool", disinfection=Disinfection("oxygen")
)
NUMBERED = Site(id="flipr:234", vendor="flipr", key="234", name="Not Ondilo's 234", kind="spa")


async def _other_house() -> House:
    """John has the documented pool, Eve has one of her own, and both are signed in: John's token is the house's."""
    house = await empty_house()
    await furnish(house)
    await furnish(
        house,
        sites=[replace(SITE, id="ondilo:777", key="777", name="Eve's")],
        probes=[replace(PROBE, id="ondilo:777/ico", site="ondilo:777", key="777")],
        owner=account(OTHER_LOGIN, "ondilo-2"),
    )
    await house.sign_in()
    return house


@pytest.mark.parametrize("pool", ["777", "1", "0", "-1", "0234", "+234", "234.0", "234%20", "２３４", "abc", "99999999999999999999", "ondilo:234", "%00", "[]"])  # fmt: skip
async def test_a_pool_that_is_not_the_users_does_not_exist(pool: str) -> None:
    house = await _other_house()
    await house.store.persona("ondilo", "site", "ondilo:777", 777)
    path = quote(pool, safe="%")

    for what in OF_A_POOL:
        refused = await house.get(f"/pools/{path}/{what}")
        assert refused.status == 404
        assert refused.json()["error"]["message"]


async def test_each_user_sees_their_own_pools() -> None:
    house = await _other_house()

    assert [pool["id"] for pool in (await house.get("/pools")).json()] == [234]


async def test_a_pool_that_two_users_reach_has_one_id_for_both() -> None:
    house = await _other_house()
    await furnish(house, owner=account(OTHER_LOGIN, "ondilo-2"))
    form = b"login=eve%40doe.org&password=p%26ss%20w%2Brd%20%C3%A9"
    query = "response_type=code&client_id=customer_api&redirect_uri=https://example.com/api"
    sent = (await call(house.app, "POST", f"/ondilo/oauth2/authorize?{query}", {}, form)).headers["location"]
    token = (await house.token(f"grant_type=authorization_code&code={sent.partition('code=')[2]}")).json()

    hers = await house.get("/pools", token=token["access_token"])

    assert [pool["id"] for pool in hers.json()] == [234]


async def test_an_empty_list_is_never_told_before_anything_was_collected() -> None:
    house = await empty_house()
    await house.sign_in()

    nothing = await house.get("/pools")
    await house.store.put_account(account())
    undiscovered = [await house.get(path) for path in ("/pools", *(f"/pools/234/{what}" for what in OF_A_POOL))]

    for refused in (nothing, *undiscovered):
        assert refused.status == 503
        assert refused.json()["error"]["message"]
        assert int(refused.headers["retry-after"]) > 0


async def test_a_user_whose_account_has_no_pools_is_told_so() -> None:
    house = await empty_house()
    await furnish(house, sites=[], probes=[])
    await house.sign_in()

    told = await house.get("/pools")

    assert (told.status, told.text) == (200, "[]")


async def test_an_empty_list_that_is_doubted_is_not_told() -> None:
    house = await empty_house()
    await furnish(house, sites=[], probes=[])
    doubt = "the cloud lists no pool at all"
    await house.store.note_incident(Incident("ondilo-1", "discovery", "unreadable", doubt, "Nobody.", NOW, NOW))
    await house.sign_in()

    assert (await house.get("/pools")).status == 503
    await house.store.end_incident("ondilo-1", "discovery", None, NOW)
    assert (await house.get("/pools")).text == "[]"


async def test_a_new_account_that_was_not_collected_yet_hides_no_known_pool() -> None:
    house = await documented_house()
    await house.store.put_account(account(name="ondilo-9"))

    assert (await house.get("/pools")).status == 200


async def test_a_pool_that_vanished_from_its_cloud_is_not_told_any_more() -> None:
    house = await documented_house()
    await furnish(house, sites=[replace(SITE, id="ondilo:5", key="5")], probes=[])

    assert [pool["id"] for pool in (await house.get("/pools")).json()] == [5]
    assert (await house.get("/pools/234/lastmeasures")).status == 404


async def test_a_pool_changes_with_every_measure(house: House) -> None:
    at = NOW + timedelta(minutes=30)
    house.at(at)
    await house.store.add([point("ph", 7.2, at)], at)

    (pool,) = (await house.get("/pools")).json()

    assert datetime.fromisoformat(pool["updated_at"]) == at  # as Home Assistant reads it
    assert pool["updated_at"] == "2020-03-23T17:00:00+0000"


async def test_a_pool_changes_when_its_owner_changes_it(house: House) -> None:
    await furnish(house, sites=[replace(SITE, name="Renamed", updated_at=NOW)])

    (pool,) = (await house.get("/pools")).json()

    assert (pool["name"], pool["updated_at"]) == ("Renamed", "2020-03-23T16:30:00+0000")


async def test_a_pool_without_an_ico_has_no_device() -> None:
    house = await empty_house()
    await furnish(house, probes=[replace(PROBE, serial="", hardware="", firmware="")])
    await house.sign_in()

    told = await house.get("/pools/234/device")

    assert (told.status, told.text) == (200, answer("ondilo", "a pool without an ICO").text)


async def test_a_device_that_was_not_collected_yet_is_not_told_to_be_absent() -> None:
    house = await empty_house()
    await furnish(house, probes=[replace(PROBE, serial="", hardware="", firmware="")])
    await house.store.add([point("ph", 7.2)], NOW)
    await house.sign_in()

    refused = await house.get("/pools/234/device")

    assert refused.status == 503
    assert int(refused.headers["retry-after"]) > 0


async def test_another_vendors_probe_without_any_number_has_no_device() -> None:
    house = await empty_house()
    probe = Probe("flipr:AB12CD/flipr", FLIPR.id, "flipr", "AB12CD")
    await furnish(house, sites=[FLIPR], probes=[probe], owner=account(vendor="flipr"))
    await house.store.add([point("ph", 7.2, probe=probe.id, origin="flipr/survey")], NOW)
    await house.sign_in()
    (pool,) = (await house.get("/pools")).json()

    assert (await house.get(f"/pools/{pool['id']}/device")).json() is None


async def test_a_device_that_was_taken_out_of_the_water_is_absent(house: House) -> None:
    await furnish(house, probes=[replace(PROBE, serial="", hardware="", firmware="")])

    assert (await house.get("/pools/234/device")).text == answer("ondilo", "a pool without an ICO").text


async def test_limits_are_whole_numbers_and_may_be_missing() -> None:
    house = await empty_house()
    await furnish(house, sites=[replace(SITE, bands={"temperature": Band(10.0, 27.6), "ph": Band(7.25, None)})])
    await house.sign_in()

    told = (await house.get("/pools/234/configuration")).json()

    assert list(told) == list(exchange("ondilo", "configuration").response.json)
    assert (told["ph_low"], told["ph_high"], told["orp_low"]) == (7.25, None, None)
    for name in facts("ondilo", "lists")["whole_limits"]:
        assert type(told[f"{name}_low"]) in {int, type(None)}
    assert (told["temperature_low"], told["temperature_high"]) == (10, 28)


async def test_the_units_are_the_owners_with_one_for_tds(house: House) -> None:
    told = (await house.get("/user/units")).json()

    documented = exchange("ondilo", "user-units").response.json
    assert told == documented | {"tds": told["tds"]}
    assert isinstance(told["tds"], str)


async def test_a_user_without_an_ondilo_account_is_who_the_hub_knows() -> None:
    house = await empty_house()
    await furnish(house, sites=[FLIPR], probes=[], owner=account(vendor="flipr"), person=Person())
    await house.sign_in()

    assert (await house.get("/user/info")).json() == {"lastname": "User", "firstname": "Hub", "email": LOGIN}
    assert (await house.get("/user/units")).json().keys() >= exchange("ondilo", "user-units").response.json.keys()


@pytest.mark.parametrize("site", [TANK, FLIPR, NUMBERED], ids=lambda site: site.vendor + site.kind)
async def test_a_site_of_any_vendor_is_a_pool_with_every_documented_key(site: Site) -> None:
    house = await empty_house()
    probe = Probe(f"{site.id}/p", site.id, site.vendor, "p", serial="S1")
    await furnish(house, sites=[site], probes=[probe], owner=account(vendor=site.vendor), person=Person())
    await house.store.add(
        [point("temperature", 21.5, NOW, probe=probe.id, origin=f"{site.vendor}/x"),
         point("conductivity", 512, NOW, probe=probe.id), point(f"{site.vendor}.free", 1, NOW, probe=probe.id)],
        NOW,
    )  # fmt: skip
    await house.sign_in()

    (pool,) = (await house.get("/pools")).json()

    documented = exchange("ondilo", "pools").response.json[0]
    assert pool.keys() == documented.keys()
    for part in ("disinfection", "address"):
        assert pool[part].keys() == documented[part].keys()
    assert type(pool["id"]) is int
    assert pool["type"] in facts("ondilo", "lists")["pool_types"]
    assert pool["updated_at"] == "2020-03-23T16:30:00+0000"
    for what in OF_A_POOL:
        assert (await house.get(f"/pools/{pool['id']}/" + what.replace("ph&", "temperature&"))).status == 200
    assert (await house.get(f"/pools/{pool['id']}/device")).json()["serial_number"] == "S1"
    assert (await house.get(f"/pools/{pool['id']}/lastmeasures", "types=temperature")).json()[0]["value"] == 21.5


async def test_ondilos_own_number_stays_the_pools_id_and_others_get_theirs() -> None:
    house = await empty_house()
    await furnish(house, sites=[NUMBERED], probes=[], owner=account(name="a-flipr", vendor="flipr"), person=Person())
    await house.sign_in()
    first = (await house.get("/pools")).json()
    await furnish(house)

    pools = {pool["name"]: pool["id"] for pool in (await house.get("/pools")).json()}

    assert pools["John's Pool"] == 234
    assert pools["Not Ondilo's 234"] == first[0]["id"] != 234


async def test_measures_of_all_probes_of_a_site_are_its_own() -> None:
    house = await empty_house()
    other = replace(PROBE, id="ondilo:234/second", key="second", serial="", hardware="", firmware="")
    await furnish(house, probes=[PROBE, other])
    await house.store.add(
        [
            point("ph", 7.0, NOW - 2 * HOUR),
            point("ph", 7.1, NOW - HOUR, probe=other.id),
            point("ph", 7.2, NOW - 3 * HOUR),
        ],
        NOW,
    )
    await house.sign_in()

    past = (await house.get("/pools/234/measures", "type=ph&period=day")).json()
    (last,) = (await house.get("/pools/234/lastmeasures", "types[]=ph")).json()

    assert [entry["value"] for entry in past] == [7.2, 7, 7.1]
    assert last["value"] == 7.1


async def test_a_share_may_lack_its_date() -> None:
    house = await empty_house()
    await furnish(house, sites=[replace(SITE, shares=(Share("Jane", "", "j@doe.org", None),))])
    await house.sign_in()

    assert (await house.get("/pools/234/shares")).json() == [
        {"lastname": "", "firstname": "Jane", "email": "j@doe.org", "shared_since": None}
    ]


async def test_paths_are_exact(house: House) -> None:
    for path in ("/pools/", "//pools", "/Pools", "/pools/234", "/pools/234/", "/pools/234/device/", "/user", "/user/INFO",
                 "", "/", "/pools/234/recommendations/", "/pools/2/3/device", "/pools//device"):  # fmt: skip
        refused = await house.get(path)
        assert refused.status == 404, path
        assert refused.headers["content-type"] == "application/json"
        assert refused.json()["error"]["message"]


async def test_what_may_be_done_is_told_without_a_token(house: House) -> None:
    told = await call(house.app, "OPTIONS", API + "/pools")

    assert (told.status, told.headers["allow"], told.body) == (204, "GET, HEAD, OPTIONS", b"")


async def test_text_is_utf_8(house: House) -> None:
    await furnish(house, sites=[replace(SITE, name="Piscine d’Été 🏊")])

    assert "Piscine d’Été 🏊".encode() in (await house.get("/pools")).body


async def test_a_change_from_far_ahead_of_the_clock_does_not_keep_home_assistant_away(house: House) -> None:
    await furnish(house, sites=[replace(SITE, updated_at=datetime(2026, 1, 1, tzinfo=UTC))])

    assert (await house.get("/pools")).json()[0]["updated_at"] == "2020-03-23T16:08:51+0000"


async def test_a_cloud_whose_clock_is_a_little_fast_is_believed(house: House) -> None:
    await furnish(house, sites=[replace(SITE, updated_at=NOW + timedelta(minutes=10))])

    assert (await house.get("/pools")).json()[0]["updated_at"] == "2020-03-23T16:40:00+0000"


async def test_ondilos_own_pools_come_first_since_some_clients_look_at_the_first_one_only() -> None:
    house = await empty_house()
    await furnish(house, sites=[TANK, FLIPR, SITE], probes=[PROBE])
    await house.sign_in()
    pools = (await house.get("/pools")).json()
    assert [pool["name"] for pool in pools] == [SITE.name, TANK.name, FLIPR.name]
