from __future__ import annotations

import json
import re
from datetime import timedelta
from urllib.parse import unquote, urlencode

import pytest
from msgspec.structs import replace

from margelle.domain.access import Membership
from margelle.domain.event import Event
from margelle.domain.gap import Gap
from margelle.domain.measurement import Doubt
from margelle.domain.site import Recommendation, User
from margelle.ports import Display
from tests.asgi import call
from tests.conftest import NOW
from tests.serve.pages.conftest import HASH, PASSWORD, POOL, Hub, cookie, measured
from tests.serve.pages.test_overview import displayed, free
from tests.serve.pages.text import said, tags

MARIE, PAUL = "marie@example.org", "paul@example.org"
PATH = f"/sites/{POOL.id}"


async def week(hub: Hub) -> None:
    """Marie's pool, measured hourly for a week, doubted once, dosed once."""
    await hub.own(MARIE, POOL)
    for quantity, value in (("temperature", 27.0), ("ph", 7.4), ("orp", 700.0)):
        await hub.add(measured(quantity, value, ago=timedelta(hours=hour + 0.5)) for hour in range(24 * 7))
    await hub.add([measured("ph", 11.0, Doubt("jump", "x"), ago=timedelta(hours=30))])
    dose = Event(
        "e", POOL.id, "dose", NOW - timedelta(days=2), MARIE, NOW, "ph_minus", 0.3, "kg", "<b>après l’orage</b>"
    )
    await hub.store.put_event(dose)


async def test_a_site_shows_its_state_curves_statistics_doubts_and_what_happened(hub: Hub) -> None:
    await week(hub)
    page = (await call(hub.app(), "GET", PATH)).text
    text = said(page)
    assert "Le <grand> bassin Good Water 27.0 °C pH 7.40 ORP 700 mV Pool" in text, "what it is now, at once"
    assert "pH 7.40" in text
    assert "ideal 7.2 to 7.6 (your own limits), tolerable 7 to 7.8" in text
    assert "Statistics of this period" in text
    assert "pH 7.40 7.40 7.40 7.40 100 % 168 1" in text
    assert "Sun 12 July 14:30 pH minus, 0.3 kg <b>après l’orage</b>" in text
    assert "Mon 13 July 08:30 pH 11.00 a jump that water cannot make" in text
    curves = [each for name, each in tags(page) if name == "svg" and "curve" in (each.get("class") or "")]
    assert len(curves) == 3
    assert all(each["aria-label"] for each in curves)


@pytest.mark.parametrize("path", [PATH, f"{PATH}/print"])
async def test_where_readings_of_several_quantities_are_missing_is_told_once(hub: Hub, path: str) -> None:
    await week(hub)
    ends = {"orp": 20, "ph": 20, "temperature": 21}
    gaps = [
        Gap(
            f"{POOL.id}/p",
            name,
            NOW - timedelta(days=40, hours=22),
            NOW - timedelta(days=40, hours=hours),
            "silent",
            NOW,
        )
        for name, hours in ends.items()
    ]
    await hub.store.put_gaps((), gaps)
    text = said((await call(hub.app(), "GET", f"{path}?span=season")).text)
    assert text.count("Wed 3 June 16:30 – ") == 2
    assert "Wed 3 June 16:30 – Wed 3 June 18:30 pH, Redox (ORP): the cloud has no readings" in text
    assert "Wed 3 June 16:30 – Wed 3 June 17:30 Water temperature: the cloud has no readings" in text


async def test_what_the_script_draws_is_in_the_page_and_cannot_become_markup(hub: Hub) -> None:
    await week(hub)
    await hub.store.put_event(
        replace((await hub.store.events(POOL.id))[0], id="f", kind="note", note="</script><script>")
    )
    page = (await call(hub.app(), "GET", f"{PATH}?lang=fr")).text
    (data,) = re.findall(r'<script type="application/json" id="plot">(.*?)</script>', page, re.DOTALL)
    assert "<" not in data
    chart = json.loads(data)
    assert [panel["quantity"] for panel in chart["plot"]["panels"]] == ["temperature", "ph", "orp"]
    assert chart["labels"]["ph"] == "pH"
    assert chart["plot"]["panels"][1]["lines"][0]["doubted"]["reason"][0].startswith("un saut que l’eau")
    assert "dim. 12\u00a0juillet 14:30\u00a0: pH moins, 0,3\u00a0kg" in chart["marks"]
    assert MARIE not in data, "who sees the curve need not know who wrote"


PART = "span=week&until=2026-07-14T12:30Z&from=2026-07-12T10:30Z&to=2026-07-12T20:30Z"
"""Ten hours of the week, with one reading of each quantity in each."""


async def test_a_part_of_the_period_is_had_with_all_its_readings(hub: Hub) -> None:
    await week(hub)
    plot = (await call(hub.app(), "GET", f"{PATH}/plot?{PART}", {"accept": "application/json"})).json()["plot"]
    assert plot["until"] - plot["since"] == 10 * 3600
    assert [len(line["at"]) for panel in plot["panels"] for line in panel["lines"]] == [10, 10, 10]


async def test_a_part_is_drawn_with_its_own_ends_and_words_and_knows_its_whole(hub: Hub) -> None:
    await week(hub)
    page = (await call(hub.app(), "GET", f"{PATH}?{PART}")).text
    curves = [each for name, each in tags(page) if name == "svg" and "curve" in (each.get("class") or "")]
    assert curves[0]["aria-label"] == "Water temperature: curve from Sun 12\u00a0July 12:30 to Sun 12\u00a0July 22:30"
    assert "pH 7.40 7.40 7.40 7.40 100 % 10 0" in said(page), "its statistics"
    (data,) = re.findall(r'<script type="application/json" id="plot">(.*?)</script>', page, re.DOTALL)
    at = json.loads(data)["plot"]["panels"][0]["lines"][0]["at"]
    assert at[1:] == [3600] * 9, "each from the one before"
    (charts,) = [each for name, each in tags(page) if name == "div" and each.get("id") == "charts"]
    assert (charts["data-shown"], charts["data-whole"], charts["data-least"]) == (PART, "span=week", "600")
    assert int(charts["data-until"] or 0) - int(charts["data-since"] or 0) == 7 * 86400
    spans = [each for name, each in tags(page) if name == "a" and (each.get("href") or "").startswith(f"{PATH}?span=")]
    assert not [each for each in spans if each.get("aria-current")]


@pytest.mark.parametrize("path", ["", "/table"])
async def test_without_script_there_are_ways_from_a_part_to_others(hub: Hub, path: str) -> None:
    await week(hub)
    page = (await call(hub.app(), "GET", f"{PATH}{path}?{PART}")).text
    links = {each.get("href") for name, each in tags(page) if name == "a"}
    other = [
        f"{PATH}{path}?span=week&until=2026-07-14T12:30Z&from={since}:30Z&to={until}:30Z" for since, until in SHIFTED
    ]
    assert links >= {*other, f"{PATH}{path}?span=week"}
    fields = {
        each["name"]: each["value"] for name, each in tags(page) if name == "input" and each.get("type") == "date"
    }
    assert fields == {"from": "2026-07-12", "to": "2026-07-12"}
    day = await call(hub.app(), "GET", f"{PATH}{path}?from=2026-07-12&to=2026-07-12")
    assert "Mon 13 July" not in said(day.text)
    assert "12 July 2026 · Other dates" in said(day.text), "one day is said once"


SHIFTED = [("2026-07-12T00", "2026-07-12T10"), ("2026-07-12T20", "2026-07-13T06")]


async def test_table_print_and_files_of_a_part_are_linked_and_have_only_that(hub: Hub) -> None:
    await week(hub)
    app = hub.app()
    page = (await call(app, "GET", f"{PATH}?{PART}")).text
    links = {each.get("href") for name, each in tags(page) if name == "a"}
    files = [f"{PATH}/{name}?{PART}" for name in ("table", "print", "measurements.csv", "measurements.ndjson")]
    assert links >= set(files)
    table, paper, csv, ndjson = [await call(app, "GET", each) for each in files]
    rows = [name for name, each in tags(table.text) if name == "th" and each.get("scope") == "row"]
    assert len(rows) == 10
    assert "Sun 12 July 12:30 to Sun 12 July 22:30" in said(paper.text)
    assert "pH 7.40 7.40 7.40 7.40 100 % 10 0" in said(paper.text)
    for back in (table, paper):
        assert f"{PATH}?{PART}" in {each.get("href") for name, each in tags(back.text) if name == "a"}
    instants = {line.partition(",")[0] for line in csv.text.splitlines()[1:]}
    assert (min(instants), max(instants)) == ("2026-07-12T11:00:00Z", "2026-07-12T20:00:00Z")
    assert len(csv.text.splitlines()) == 1 + 3 * 10
    assert len(ndjson.text.splitlines()) == 3 * 10
    assert 'filename="margelle-le-grand-bassin-20260712T1030Z-20260712T2030Z.csv"' in csv.headers["content-disposition"]


async def test_the_days_of_a_part_are_those_that_were_chosen(hub: Hub) -> None:
    """The last one ends at midnight: the next has no row, and no point."""
    await week(hub)
    text = said((await call(hub.app(), "GET", f"{PATH}/table?from=2026-07-09&to=2026-07-12")).text)
    assert [each in text for each in ("8 July 2026 2", "9 July 2026 2", "12 July 2026 2", "13 July 2026 2")] == [
        False,
        True,
        True,
        False,
    ]
    answer = await call(hub.app(), "GET", f"{PATH}/plot?from=2026-04-01&to=2026-07-12", {"accept": "application/json"})
    plot = answer.json()["plot"]
    assert plot["step_s"] == 86400
    assert plot["panels"][0]["lines"][0]["at"][-1] < plot["until"]


async def test_of_a_day_that_is_shown_in_part_the_table_has_that_part(hub: Hub) -> None:
    await hub.own(MARIE, POOL)
    for hours, value in ((62, 7.1), (58, 7.2), (30, 7.3), (14, 7.4), (1, 7.9)):
        await hub.add([measured("ph", value, ago=timedelta(hours=hours))])
    page = (await call(hub.app(), "GET", f"{PATH}/table?from=2026-07-12T01:00&to=2026-07-14T02:00")).text
    rows = [
        "14 July 2026 7.40 / 7.40 / 7.40",
        "13 July 2026 7.30 / 7.30 / 7.30",
        "12 July 2026 7.20 / 7.20 / 7.20",
    ]
    assert " ".join(rows) in said(page)


@pytest.mark.parametrize("path", ["", "/table", "/print", "/measurements.csv", "/measurements.ndjson", "/plot"])
async def test_a_part_that_is_none_is_said_to_be_none_and_nothing_else_is_shown(hub: Hub, path: str) -> None:
    await week(hub)
    for part in (
        "from=x&to=9",
        "from=2026-07-12&to=2026-07-11",
        "from=999999999999999&to=1",
        "until=x",
        "span=%3Cb%3E",
    ):
        answer = await call(hub.app(), "GET", f"{PATH}{path}?{part}", {"accept": "text/html"})
        assert answer.status == 400
        assert "That cannot be taken as it is" in said(answer.text)
        assert "7.40" not in answer.text
    told = await call(hub.app(), "GET", f"{PATH}/plot?from=x", {"accept": "application/json"})
    assert (told.status, "from=x" in told.text) == (400, True)


async def test_who_has_to_sign_in_first_comes_back_to_the_part_that_was_shared(hub: Hub) -> None:
    await week(hub)
    app = hub.app(public=False)
    led = (await call(app, "GET", f"{PATH}?{PART}&lang=fr")).headers["location"]
    assert led.count("lang") == 1
    form = (await call(app, "GET", led)).text
    (action,) = [each["action"] for name, each in tags(form) if name == "form"]
    asked = urlencode({"login": MARIE, "password": PASSWORD}).encode()
    answer = await call(app, "POST", action or "", {}, asked)
    back = answer.headers["location"]
    assert unquote(back) == f"{PATH}?{PART}"
    again = await call(app, "GET", led, {"cookie": cookie(answer)})
    back = again.headers["location"]
    assert unquote(back) == f"{PATH}?{PART}&lang=fr"
    assert "dim. 12 juillet 12:30 au dim. 12 juillet 22:30" in said(
        (await call(app, "GET", back, {"cookie": cookie(answer)})).text
    )
    secret = await call(app, "GET", "/me?code=s3cret")
    assert "s3cret" not in secret.headers["location"], "of other pages only the path is kept"


async def test_units_are_the_readers_everywhere(hub: Hub) -> None:
    await week(hub)
    user = await hub.store.user(MARIE)
    assert user is not None
    await hub.store.put_user(replace(user, units={"temperature": "[degF]"}))
    app = hub.app(public=False)
    session = {"cookie": cookie(await hub.sign_in(app, MARIE))}
    for path in ("/", PATH, f"{PATH}/print"):
        text = said((await call(app, "GET", path, session)).text)
        assert "80.6 °F" in text, path
        assert "°C" not in text, path
    assert "80.6 / 80.6 / 80.6" in said((await call(app, "GET", f"{PATH}/table", session)).text)


@pytest.mark.parametrize("path", ["", "/plot", "/table", "/print", "/measurements.csv", "/measurements.ndjson"])
async def test_who_has_no_role_at_a_site_does_not_even_learn_that_it_is_there(hub: Hub, path: str) -> None:
    await week(hub)
    await hub.store.put_user(User(PAUL, HASH))
    app = hub.app(public=False)
    session = {"cookie": cookie(await hub.sign_in(app, PAUL)), "accept": "text/html"}
    assert (await call(app, "GET", PATH + path, session)).status == 404
    await hub.store.put_membership(Membership(PAUL, "site", POOL.id, "viewer", NOW, MARIE))
    assert (await call(app, "GET", PATH + path, session)).status == 200


async def test_what_is_seen_is_had_as_a_file_with_its_doubts(hub: Hub) -> None:
    await week(hub)
    app = hub.app()
    answer = await call(app, "GET", f"{PATH}/measurements.csv?span=day")
    assert answer.headers["content-disposition"].startswith(
        'attachment; filename="margelle-le-grand-bassin-20260713-20260714.csv"'
    )
    lines = answer.text.splitlines()
    assert len(lines) == 1 + 3 * 24
    ndjson = (await call(app, "GET", f"{PATH}/measurements.ndjson?span=week")).text.splitlines()
    assert len(ndjson) == 3 * 168 + 1
    assert {json.loads(line)["valid"] for line in ndjson} == {True, False}


async def test_the_table_of_a_day_has_every_reading_and_says_which_are_doubtful(hub: Hub) -> None:
    await week(hub)
    await hub.add([measured("ph", 11.0, Doubt("jump", "x"), ago=timedelta(hours=3))])
    text = said((await call(hub.app(), "GET", f"{PATH}/table?span=day")).text)
    assert "Tue 14 July 11:30 (11.00) doubtful" in text
    assert "27.0 7.40 700" in text


async def test_the_print_has_no_script_but_the_frames_and_says_when_it_was_made(hub: Hub) -> None:
    await week(hub)
    page = (await call(hub.app(), "GET", f"{PATH}/print?lang=fr")).text
    assert "Imprimé le 14 juillet 2026, 14:30 CEST" in said(page)
    assert "chart.js" not in page
    assert "application/json" not in page


async def test_a_site_that_was_never_measured_says_so_and_nothing_fails(hub: Hub) -> None:
    await hub.own(MARIE, POOL)
    for path in ("", "/table", "/print"):
        for span in ("week", "all"):
            answer = await call(hub.app(), "GET", f"{PATH}{path}?span={span}")
            assert answer.status == 200
            told = "in this period" if path else "Nothing has been measured here yet"
            assert told in said(answer.text)


async def test_advice_is_on_the_sites_page_too(hub: Hub) -> None:
    await week(hub)
    advice = Recommendation(
        "r", POOL.id, "1", "Ajoutez du pH moins", "220 g", NOW, NOW, deadline=NOW - timedelta(days=1)
    )
    await hub.store.put_recommendations(POOL.id, [advice])
    text = said((await call(hub.app(), "GET", PATH)).text)
    assert "Act one recommendation overdue" in text
    assert "To do Ajoutez du pH moins 220 g" in text


async def test_long_advice_is_folded_so_that_the_curves_are_in_sight(hub: Hub) -> None:
    await week(hub)
    why = "With the filtration running, add pH minus in small doses, and measure again after a few hours."
    advice = Recommendation("r", POOL.id, "1", "The pH is too high", why, NOW, NOW, deadline=NOW)
    await hub.store.put_recommendations(POOL.id, [advice])
    page = (await call(hub.app(), "GET", PATH)).text
    summary, unfolded = page.partition('<span class="what"')[2].partition("</details>")[0].split("</summary>")
    assert advice.title in summary
    assert why not in summary
    assert why in unfolded


PUMP = "bluewater.POMPE_1"
SWITCHED = tuple(free(PUMP, float(value), timedelta(days=4, hours=-hour)) for hour, value in enumerate([1, 1, 0, 1]))
"""Four readings of one day, of which three were on; it stayed on."""

ON_OFF = Display(states=frozenset({PUMP}))


@pytest.mark.parametrize("span", ["year", "week"])
@pytest.mark.parametrize(
    ("language", "told"),
    [("en", "off — on for 99 % of the time on"), ("fr", "inactif — actif 99 % du temps actif")],
)
async def test_what_is_on_or_off_has_states_and_a_duty_in_the_statistics_and_never_a_mean(
    hub: Hub, language: str, told: str, span: str
) -> None:
    for path in (PATH, f"{PATH}/print"):
        page = said(await displayed(hub, ON_OFF, *SWITCHED, lang=language, path=f"{path}?span={span}"))
        assert f"POMPE_1 {told} — 4 0" in page, path


@pytest.mark.parametrize(
    ("language", "month", "off", "duty", "on"),
    [
        ("en", "July", "off", "on for 35 % of the time", "on"),
        ("fr", "juillet", "inactif", "actif 35 % du temps", "actif"),
    ],
)
async def test_the_table_tells_of_each_day_how_long_it_was_on(
    hub: Hub, language: str, month: str, off: str, duty: str, on: str
) -> None:
    before = free(PUMP, 0.0, timedelta(days=9))
    page = said(await displayed(hub, ON_OFF, *SWITCHED, before, lang=language, path=f"{PATH}/table?span=month"))
    for day, text in ((5, off), (9, off), (10, duty), (11, on)):
        assert f"{day} {month} 2026 {text} " in page
    assert "0.5" not in page


@pytest.mark.parametrize("most", [50_000, 1])
@pytest.mark.parametrize("language", ["en", "fr"])
async def test_a_year_of_what_is_on_or_off_is_drawn_and_read_as_a_duty(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, language: str, most: int
) -> None:
    monkeypatch.setattr("margelle.serve.held.MOST_TOLD", most)
    page = await displayed(hub, ON_OFF, *SWITCHED, lang=language, path=f"{PATH}?span=year")
    (data,) = re.findall(r'<script type="application/json" id="plot">(.*?)</script>', page, re.DOTALL)
    (panel,) = json.loads(data)["plot"]["panels"]
    symbols = {
        ("en", 50_000): "% of the time on",
        ("en", 1): "% of readings on",
        ("fr", 50_000): "% du temps à l’état actif",
        ("fr", 1): "% des mesures à l’état actif",
    }
    assert (panel["symbol"], panel["on_off"]) == (symbols[language, most], False)
    (line,) = panel["lines"]
    assert line["low"] is line["high"] is None
    assert line["value"][-1] == (100.0 if most > 1 else 75.0)
    table = said(await displayed(hub, ON_OFF, lang=language, path=f"{PATH}/table?span=year"))
    day = {"en": "10 July 2026 on for", "fr": "10 juillet 2026 actif"}[language]
    assert f"{day} {'dans ' if (language, most) == ('fr', 1) else ''}{75 if most == 1 else 89} %" in table


async def test_a_doubted_value_of_what_is_on_or_off_is_told_as_a_state(hub: Hub) -> None:
    doubted = replace(free(PUMP, 0.0, timedelta(hours=5)), doubts=(Doubt("vendor", "x"),))
    page = said(await displayed(hub, ON_OFF, *SWITCHED, doubted, path=f"{PATH}?span=week"))
    assert "POMPE_1 off excluded by" in page


OLD = "from=1999-01-01&to=2001-01-01"
"""Two years before anything was measured."""


async def test_the_head_tells_what_is_now_whatever_period_is_shown(hub: Hub) -> None:
    await week(hub)
    text = said((await call(hub.app(), "GET", f"{PATH}?{OLD}")).text)
    assert "Water 27.0 °C pH 7.40 ORP 700 mV" in text
    assert "Nothing was measured in this period" in text


@pytest.mark.parametrize("path", ["", "/table"])
async def test_an_empty_period_says_where_there_are_readings(hub: Hub, path: str) -> None:
    await week(hub)
    before = said((await call(hub.app(), "GET", f"{PATH}{path}?{OLD}")).text)
    assert "The first reading is of 7 July 2026: choose a later period." in before
    hub.now += timedelta(days=30)
    after = said((await call(hub.app(), "GET", f"{PATH}{path}?lang=fr")).text)
    assert "La dernière mesure est du 14 juillet 2026 : choisissez une période plus longue, ou plus ancienne." in after
    await hub.add([measured("ph", 7.4, ago=timedelta(days=40))])
    between = said((await call(hub.app(), "GET", f"{PATH}{path}?from=2026-06-10&to=2026-06-20")).text)
    assert "There are readings before and after it" in between


async def test_beside_the_curve_of_a_period_that_is_over_there_is_no_value_of_now(hub: Hub) -> None:
    await week(hub)
    await hub.add([measured("ph", 6.9, ago=timedelta(minutes=1))])
    for path in ("", "/print"):
        latest = {
            query: [
                each.get("class")
                for name, each in tags((await call(hub.app(), "GET", f"{PATH}{path}?{query}")).text)
                if name == "p" and (each.get("class") or "").startswith("latest")
            ]
            for query in (PART, "span=day")
        }
        assert latest == {PART: [], "span=day": ["latest", "latest far", "latest"]}


async def test_the_print_of_a_period_that_is_over_does_not_tell_how_the_water_is_now(hub: Hub) -> None:
    await week(hub)
    await hub.store.put_recommendations(POOL.id, [Recommendation("r", POOL.id, "1", "Ajoutez", "220 g", NOW, NOW)])
    now = said((await call(hub.app(), "GET", f"{PATH}/print")).text)
    assert "Measured 30 min ago" in now
    assert "Ajoutez" in now
    over = said((await call(hub.app(), "GET", f"{PATH}/print?{PART}")).text)
    assert "Measured" not in over
    assert "Ajoutez" not in over


@pytest.mark.parametrize("span", ["year", "week"])
async def test_what_was_on_before_the_period_and_told_nothing_since_has_a_row(hub: Hub, span: str) -> None:
    on, warmth = free(PUMP, 1.0, timedelta(days=400)), measured("temperature", 27.0)
    page = said(await displayed(hub, ON_OFF, on, warmth, path=f"{PATH}?span={span}"))
    assert "POMPE_1 on — on for 100 % of the time on — 0 0" in page
