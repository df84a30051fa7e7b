from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from msgspec.structs import replace

from margelle.domain.access import Membership
from margelle.domain.event import Event
from margelle.domain.measurement import Doubt
from margelle.domain.site import Recommendation, User
from tests.asgi import call
from tests.conftest import NOW
from tests.serve.pages.conftest import HASH, POOL, Hub, cookie, measured
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
    assert "pH 7.40 ideal 7.2 to 7.6 (your own limits), tolerable 7 to 7.8" in text
    assert "Statistics of this period" in text
    assert "pH 7.40 7.40 7.40 7.40 100 % 168 1" in text
    assert "Sun 12 July 14:30 pH minus, 0.3 kg <b>après l’orage</b>" in text
    assert "Mon 13 July 08:30 pH 11.00 a jump that water cannot make" in text
    curves = [each for name, each in tags(page) if name == "svg" and "curve" in (each.get("class") or "")]
    assert len(curves) == 3
    assert all(each["aria-label"] for each in curves)


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
    assert "dim. 12\u00a0juillet 14:30: pH moins, 0,3\u00a0kg" in chart["marks"]
    assert MARIE not in data, "who sees the curve need not know who wrote"


async def test_a_part_of_the_period_is_had_with_all_its_readings(hub: Hub) -> None:
    await week(hub)
    since, until = (int((NOW - timedelta(hours=hour)).timestamp()) for hour in (50, 40))
    answer = await call(
        hub.app(), "GET", f"{PATH}/plot?span=week&from={since}&to={until}", {"accept": "application/json"}
    )
    plot = answer.json()["plot"]
    assert (plot["since"], plot["until"], len(plot["panels"][0]["lines"][0]["at"])) == (since, until, 10)


async def test_a_part_is_drawn_for_the_page_with_its_own_ends_and_words(hub: Hub) -> None:
    await week(hub)
    since, until = (int((NOW - timedelta(hours=hour)).timestamp()) for hour in (50, 40))
    answer = await call(hub.app(), "GET", f"{PATH}/plot?span=week&from={since}&to={until}", {"accept": "text/html"})
    curves = [each for name, each in tags(answer.text) if name == "svg" and "curve" in (each.get("class") or "")]
    assert curves[0]["aria-label"] == "Water temperature: curve from Sun 12\u00a0July 12:30 to Sun 12\u00a0July 22:30"
    assert len(curves) == 3
    assert "<html" not in answer.text
    (data,) = re.findall(r'<script type="application/json" id="plot">(.*?)</script>', answer.text, re.DOTALL)
    assert json.loads(data)["plot"]["since"] == since


@pytest.mark.parametrize("part", ["from=1&to=2", "from=x&to=9", "from=999999999999999&to=1", "from=-5&to=5"])
async def test_a_part_that_is_none_is_the_whole(hub: Hub, part: str) -> None:
    await week(hub)
    plot = (await call(hub.app(), "GET", f"{PATH}/plot?{part}", {"accept": "application/json"})).json()["plot"]
    assert plot["until"] - plot["since"] == 7 * 86400


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
    assert answer.headers["content-disposition"].startswith('attachment; filename="margelle-1-20260713-20260714.csv"')
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
