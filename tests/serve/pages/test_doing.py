"""What people do at a site, by HTTP: measuring by hand, interventions, acts on the water; and the log of all of it."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from margelle.domain.event import Event
from margelle.domain.measurement import Doubt, Measurement
from margelle.domain.quantity import CATALOGUE
from margelle.domain.site import Account, Person, Probe
from margelle.errors import Unreachable
from margelle.ports import AuditEntry, Discovery
from margelle.serve.pages.moment import local_minute, minute_of
from tests.asgi import Response
from tests.serve.pages.test_people import linked, look, send
from tests.serve.town import (
    NOW,
    OPERATOR,
    OWNER,
    PLANT,
    POOL,
    PROBES,
    PUMP,
    SPA,
    STRANGER,
    TECHNICIAN,
    VIEWER,
    Town,
    town,
)

MEASURE, DONE, EVENTS = (f"/sites/{POOL.id}/{page}" for page in ("measure", "done", "events"))
HAND = f"{POOL.id}/hand"
AT = "2026-07-14T14:30"
"""NOW on the clock of the pool."""


async def hand(here: Town, quantity: str = "ph") -> list[Measurement]:
    """What was measured by hand."""
    return await here.store.history(HAND, quantity)


# --- measured by hand -------------------------------------------------------------------------------------------------


async def test_a_strip_is_kept_beside_the_clouds_series_and_does_not_touch_it() -> None:
    here = await town()
    before = await here.store.history(PROBES[POOL.id].id, "ph")
    form = {"means": "strip", "at": AT, "value.ph": "7,2", "value.free_chlorine": "1.5", "value.total_alkalinity": ""}
    kept = await send(here, MEASURE, TECHNICIAN, **form)
    assert kept.headers["location"] == f"/sites/{POOL.id}?said=hand.kept"
    (ph,) = await hand(here)
    assert (ph.value, ph.raw, ph.at, ph.origin, ph.doubts) == (7.2, "7.2", NOW, "own/strip", ())
    assert [point.value for point in await hand(here, "free_chlorine")] == [1.5]
    assert await hand(here, "total_alkalinity") == []
    assert await here.store.history(PROBES[POOL.id].id, "ph") == before
    (entry,) = await here.store.audit(act="measure")
    assert (entry.user, entry.site, entry.subject) == (TECHNICIAN, POOL.id, HAND)
    assert "ph=7.2 [pH], free_chlorine=1.5 mg/L at 2026-07-14T12:30Z by strip" in entry.outcome


async def test_the_same_form_sent_twice_is_kept_once_and_another_value_for_that_minute_is_a_correction() -> None:
    here = await town()
    for _ in range(2):
        await send(here, MEASURE, OWNER, at=AT, **{"value.ph": "7.2"})
    assert len(await hand(here)) == 1
    await send(here, MEASURE, OWNER, at=AT, **{"value.ph": "7.4"})
    assert [point.value for point in await hand(here)] == [7.4]
    assert [one.measurement.value for one in await here.store.revisions(HAND, "ph", NOW)] == [7.2]


def sure_of(page: str) -> str:
    """What the button that keeps unusual values all the same is about."""
    return found[1] if (found := re.search(r'name="sure" value="(.*?)"', page)) else ""


async def test_what_is_implausible_is_kept_with_a_doubt_once_it_was_said_to_be_right() -> None:
    here = await town()
    form = {"at": AT, "value.free_chlorine": "50", "value.ph": "7.2"}
    asked = await send(here, MEASURE, OWNER, **form)
    assert (asked.status, sure_of(asked.text)) == (400, "free_chlorine=50 mg/L")
    text = asked.text.replace("\u00a0", " ")
    assert "Nothing is kept yet" in text
    assert "Not plausible: beyond 0 to 20" in text
    assert await hand(here, "free_chlorine") == await hand(here) == []
    other = await send(here, MEASURE, OWNER, sure="free_chlorine=5 mg/L", **form)
    assert other.status == 400, "it was another number that is right"
    kept = await send(here, MEASURE, OWNER, sure=sure_of(asked.text), **form)
    assert kept.headers["location"] == f"{MEASURE}?said=hand.doubted"
    (point,) = await hand(here, "free_chlorine")
    assert [doubt.kind for doubt in point.doubts] == ["range"]
    assert "not plausible: beyond 0 to 20" in (await look(here, MEASURE, OWNER)).text.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "The same number was doubted on Tue 14 July 14:30. Only a second measurement confirms it."),
        ("fr", "Le même nombre a été mis en doute le mar. 14 juillet 14:30. Seule une seconde mesure le confirme."),
    ],
)
async def test_a_slip_that_is_written_down_again_confirms_nothing_until_somebody_says_so(
    language: str, said: str
) -> None:
    here = await town()
    await send(here, MEASURE, OWNER, at="2026-07-14T12:30", **{"value.ph": "7.4"})
    typed = {"at": AT, "value.ph": "8.9"}
    asked = await send(here, MEASURE, OWNER, **typed)
    await send(here, MEASURE, OWNER, sure=sure_of(asked.text), **typed)
    here.now[0] += timedelta(minutes=3)
    typed["at"] = "2026-07-14T14:33"
    again = await send(here, f"{MEASURE}?lang={language}", OWNER, **typed)
    assert again.status == 400
    assert said in re.sub("[\u00a0\u202f]", " ", again.text)
    assert [point.valid for point in await hand(here)] == [True, False]
    kept = await send(here, MEASURE, OWNER, sure=sure_of(again.text), **typed)
    assert kept.status == 303
    assert [point.valid for point in await hand(here)] == [True, True, True]


async def test_another_number_or_a_later_one_is_a_measurement_that_needs_no_word() -> None:
    here = await town()
    await send(here, MEASURE, OWNER, at="2026-07-14T10:30", **{"value.ph": "7.4"})
    first = {"at": "2026-07-14T12:30", "value.ph": "8.9"}
    await send(here, MEASURE, OWNER, sure="ph=8.9 [pH]", **first)
    assert [point.valid for point in await hand(here)] == [True, False]
    assert (await send(here, MEASURE, OWNER, at=AT, **{"value.ph": "8.9"})).status == 303
    assert [point.valid for point in await hand(here)] == [True, True, True]


@pytest.mark.parametrize(("language", "mine"), [("en", "by hand"), ("fr", "à la main")])
async def test_what_is_by_hand_and_what_the_cloud_tells_are_called_by_names_and_not_by_numbers(
    language: str, mine: str
) -> None:
    here = await town()
    await send(here, MEASURE, OWNER, at="2026-07-14T14:20", **{"value.ph": "7.2"})
    for path in (f"/sites/{POOL.id}", f"/sites/{POOL.id}/table", f"/sites/{POOL.id}/print"):
        page = (await look(here, f"{path}?lang={language}", OWNER)).text
        assert f"pH · {mine}" in page, path
        assert "pH · Ondilo ICO" in page, path
        assert f"· {PROBES[POOL.id].key}" not in page, path


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({}, "at least one value"),
        ({"value.ph": "   "}, "at least one value"),
        ({"value.ph": "seven", "value.temperature": "25"}, "is no number"),
        ({"value.ph": "1e999"}, "is no number"),
        ({"value.ph": "7", "unit.ph": "bananas"}, "is no number"),
        ({"value.ph": "7", "at": "2027-01-01T00:00"}, "no time between"),
        ({"value.ph": "7", "at": "1999-01-01T00:00"}, "no time between"),
        ({"value.ph": "7", "at": "yesterday"}, "no time between"),
        ({"value.ph": "7", "at": "2026-03-29T02:30"}, "no time between"),
    ],
)
async def test_what_cannot_be_kept_keeps_nothing_and_stays_in_the_form(form: dict[str, str], said: str) -> None:
    here = await town()
    before = await here.store.count()
    answer = await send(here, MEASURE, OWNER, **form)
    assert answer.status == 400
    assert said in answer.text
    for name, text in form.items():
        if name.startswith("value.") and text.strip():
            assert f'name="{name}" inputmode="decimal" autocomplete="off" maxlength="20" value="{text}"' in answer.text
    assert await here.store.count() == before
    assert HAND not in {probe.id for probe in await here.store.probes()}


async def test_the_unit_that_a_user_prefers_is_the_one_they_write() -> None:
    here = await town()
    owner = await here.store.user(OWNER)
    assert owner is not None
    await here.store.put_user(replace(owner, units={"temperature": "[degF]"}))
    page = (await look(here, MEASURE, OWNER)).text
    assert '<input type="hidden" name="unit.temperature" value="[degF]">' in page
    await send(here, MEASURE, OWNER, at=AT, **{"value.temperature": "77", "unit.temperature": "[degF]"})
    (point,) = await hand(here, "temperature")
    assert (point.value, point.raw, point.raw_unit) == (25.0, "77", "[degF]")


def badges(page: str) -> list[tuple[str, str]]:
    """What stands beside values: how grave it is, and what it says."""
    found = re.findall(r'<span class="badge (\w+)">.*?<span>(.*?)</span>', page, re.DOTALL)
    return [(state, re.sub("[\u00a0\u202f]", " ", text)) for state, text in found]


@pytest.mark.parametrize(
    ("language", "said", "badge"),
    [
        ("en", "A value is beyond what is tolerable here: see below.", "Too high: above 7.8"),
        ("fr", "Une valeur dépasse ce qui est tolérable ici : voyez ci-dessous.", "Trop haut : au-dessus de 7,8"),
    ],
)
async def test_a_value_that_is_not_tolerable_is_kept_and_said(language: str, said: str, badge: str) -> None:
    here = await town()
    kept = await send(here, MEASURE, OWNER, at=AT, **{"value.ph": "9.8", "value.temperature": "27"})
    assert kept.headers["location"] == f"{MEASURE}?said=hand.far"
    (point,) = await hand(here)
    assert point.valid
    page = (await look(here, f"{MEASURE}?said=hand.far&lang={language}", OWNER)).text
    assert said in re.sub("[\u00a0\u202f]", " ", page)
    assert 'class="notice watch" role="status"' in page
    assert badges(page) == [("act", badge)]


async def test_a_value_that_is_only_not_ideal_leads_on_and_is_marked_below_the_form() -> None:
    here = await town()
    kept = await send(here, MEASURE, OWNER, at=AT, **{"value.ph": "7.7"})
    assert kept.headers["location"] == f"/sites/{POOL.id}?said=hand.kept"
    assert badges((await look(here, MEASURE, OWNER)).text) == [("watch", "Above 7.6")]


async def test_what_was_intolerable_before_newer_readings_is_said_and_shown_too() -> None:
    here = await town()
    for minute in range(6):
        await send(here, MEASURE, OWNER, at=f"2026-07-14T14:0{minute}", **{"value.ph": "7.4"})
    kept = await send(here, MEASURE, OWNER, at="2026-07-12T14:30", **{"value.ph": "8.5"})
    where = kept.headers["location"]
    assert where == f"{MEASURE}?reading=2026-07-12T12%3A30%3A00%2B00%3A00&said=hand.far"
    assert badges((await look(here, where, OWNER)).text) == [("act", "Too high: above 7.8")]


async def test_a_doubted_value_that_would_not_be_tolerable_is_said_to_be_both() -> None:
    here = await town()
    await send(here, MEASURE, OWNER, at="2026-07-14T14:00", **{"value.ph": "7.4"})
    asked = await send(here, MEASURE, OWNER, at="2026-07-14T14:05", **{"value.ph": "9.1"})
    kept = await send(here, MEASURE, OWNER, at="2026-07-14T14:05", sure=sure_of(asked.text), **{"value.ph": "9.1"})
    assert kept.headers["location"] == f"{MEASURE}?said=hand.doubted_far"
    ((state, said),) = badges((await look(here, MEASURE, OWNER)).text)
    assert (state, said.partition(" · ")[2]) == ("act", "Too high: above 7.8")
    again = await send(here, MEASURE, OWNER, at="2026-07-14T14:10", **{"value.ph": "7.4"})
    assert again.headers["location"] == f"/sites/{POOL.id}?said=hand.kept"
    assert [point.valid for point in await hand(here)] == [True, False, True]


@pytest.mark.parametrize("typed", ["3 200", "3\u202f200", "3\u00a0200", "3\u2009200", "3200,0"])
async def test_thousands_are_read_as_pages_write_them(typed: str) -> None:
    here = await town()
    kept = await send(here, MEASURE, OWNER, at=AT, **{"value.salt": typed})
    assert kept.status == 303
    assert [point.value for point in await hand(here, "salt")] == [3200]


@pytest.mark.parametrize(
    ("language", "typed", "said"),
    [
        ("en", "3.200", "Read as 3.200 mg/L. Unusual here: check the number and its unit."),
        ("fr", "3,200", "Lu comme 3,200 mg/L. Inhabituel ici : vérifiez le nombre et l’unité."),
        ("en", "3.2", "Read as 3.2 mg/L. Unusual here: check the number and its unit."),
    ],
)
async def test_a_slip_by_a_thousand_is_asked_for_once_more(language: str, typed: str, said: str) -> None:
    here = await town()
    await send(here, MEASURE, OWNER, at="2026-07-13T14:30", **{"value.salt": "3200"})
    asked = await send(here, f"{MEASURE}?lang={language}", OWNER, at=AT, **{"value.salt": typed})
    assert asked.status == 400
    assert said in re.sub("[\u00a0\u202f]", " ", asked.text)
    assert len(await hand(here, "salt")) == 1
    assert (await send(here, MEASURE, OWNER, at=AT, sure=sure_of(asked.text), **{"value.salt": typed})).status == 303
    assert len(await hand(here, "salt")) == 2


async def test_nothing_is_said_to_stand_beside_a_probe_where_there_is_none() -> None:
    here = await town()
    pond = replace(POOL, id="own:pond", vendor="own", key="pond")
    await here.store.put_account(Account("own", "own", OWNER, ""))
    await here.store.put_discovery(
        "own", Discovery(Person(), (pond,), (Probe("own:pond/probe", pond.id, "own", "probe"),)), NOW
    )
    kept = await send(here, f"/sites/{pond.id}/measure", OWNER, at=AT, **{"value.ph": "7.2"})
    assert kept.headers["location"] == f"/sites/{pond.id}?said=hand.kept_alone"


async def test_a_correction_replaces_the_reading_at_its_very_instant() -> None:
    here = await town()
    at = NOW - timedelta(seconds=1000)
    here_by = Measurement(HAND, "ph", at, 7.3, "7.3", CATALOGUE["ph"].unit, "own/lab")
    await here.store.put_probe(Probe(HAND, POOL.id, "own", "hand"), NOW)
    await here.store.add([here_by], NOW)
    page = (await look(here, MEASURE, OWNER)).text
    (address,) = re.findall(r'href="([^"]*correct=[^"]*)"', page)
    form = (await look(here, address, OWNER)).text
    fields = dict(re.findall(r'name="(correct|at|value\.ph)"[^>]*? value="([^"]*)"', form))
    assert fields["value.ph"] == "7.3"
    assert re.search(r'value="lab" checked', form)
    assert (await send(here, MEASURE, OWNER, **fields | {"value.ph": "7.4", "means": "lab"})).status == 303
    assert [(point.at, point.value) for point in await hand(here)] == [(at, 7.4)]


async def test_what_a_correction_leaves_as_it_was_is_not_asked_for_again() -> None:
    here = await town()
    form = {"at": AT, "value.free_chlorine": "50", "value.ph": "7.2"}
    await send(here, MEASURE, OWNER, sure="free_chlorine=50 mg/L", **form)
    correct = NOW.isoformat()
    again = form | {"value.ph": "7.4", "correct": correct}
    assert (await send(here, MEASURE, OWNER, **again)).status == 303
    assert (await send(here, MEASURE, OWNER, **again | {"value.free_chlorine": "60"})).status == 400
    await send(here, f"{MEASURE}/remove", OWNER, **{"reading": correct, "take.free_chlorine": "1"})
    assert (await send(here, MEASURE, OWNER, **again)).status == 400, "it was taken back"


async def test_a_reading_by_hand_is_taken_back_with_a_trace_and_counts_when_it_is_noted_again() -> None:
    here = await town()
    typed = {"at": AT, "value.ph": "9.8", "value.temperature": "27"}
    await send(here, MEASURE, TECHNICIAN, **typed)
    (address,) = re.findall(r'href="([^"]*remove[^"]*)"', (await look(here, MEASURE, OWNER)).text)
    asked = (await look(here, address, OWNER)).text
    assert "Take back the reading of" in asked
    assert re.findall(r'name="(take\.\w+)"', asked) == ["take.ph", "take.temperature"]
    chosen = {"reading": NOW.isoformat(), "take.ph": "1"}
    assert (await send(here, f"{MEASURE}/remove", VIEWER, **chosen)).status == 403
    gone = await send(here, f"{MEASURE}/remove", OWNER, **chosen)
    assert gone.headers["location"] == f"{MEASURE}?said=hand.removed"
    (ph,) = await hand(here)
    assert (ph.value, [doubt.kind for doubt in ph.doubts]) == (9.8, ["withdrawn"])
    assert [point.valid for point in await hand(here, "temperature")] == [True]
    assert [one.measurement.valid for one in await here.store.revisions(HAND, "ph", NOW)] == [True]
    assert "ph=9.8 [pH] at 2026-07-14T12:30:00Z: taken back" in {
        entry.outcome for entry in await here.store.audit(act="measure")
    }
    page = (await look(here, MEASURE, OWNER)).text
    assert "<s>pH" in page
    assert badges(page) == [("watch", "taken back")]
    await send(here, MEASURE, OWNER, **typed)
    assert [point.valid for point in await hand(here)] == [True]


@pytest.mark.parametrize(
    ("language", "guarantee"), [("en", "Without guarantee."), ("fr", "Sans garantie.")], ids=["en", "fr"]
)
async def test_bathers_see_that_chlorine_by_hand_is_too_much_and_that_not_all_is_automatic(
    language: str, guarantee: str
) -> None:
    here = await town()
    board = await linked(here)
    automatic = (await look(here, f"{board}?lang={language}")).text
    assert guarantee not in automatic
    kept = await send(here, MEASURE, OWNER, at=AT, **{"value.free_chlorine": "9"})
    assert kept.headers["location"] == f"{MEASURE}?said=hand.far"
    page = (await look(here, f"{board}?lang={language}")).text
    assert guarantee in page
    assert re.search(r'<li class="act">\s*<h2>(Free chlorine|Chlore libre)</h2>', page)
    await send(here, f"{MEASURE}/remove", OWNER, reading=NOW.isoformat(), **{"take.free_chlorine": "1"})
    assert "Free chlorine</h2>" not in (await look(here, f"{board}?lang=en")).text


async def test_a_reading_by_hand_that_is_ahead_of_the_clock_can_be_taken_back() -> None:
    here = await town()
    ahead = NOW + timedelta(days=400)
    await here.store.put_probe(Probe(HAND, POOL.id, "own", "hand"), NOW)
    point = Measurement(HAND, "ph", ahead, 7.3, "7.3", CATALOGUE["ph"].unit, "own/hand", (Doubt("future", "ahead"),))
    await here.store.add([point], NOW)
    await send(here, f"{MEASURE}/remove", OWNER, reading=ahead.isoformat(), **{"take.ph": "1"})
    assert "withdrawn" in {doubt.kind for (point,) in [await hand(here)] for doubt in point.doubts}


async def test_what_a_cloud_or_a_program_told_cannot_be_taken_back() -> None:
    here = await town()
    (told, *_) = await here.store.history(PROBES[POOL.id].id, "ph")
    for reading in (told.at.isoformat(), "yesterday", ""):
        refused = await send(here, f"{MEASURE}/remove", OWNER, reading=reading, **{"take.ph": "1"})
        assert refused.status == 404


async def test_the_form_offers_what_was_measured_the_last_time_and_by_what() -> None:
    here = await town()
    first = (await look(here, MEASURE, OWNER)).text.partition('<details class="fold"')[0]
    assert 'name="value.free_chlorine"' in first
    assert " checked" not in first, "with what is optional, and a radio button cannot be taken back"
    await send(here, MEASURE, OWNER, at=AT, means="lab", **{"value.cyanuric_acid": "40", "value.iron": "0.1"})
    page = (await look(here, MEASURE, OWNER)).text
    first, _, more = page.partition('<details class="fold"')
    assert ('name="value.iron"' in first, 'name="value.ph"' in first, 'name="value.ph"' in more) == (True, False, True)
    assert re.search(r'value="lab" checked', page)


async def test_a_hand_reading_does_not_make_the_collector_ask_the_cloud_for_it() -> None:
    from margelle.collect.gather import Gather
    from margelle.collect.progress import Progress

    here = await town()
    await send(here, MEASURE, OWNER, at=AT, **{"value.ph": "7.2"})
    account = await here.store.account("ondilo")
    known = Progress()
    known.discovery.ok_at = NOW
    nothing: Any = None
    assert account is not None
    await Gather(account, here.cloud, nothing, known, store=here.store, clock=here.clock, catalogue=CATALOGUE).resume()
    assert set(known.probes) == {PROBES[POOL.id].id}


# --- interventions ----------------------------------------------------------------------------------------------------


async def test_what_was_done_is_noted_and_taken_back_with_a_trace() -> None:
    here = await town()
    form = {
        "id": "a" * 20,
        "kind": "dose",
        "product": "ph_minus",
        "amount": "0,3",
        "unit": "kg",
        "at": AT,
        "note": "<b>slowly</b>",
    }
    for _ in range(2):
        assert (await send(here, DONE, TECHNICIAN, **form)).headers["location"] == f"/sites/{POOL.id}?said=done.kept"
    (event,) = await here.store.events(POOL.id)
    assert (event.kind, event.product, event.amount, event.unit, event.at, event.by) == (
        "dose", "ph_minus", 0.3, "kg", NOW, TECHNICIAN,
    )  # fmt: skip
    page = (await look(here, EVENTS, VIEWER)).text
    assert "&lt;b&gt;slowly&lt;/b&gt;" in page
    assert "events/remove" not in page, "a viewer has no such button"
    assert (await send(here, f"{EVENTS}/remove", OWNER, id=event.id)).status == 303
    assert (await send(here, f"{EVENTS}/remove", TECHNICIAN, id=event.id)).status == 303, "once more changes nothing"
    assert await here.store.events(POOL.id) == []
    (gone,) = await here.store.events(POOL.id, removed=True)
    assert (gone.removed_at, gone.removed_by) == (NOW, OWNER)
    assert [one.outcome.rpartition(": ")[2] for one in await here.store.audit(act="event")] == ["taken back", "noted"]
    assert "taken back by" in (await look(here, f"{EVENTS}?gone=1", VIEWER)).text


async def test_what_was_done_before_is_done_again_with_one_tap() -> None:
    here = await town()
    await send(here, DONE, OWNER, kind="refill", amount="2.5", unit="m3", at=AT)
    page = (await look(here, DONE, OWNER)).text
    presets = re.findall(r'name="preset" value="([^"]+)">([^<]+)<', page)
    assert presets[0] == ("refill||2.5|m3", "Water added, 2.5\u00a0m³")
    here.now[0] += timedelta(hours=1)
    await send(here, DONE, OWNER, id="b" * 20, preset="refill||2.5|m3")
    await send(here, DONE, OWNER, id="b" * 20, preset="backwash|||")
    found = await here.store.events(POOL.id)
    assert sorted(one.kind for one in found) == ["backwash", "refill", "refill"], "two taps on one page are two acts"


@pytest.mark.parametrize(
    "form",
    [
        {"kind": "magic"},
        {"kind": "dose", "product": "gold"},
        {"kind": "dose", "product": "salt", "amount": "-1", "unit": "kg"},
        {"kind": "dose", "product": "salt", "amount": "many", "unit": "kg"},
        {"kind": "dose", "product": "salt", "amount": "1e300", "unit": "kg"},
        {"kind": "note", "note": "x" * 1001},
        {"kind": "note", "at": "2027-07-14T14:30"},
        {"preset": "dose|gold|1|g"},
        {"preset": "a|b|c"},
    ],
)
async def test_what_cannot_have_been_done_is_not_noted(form: dict[str, str]) -> None:
    here = await town()
    assert (await send(here, DONE, OWNER, **form)).status == 400
    assert await here.store.events(POOL.id) == []


async def test_an_id_that_somebody_else_has_used_overwrites_nothing() -> None:
    here = await town()
    await send(here, DONE, OWNER, id="c" * 20, kind="backwash", at=AT)
    await send(here, f"/sites/{SPA.id}/done", TECHNICIAN, id="c" * 20, kind="note", note="mine")
    (event,) = await here.store.events(POOL.id)
    assert (event.id, event.kind) == ("c" * 20, "backwash")
    assert [one.note for one in await here.store.events(SPA.id)] == ["mine"]


async def test_an_event_of_another_site_is_not_taken_back_from_here() -> None:
    here = await town()
    await here.store.put_event(Event("e" * 20, SPA.id, "note", NOW, OWNER, NOW, note="spa"))
    assert (await send(here, f"{EVENTS}/remove", OWNER, id="e" * 20)).status == 404
    assert len(await here.store.events(SPA.id)) == 1


async def test_events_are_filtered_by_kind_and_by_days_of_the_site() -> None:
    here = await town()
    midnight = datetime(2026, 7, 13, 22, tzinfo=UTC)  # of the 14th, in Paris
    for n, (kind, at) in enumerate(
        (("backwash", midnight - timedelta(minutes=1)), ("backwash", midnight), ("note", NOW))
    ):
        await here.store.put_event(Event(f"e{n}", POOL.id, kind, at, OWNER, NOW))  # type: ignore[arg-type]

    async def count(query: str) -> int:
        text = (await look(here, f"{EVENTS}.csv?{query}", VIEWER)).text
        return len(text.splitlines()) - 1

    assert await count("") == 3
    assert await count("kind=backwash") == 2
    assert await count("since=2026-07-14") == 2
    assert await count("until=2026-07-13") == 1
    assert await count("kind=backwash&since=2026-07-14&until=2026-07-14") == 1
    assert await count("since=nonsense&until=9999-12-31&kind=magic&page=-1") == 3
    assert await count(f"page={'0' * 5000}1") == 3


async def test_a_table_of_events_is_sound_csv_and_no_formula() -> None:
    here = await town()
    await send(here, DONE, OWNER, kind="note", note='=HYPERLINK("http://evil.example";"x")\nsecond, line', at=AT)
    answer = await look(here, f"{EVENTS}.csv", VIEWER)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="events-town-pool.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.body.decode(), newline="")))
    assert rows[0]["note"].startswith("'=HYPERLINK")
    assert (rows[0]["at"], rows[0]["by"], rows[0]["removed_at"]) == ("2026-07-14T12:30:00Z", OWNER, "")


def test_a_minute_is_read_on_the_clock_of_the_site() -> None:
    from zoneinfo import ZoneInfo

    paris = ZoneInfo("Europe/Paris")
    assert local_minute(NOW, paris) == AT
    assert minute_of(AT, paris, NOW) == NOW
    assert minute_of("", paris, NOW.replace(second=40)) == NOW


# --- acts on the water ------------------------------------------------------------------------------------------------

ACTS: dict[str, tuple[str, dict[str, str], tuple[str, ...], str]] = {
    "recommendation": (POOL.id, {"act": "validate", "id": "ondilo:234/r7"}, ("validate", "7"), "Done: Add pH minus"),
    "switch": (SPA.id, {"act": "switch", "id": PUMP.id, "turn": "on"}, ("turn", "HB0001", "on"), "Pump: on"),
    "parameter": (
        PLANT.id,
        {"act": "write", "probe": "baxo:14587/device", "parameter": "SET", "value": "25"},
        ("write", "SET", "25"),
        "Set SET to 25",
    ),
}


async def act(here: Town, name: str, user: str, **more: str) -> Response:
    site, form, _, _ = ACTS[name]
    return await send(here, f"/sites/{site}/act", user, **form, **more)


@pytest.mark.parametrize("name", ACTS)
async def test_an_act_is_shown_first_then_confirmed_then_read_back_and_recorded(name: str) -> None:
    here = await town()
    site, _, told, words = ACTS[name]
    proposed = await act(here, name, TECHNICIAN)
    assert proposed.status == 200
    assert f"<h1>{words}</h1>" in proposed.text.replace("\u00a0", " ")
    assert "through the account" in proposed.text
    assert here.cloud.done == []
    assert await here.store.audit(sites=[site]) == []
    done = await act(here, name, TECHNICIAN, confirmed="1")
    assert done.headers["location"] == f"/sites/{site}/act?said=acted"
    assert here.cloud.done == [told]
    page = (await look(here, f"/sites/{site}/act", TECHNICIAN)).text
    entries = await here.store.audit(sites=[site])
    assert {one.user for one in entries} == {TECHNICIAN}
    if name != "recommendation":
        assert [one.act for one in entries] == ["read back", told[0].replace("turn", "switch")]
        assert entries[0].outcome.replace("'", "&#39;") in page


@pytest.mark.parametrize("name", ACTS)
async def test_a_viewer_cannot_even_propose_it(name: str) -> None:
    here = await town()
    for more in ({}, {"confirmed": "1"}):
        assert (await act(here, name, VIEWER, **more)).status == 403
        assert (await act(here, name, STRANGER, **more)).status == 404
    assert here.cloud.done == []


async def test_what_the_cloud_refuses_is_said_and_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    here = await town()

    async def fails(*_: Any) -> None:
        raise Unreachable("The cloud does not answer.")

    monkeypatch.setattr(here.cloud, "validate", fails)
    answer = await act(here, "recommendation", OWNER, confirmed="1")
    assert answer.status == 503
    assert "That was not done:" in answer.text
    assert "The cloud does not answer." in answer.text
    (entry,) = await here.store.audit(act="validate")
    assert "failed" in entry.outcome
    assert [one.status for one in await here.store.recommendations(POOL.id)] == ["waiting"]


@pytest.mark.parametrize(
    ("site", "form", "status"),
    [
        (POOL.id, {"act": "switch", "id": PUMP.id, "turn": "on"}, 404),
        (SPA.id, {"act": "switch", "id": PUMP.id, "turn": "explode"}, 400),
        (SPA.id, {"act": "validate", "id": "ondilo:234/r7"}, 404),
        (PLANT.id, {"act": "write", "probe": "baxo:14587/device", "parameter": "SET", "value": "many"}, 400),
        (PLANT.id, {"act": "write", "probe": "baxo:14587/device", "parameter": "NO", "value": "1"}, 404),
        (PLANT.id, {"act": "write", "probe": "ondilo:234/ico", "parameter": "SET", "value": "1"}, 404),
        (PLANT.id, {"act": "destroy"}, 404),
    ],
)
async def test_what_is_not_there_to_act_on_is_not_acted_on(site: str, form: dict[str, str], status: int) -> None:
    here = await town()
    assert (await send(here, f"/sites/{site}/act", OWNER, confirmed="1", **form)).status == status
    assert here.cloud.done == []


async def test_an_installation_may_let_nobody_switch_by_the_pages_either() -> None:
    here = await town(flipr={"switch_pumps": False})
    assert "Pump" not in (await look(here, f"/sites/{SPA.id}/act", OWNER)).text
    assert (await act(here, "switch", OWNER, confirmed="1")).status == 404
    assert here.cloud.done == []


# --- the audit log ----------------------------------------------------------------------------------------------------


async def test_owners_read_the_log_of_their_sites_operators_all_and_others_none() -> None:
    here = await town()
    entries = [
        AuditEntry(NOW, TECHNICIAN, "event", "e1", "noted", POOL.id),
        AuditEntry(NOW, STRANGER, "event", "e2", "elsewhere", "ondilo:999"),
        AuditEntry(NOW, OPERATOR, "invite", "x@town.example", "of the hub"),
    ]
    for entry in entries:
        await here.store.record(entry)

    async def read(user: str, query: str = "") -> set[str]:
        answer = await look(here, f"/audit.csv{query}", user)
        assert answer.status == 200
        page = (await look(here, f"/audit{query}", user)).text
        rows = list(csv.DictReader(io.StringIO(answer.text)))
        assert all(row["outcome"] in page for row in rows)
        return {row["outcome"] for row in rows} & {"noted", "elsewhere", "of the hub"}

    assert await read(OPERATOR) == {"noted", "elsewhere", "of the hub"}
    assert await read(OWNER) == {"noted"}
    assert await read(STRANGER) == {"elsewhere"}
    assert await read(OWNER, "?site=ondilo:999") == set()
    assert await read(OWNER, f"?user={OPERATOR}") == set()
    assert await read(OPERATOR, "?act=invite") == {"of the hub"}
    assert await read(OPERATOR, "?since=2026-07-15") == set()
    assert await read(OPERATOR, "?until=2026-07-14") == {"noted", "elsewhere", "of the hub"}
    for user in (VIEWER, TECHNICIAN):
        assert (await look(here, "/audit", user)).status == 403
        assert (await look(here, "/audit.csv", user)).status == 403


async def test_the_log_goes_on_over_pages_and_the_table_has_all_of_it() -> None:
    here = await town()
    for n in range(1205):
        await here.store.record(AuditEntry(NOW, OPERATOR, "profile", str(n), f"entry {n}."))
    page = (await look(here, "/audit", OPERATOR)).text
    assert "entry 1204." in page
    assert "entry 1104." not in page
    assert "entry 1104." in (await look(here, "/audit?page=2", OPERATOR)).text
    assert (await look(here, "/audit?page=99999999999999999999", OPERATOR)).status == 200
    rows = list(csv.DictReader(io.StringIO((await look(here, "/audit.csv?act=profile", OPERATOR)).text)))
    assert [row["subject"] for row in rows] == [str(n) for n in reversed(range(1205))]
