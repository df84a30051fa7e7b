"""Collecting hubs from Flipr and switching them there: the requests are those of other clients, and nothing is said to be done that is not."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import Raw
from msgspec.structs import replace

from margelle.domain.measurement import Doubt
from margelle.domain.site import Account
from margelle.domain.switch import Switch, Turn
from margelle.domain.unit import Unit
from margelle.errors import Conflict, Malformed, NotFound, Refused, Unavailable
from margelle.ports import Answer, SwitchSource
from margelle.vendors.flipr import wire
from margelle.vendors.flipr.client import FliprSource
from margelle.vendors.flipr.discovery import homes_of
from margelle.vendors.flipr.translate import standing_from
from tests.conftest import NOW
from tests.evidence import answer as evidence
from tests.evidence import facts
from tests.vendors.fakes import FakeHttp, FakeTokens, Script, answer
from tests.vendors.flipr.house import HUB
from tests.vendors.flipr.test_client import ACCOUNT, BASE, of, said, source, what, whole

REQUESTS = facts("flipr", "requests")
THEIRS = {(one["method"], one["path"]) for one in REQUESTS if one["client"] == "flipr-api 1.6.1"}
STATE = evidence("flipr", "a hub's state").json


def acting(**by_name: Script) -> tuple[FliprSource, FakeHttp]:
    """A source whose cloud obeys, but for `by_name`."""
    asked: dict[str, Any] = {"hub": said("a hub's state"), "hub_mode": said("a hub's state"), "hub_Manual": answer("")}
    return source(**(asked | by_name))


def sent(http: FakeHttp) -> list[tuple[str, str]]:
    assert all(one.form is None and one.query == () for one in http.requests)
    return [(one.method, one.url.removeprefix(BASE)) for one in http.requests]


def test_the_source_can_switch() -> None:
    it: SwitchSource = acting()[0]
    assert isinstance(it, SwitchSource)


# --- how a hub stands


async def test_a_hub_stands_as_the_cloud_says_at_the_instant_of_its_answer() -> None:
    it, http = acting()
    batch = await it.standing(HUB, NOW)
    assert [(one.probe, one.quantity, one.value, one.raw, one.at, one.origin) for one in batch.measurements] == [
        (HUB.id, "switch.state", 1.0, "1", NOW, "flipr/hub"),
        (HUB.id, "switch.mode", 0.0, "manual", NOW, "flipr/hub"),
    ]
    assert (batch.faults, {one.valid for one in batch.measurements}) == ((), {True})
    assert set(sent(http)) <= THEIRS


@pytest.mark.parametrize(
    ("change", "state", "mode"),
    [
        ({"stateEquipment": 0, "behavior": "auto"}, (0.0, "0", True), (1.0, "auto", True)),
        ({"behavior": "Planning", "planning": "12"}, (1.0, "1", True), (2.0, "Planning 12", True)),
        ({"behavior": "planning", "planning": 12}, (1.0, "1", True), (2.0, "planning 12", True)),
        ({"stateEquipment": True, "planning": None}, (1.0, "true", True), (0.0, "manual", True)),
        ({"stateEquipment": False}, (0.0, "false", True), (0.0, "manual", True)),
        ({"stateEquipment": 2}, (2.0, "2", False), (0.0, "manual", True)),
        ({"stateEquipment": "on"}, (None, '"on"', False), (0.0, "manual", True)),
        ({"stateEquipment": None}, None, (0.0, "manual", True)),
        ({"behavior": "boost"}, (1.0, "1", True), (None, "boost", False)),
        ({"behavior": ""}, (1.0, "1", True), None),
    ],
)  # fmt: skip
async def test_what_cannot_be_understood_is_kept_and_doubted(change: dict[str, Any], state: Any, mode: Any) -> None:
    batch = await acting(hub=of(STATE | change))[0].standing(HUB, NOW)
    told = {one.quantity: (one.value, one.raw, one.valid) for one in batch.measurements}
    assert told == {name: value for name, value in (("switch.state", state), ("switch.mode", mode)) if value}
    assert {one.raw_unit for one in batch.measurements} == {Unit.STATE}
    for one in batch.measurements:
        assert [(doubt.kind, one.raw in doubt.reason) for doubt in one.doubts] == [("unreadable", True)] * (
            not one.valid
        )


async def test_a_wrong_field_costs_only_itself() -> None:
    batch = await acting(hub=of(STATE | {"behavior": [1]}))[0].standing(HUB, NOW)
    assert [one.quantity for one in batch.measurements] == ["switch.state"]
    assert "hub.behavior" in what(batch)


@pytest.mark.parametrize(
    ("came", "error"),
    [
        (said("the state of what is no hub"), Conflict),
        (of(STATE | {"ErrorCode": "Offline", "ErrorMessage": "The hub is silent"}), Unavailable),
        (of({}), Malformed),
        (answer("<html>"), Malformed),
        (answer("", 404), NotFound),
        (answer("", 403), Refused),
        (answer("", 500), Unavailable),
    ],
)
async def test_any_other_answer_is_what_it_means(came: Answer, error: type[Exception]) -> None:
    with pytest.raises(error):
        await acting(hub=came)[0].standing(HUB, NOW)


def test_a_long_text_is_kept_in_part() -> None:
    said = wire.HubState(Raw(b'"' + b"y" * 5000 + b'"'), "x" * 5000)
    state, mode = standing_from(said, HUB, NOW, "flipr/hub")
    assert (len(state.raw), len(mode.raw)) == (2000, 2000)
    assert state.doubts == (Doubt("unreadable", '"' + "y" * 39 + " is neither on (1) nor off (0)"),)
    assert mode.doubts == (Doubt("unreadable", "x" * 40 + " is no mode that is known"),)


# --- switching


@pytest.mark.parametrize(
    ("wanted", "asked"),
    [
        ("auto", [("PUT", "/hub/HB0001/mode/auto")]),
        ("planning", [("PUT", "/hub/HB0001/mode/planning")]),
        ("manual", [("PUT", "/hub/HB0001/mode/manual")]),
        ("on", [("PUT", "/hub/HB0001/mode/manual"), ("POST", "/hub/HB0001/Manual/True")]),
        ("off", [("PUT", "/hub/HB0001/mode/manual"), ("POST", "/hub/HB0001/Manual/False")]),
    ],
)
async def test_a_hub_is_switched_as_other_clients_do(wanted: Turn, asked: list[tuple[str, str]]) -> None:
    it, http = acting()
    await it.turn(HUB, wanted)
    assert sent(http) == asked
    assert set(asked) <= THEIRS


@pytest.mark.parametrize(
    "came", [answer(""), answer("null"), answer('"OK"'), answer("", 204), answer("", 202), said("a hub's state")]
)
async def test_an_act_may_be_answered_in_many_ways(came: Answer) -> None:
    await acting(hub_mode=came, hub_Manual=came)[0].turn(HUB, "on")


@pytest.mark.parametrize(
    ("came", "error"),
    [
        (said("the state of what is no hub"), Conflict),
        (of(STATE | {"ErrorCode": "Offline"}), Unavailable),
        (answer("<html>maintenance</html>"), Malformed),
        (answer("{"), Malformed),
        (answer("", 404), NotFound),
        (answer("", 403), Refused),
        (answer("", 502), Unavailable),
    ],
)
async def test_a_refusal_is_raised_and_nothing_more_is_asked(came: Answer, error: type[Exception]) -> None:
    it, http = acting(hub_mode=came)
    with pytest.raises(error):
        await it.turn(HUB, "on")
    assert len(http.requests) == 1


async def test_a_refused_token_is_renewed_and_the_act_made_once_more() -> None:
    http = FakeHttp(
        token=of({"access_token": "new"}), hub_mode=[answer(status=401), said("a hub's state")], hub_Manual=answer()
    )
    await FliprSource(ACCOUNT, http, FakeTokens()).turn(HUB, "off")
    assert [one.name for one in http.requests] == ["hub/mode", "token", "hub/mode", "hub/Manual"]


async def test_a_serial_leads_nowhere_but_to_its_hub() -> None:
    it, http = acting()
    await it.turn(replace(HUB, key="../X?y#"), "auto")
    assert http.requests[0].url == f"{BASE}/hub/..%2FX%3Fy%23/mode/auto"


# --- discovery


async def test_a_hub_stands_at_the_site_of_its_place() -> None:
    (site,) = (await whole()[0].discover(NOW)).sites
    assert site.switches == (HUB,)


async def test_a_hub_that_only_its_place_tells_of_is_found_too() -> None:
    (probe, _) = evidence("flipr", "two modules").json
    (site,) = (await whole(modules=of([probe]))[0].discover(NOW)).sites
    assert site.switches == (replace(HUB, firmware=""),)


@pytest.mark.parametrize("kind", [2, 3])
async def test_without_places_a_hub_is_at_the_first_probe(kind: int) -> None:
    probe, hub = evidence("flipr", "two modules").json
    modules = [probe | {"Serial": "ZZ0001"}, hub | {"Serial": "hb0001", "ModuleType_Id": kind}, probe]
    found = await whole(modules=of(modules), place=answer(status=404))[0].discover(NOW)
    assert {site.key: site.switches for site in found.sites} == {"ZZ0001": (), "AB256C": (HUB,)}


async def test_a_hub_alone_is_a_site_of_its_own() -> None:
    (_, hub) = evidence("flipr", "two modules").json
    found = await whole(modules=of([hub]))[0].discover(NOW)
    (site,) = found.sites
    assert (site.id, site.vendor, site.key, site.name, site.kind) == ("flipr:HB0001", "flipr", "HB0001", "Flipr HB0001", "pool")  # fmt: skip
    assert site.switches == (HUB,)
    assert (found.probes, found.complete) == ((), True)


async def test_hubs_stay_where_they_are_known_to_be_while_places_cannot_be_read() -> None:
    known = (await whole()[0].discover(NOW)).sites[0]
    moved = replace(known, switches=(Switch("flipr:HB0007/hub", "flipr", "HB0007"),))
    found = await whole(place=answer(status=502))[0].discover(NOW)
    assert found.over(found.person, [moved], []).sites[0].switches == moved.switches


async def test_another_realms_hub_is_another_one() -> None:
    account = Account("flipr-1", "flipr", "a", "a", "http://127.0.0.1:1/flipr", "demo")
    http = FakeHttp(modules=said("two modules"), place=answer(status=404), pool=of({}), survey_last=answer(""))
    (site,) = (await FliprSource(account, http, FakeTokens()).discover(NOW)).sites
    assert [one.id for one in site.switches] == ["flipr@demo:HB0001/hub"]


def place(modules: list[str], hubs: list[str | None]) -> wire.Place:
    return wire.Place(
        id=1, modules=[wire.PlaceModule(one) for one in modules], hubs=[wire.PlaceModule(one) for one in hubs]
    )


def test_each_hub_has_one_home() -> None:
    first, second = place(["A", "B"], ["h1", None]), place(["C"], ["H2"])
    places = {"A": first, "B": first, "C": second}
    assert homes_of(["H1", "H2", "H3"], ["C", "B", "A"], places) == {"H1": "A", "H2": "C", "H3": "A"}
    assert homes_of(["H1"], [], places) == {"H1": None}
    assert homes_of([], ["A"], {}) == {}
