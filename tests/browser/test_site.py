from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Browser, FloatRect, Locator, Page, Route, expect

from margelle.domain.event import Event
from margelle.domain.measurement import Measurement
from margelle.domain.site import Account, Person, Probe, Site, User
from margelle.domain.unit import Unit
from margelle.ports import Discovery
from margelle.simulate.people import OWNER
from tests.browser.conftest import DESK, EVERY_LOOK, HEIGHTS, PHONE, Language, Theme, Visitor
from tests.browser.hub import BrowserHub, served
from tests.conftest import NOW


def site_called(hub: BrowserHub, name: str) -> str:
    sites = hub.run(hub.store.sites(seen_by=OWNER))
    return next(f"/sites/{site.id}" for site in sites if site.name == name)


@pytest.fixture(scope="module")
def noted(chromium: Browser, hub: BrowserHub) -> str:
    """The path of a site at which something was done."""
    path = site_called(hub, "Bassin à sel")
    site = path.removeprefix("/sites/")
    at = NOW.replace(hour=9)
    hub.run(hub.store.put_event(Event("e1", site, "dose", at, OWNER, at, "ph_minus", 300, "g", "Par beau temps")))
    return path


def ready(page: Page) -> Page:
    """The page once its curves answer and are drawn from all their points."""
    expect(page.locator("#charts[data-ready]")).to_be_visible()
    page.wait_for_function("() => performance.getEntriesByName('charts-fine').length")
    return page


def curve_of(page: Page, quantity: str) -> tuple[Locator, FloatRect]:
    """A panel, and where in the window its curve is."""
    panel = page.locator(f"figure[data-quantity={quantity}]")
    panel.scroll_into_view_if_needed()
    box = panel.locator(".plot svg.curve").bounding_box()
    assert box is not None
    return panel, box


@EVERY_LOOK
def test_a_sites_week(visit: Visitor, noted: str, width: int, theme: Theme, language: Language) -> None:
    page = ready(visit(noted, width=width, theme=theme, language=language))
    visit.check(page, "drawn")
    expect(page.get_by_text("pH minus, 300 g" if language == "en" else "pH moins, 300 g")).to_be_visible()
    expect(page.locator("svg.curve")).to_have_count(page.locator("figure.panel").count())


@pytest.mark.parametrize("span", ["day", "month", "season", "year", "all"])
def test_every_span_is_drawn(visit: Visitor, noted: str, span: str) -> None:
    ready(visit(f"{noted}?span={span}", width=DESK))


def test_without_script_the_server_draws(visit: Visitor, noted: str) -> None:
    page = visit.open(script=False, width=DESK)
    page.goto(visit.hub.url + noted)
    expect(page.locator("svg.curve path.line").first).to_be_attached()
    assert page.locator("svg.curve").count() == page.locator("figure.panel").count()
    page.get_by_role("link", name="As a table").click()
    page.wait_for_url("**table**")
    assert page.locator("table tbody tr").count() >= 7


@EVERY_LOOK
def test_the_curves_are_whole_before_the_script_and_nothing_moves_when_it_comes(
    visit: Visitor, noted: str, width: int, theme: Theme, language: Language
) -> None:
    page = visit.open(width=width, theme=theme, language=language)
    held: list[Route] = []
    page.route("**/chart.js*", lambda route: held.extend([route]))
    page.add_init_script(
        "window.moved = 0; new PerformanceObserver(list => list.getEntries().forEach(each => moved += each.value))"
        ".observe({type: 'layout-shift'})"
    )
    page.goto(visit.hub.url + f"{noted}?span=month", wait_until="commit")
    expect(page.locator("#plot")).to_be_attached()
    page.evaluate("document.fonts.ready")
    expect(page.locator("svg.curve path.line").first).to_be_visible()
    before = page.locator("path.line").evaluate_all(PATHS)
    page.evaluate("moved = 0")
    for route in held:
        route.continue_()
    ready(page)
    assert page.evaluate("new Promise(then => requestAnimationFrame(() => setTimeout(() => then(moved))))") == 0
    visit.check(page)
    for some, every in zip(before, page.locator("path.line").evaluate_all(PATHS), strict=True):
        assert some["points"] < every["points"], "the script draws all points"
        assert [every["left"], every["right"]] == pytest.approx([some["left"], some["right"]], abs=2)
        assert every["top"] < some["top"] + 1, "what was drawn is still there"
        assert every["bottom"] > some["bottom"] - 1


PATHS = """paths => paths.map(path => ({
  points: path.getAttribute("d").split("L").length, ...path.getBoundingClientRect().toJSON()
}))"""
"""Of each line: of how many points it is drawn, and where."""


def test_a_finger_reads_values_doubts_and_what_was_done(visit: Visitor, noted: str) -> None:
    page = visit(noted, width=PHONE)
    panel, box = curve_of(page, "ph")
    page.touchscreen.tap(box["x"] + box["width"] * 0.5, box["y"] + box["height"] / 2)
    expect(panel.locator(".readout")).to_contain_text("7.")
    expect(panel.locator(".hair")).to_be_visible()
    expect(panel.locator(".spot")).to_be_visible()
    expect(page.locator("figure[data-quantity=orp] .readout")).to_contain_text("mV")
    other, box = curve_of(page, "orp")
    page.touchscreen.tap(box["x"] + box["width"] * 0.2, box["y"] + box["height"] / 2)
    expect(other.locator(".hair")).to_be_visible()
    expect(other.locator(".readout")).to_contain_text("mV")
    page.get_by_role("heading", level=1).tap()
    expect(panel.locator(".readout")).to_be_empty()
    expect(panel.locator(".hair")).to_be_hidden()


TOUCH = """(plot, [kind, x, y]) => plot.dispatchEvent(new PointerEvent(kind, {
  pointerType: "touch", isPrimary: true, bubbles: true, clientX: x, clientY: y
}))"""


def test_a_finger_that_is_drawn_along_reads_and_one_that_scrolls_does_not(visit: Visitor, noted: str) -> None:
    page = visit(noted, width=PHONE)
    panel, box = curve_of(page, "ph")
    plot, text = panel.locator(".plot"), panel.locator(".readout")
    x, y = box["x"] + 60, box["y"] + 90
    plot.evaluate(TOUCH, ["pointerdown", x, y])
    plot.evaluate(TOUCH, ["pointermove", x + 1, y + 12])
    plot.evaluate(TOUCH, ["pointercancel", x + 1, y + 12])
    expect(text).to_be_empty()
    plot.evaluate(TOUCH, ["pointerdown", x, y])
    plot.evaluate(TOUCH, ["pointermove", x + 40, y + 2])
    expect(text).to_contain_text("7.")
    first = text.inner_text()
    plot.evaluate(TOUCH, ["pointermove", x + 140, y + 5])
    expect(text).not_to_have_text(first)
    plot.evaluate(TOUCH, ["pointerup", x + 140, y + 5])
    expect(text).to_contain_text("7.")


def test_a_finger_that_rests_reads(visit: Visitor, noted: str) -> None:
    page = visit(noted, width=PHONE)
    panel, box = curve_of(page, "ph")
    panel.locator(".plot").evaluate(TOUCH, ["pointerdown", box["x"] + 60, box["y"] + 90])
    expect(panel.locator(".readout")).to_contain_text("7.")


@EVERY_LOOK
def test_a_mouse_reads_and_goes(visit: Visitor, noted: str, width: int, theme: Theme, language: Language) -> None:
    page = visit(noted, width=width, theme=theme, language=language)
    panel, box = curve_of(page, "orp")
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + 40)
    expect(panel.locator(".readout")).to_contain_text("mV")
    salt = page.locator("figure[data-quantity=salt] .readout")
    written = {"en": r"\d,\d{3}\u00a0mg/L", "fr": r"\d\u00a0\d{3}\u00a0mg/L"}[language]
    expect(salt).not_to_be_empty()
    assert re.search(written, salt.text_content() or ""), "as all numbers of the page"
    visit.check(page, "read")
    page.mouse.move(box["x"] - 30, box["y"] + 40)
    expect(panel.locator(".readout")).to_be_empty()


def test_the_keyboard_goes_from_reading_to_reading_and_a_screen_reader_is_told(visit: Visitor, noted: str) -> None:
    page = visit(noted, width=DESK)
    plot = page.get_by_role("slider", name=re.compile("^pH: curve"))
    text = page.locator("figure[data-quantity=ph] .readout")
    expect(plot).to_have_attribute("aria-valuetext", re.compile(r"^7\."))
    page.get_by_role("slider").first.focus()
    for _ in range(page.locator(".plot").evaluate_all("all => all.findIndex(one => one.ariaLabel.startsWith('pH'))")):
        page.keyboard.press("Tab")
    expect(plot).to_be_focused()
    newest = text.inner_text()
    assert "7." in newest
    for key, is_newest in (
        ("ArrowLeft", False),
        ("ArrowRight", True),
        ("Home", False),
        ("End", True),
        ("PageUp", True),
    ):
        page.keyboard.press(key)
        assert (text.inner_text() == newest) is is_newest, key
        expect(plot).to_have_attribute("aria-valuetext", text.inner_text())
    visit.check(page, "by keyboard")
    page.keyboard.press("Escape")
    expect(text).to_be_empty()
    page.keyboard.press("PageDown")
    expect(text).to_contain_text("7.")
    page.keyboard.press("Tab")
    expect(text).not_to_be_empty()
    page.get_by_role("heading", level=1).click()
    expect(text).to_be_empty()


@pytest.fixture(scope="module")
def station() -> Iterator[BrowserHub]:
    """A hub with one site: five readings of pH around a silence, and a pump that was switched off and on again."""
    site = Site("baxo:1", "baxo", "1", "Station", "plant", attributes={"tags": "POMPE", "events": "POMPE"})
    probe = Probe("baxo:1/device", site.id, "baxo", "c/1")
    told = [("ph", 7.0 + n / 10, ago) for n, ago in enumerate((60, 59, 58, 20, 19))]
    told += [("baxo.POMPE", 1.0, 70), ("baxo.POMPE", 0.0, 40), ("baxo.POMPE", 1.0, 30)]
    with served(empty=True) as hub:
        hub.run(hub.store.put_user(User(OWNER, "x")))
        hub.run(hub.store.put_account(Account("baxo", "baxo", OWNER, OWNER)))
        hub.run(hub.store.put_discovery("baxo", Discovery(Person(), (site,), (probe,)), NOW))
        points = [
            Measurement(
                probe.id,
                quantity,
                NOW - timedelta(hours=ago),
                value,
                str(value),
                Unit.STATE if quantity != "ph" else Unit.PH,
                "baxo/values",
            )
            for quantity, value, ago in told
        ]
        hub.run(hub.store.add(points, NOW))
        yield hub


def test_what_is_read_was_measured_at_its_instant_and_what_is_on_or_off_holds(
    station: BrowserHub, visit: Visitor
) -> None:
    page = ready(visit("/sites/baxo:1", hub=station, width=DESK))
    read: dict[str, list[str]] = {}
    for quantity in ("ph", "baxo.POMPE"):
        plot = page.locator(f'figure[data-quantity="{quantity}"] .plot')
        plot.focus()
        for key in ("Home", *["ArrowRight"] * 5):
            page.keyboard.press(key)
            read.setdefault(quantity, []).append((plot.get_attribute("aria-valuetext") or "").partition(" · ")[2])
    assert read == {
        "ph": ["7.00", "7.10", "7.20", "7.30", "7.40", "7.40"],
        "baxo.POMPE": ["on", "off", "on", "on", "on", "on"],  # the last ones are of now
    }
    _, box = curve_of(page, "ph")
    ph, pump = (page.locator(f'figure[data-quantity="{one}"] .readout') for one in read)
    for ago, value, held in ((57.8, " · 7.20", " · on"), (39.9, "", " · off"), (29.8, "", " · on")):
        page.mouse.move(box["x"] + box["width"] * (1 - ago / 168), box["y"] + 40)
        expect(pump).to_have_text(re.compile(held + "$"))
        expect(ph).to_have_text(re.compile(rf":\d\d{value}$"))


def test_between_two_readings_of_a_line_the_nearer_one_is_read(visit: Visitor, noted: str) -> None:
    """A day of hourly readings, and a part of it: wherever there is a line, there is something to read."""
    page = ready(visit(f"{noted}?span=day", width=DESK))
    for _ in range(2):
        panel, box = curve_of(page, "ph")
        values = set()
        for n in range(20, 61, 4):
            page.mouse.move(box["x"] + box["width"] * n / 100, box["y"] + 40)
            expect(panel.locator(".readout")).to_contain_text("7.")
            values.add(panel.locator(".readout").inner_text())
        assert len(values) > 2
        drag(page, box)
        page.mouse.up()
        expect(page.get_by_role("link", name="Whole period")).to_be_visible()


def drag(page: Page, box: FloatRect, px: int = 200, after: float = 200) -> None:
    x, y = box["x"] + after, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + px, y, steps=4)


PART = "span=week&from=2026-07-12T10:30Z&to=2026-07-12T20:30Z"
SHOWN = "Sun 12\u00a0July 12:30 to Sun 12\u00a0July 22:30"


def shown(page: Page) -> Locator:
    """From when to when it is, as the page says."""
    return page.locator(".dates > summary > span").first


def length_min(page: Page) -> int:
    """How many minutes the part is long that the page's address asks for."""
    ends = [datetime.fromisoformat(end) for end in re.findall(r"(?:from|to)=([^&]+)", page.url)]
    return int((ends[1] - ends[0]).total_seconds() / 60)


def test_a_part_is_zoomed_into_and_a_part_of_that_and_back_undoes_it(visit: Visitor, noted: str) -> None:
    page = ready(visit(f"{noted}?span=month", width=DESK))
    panel, box = curve_of(page, "ph")
    whole = page.get_by_role("link", name="Whole period")
    said = [shown(page).inner_text()]
    drag(page, box)
    expect(panel.locator(".chosen")).to_be_visible()
    visit.check(page, "chosen")
    page.mouse.up()
    expect(whole).to_be_visible()
    visit.check(page, "zoomed")
    addresses, minutes = [page.url], [length_min(page)]
    said.append(shown(page).inner_text())
    expect(page.locator("#told")).to_have_text(said[1])
    label = panel.locator("svg.curve").get_attribute("aria-label") or ""
    assert label.endswith(said[1]), "the curve is of what is said to be shown"
    assert panel.bounding_box() == pytest.approx(box_of(panel), abs=1)
    page.mouse.move(box["x"] + 300, box["y"] + 40)
    expect(panel.locator(".readout")).to_contain_text("7.")

    drag(page, box)
    page.mouse.up()
    expect(shown(page)).not_to_have_text(said[1])
    addresses.append(page.url)
    minutes.append(length_min(page))
    assert minutes[1] == pytest.approx(minutes[0] * 200 / box["width"], rel=0.01), "deeper, not from the whole again"

    page.go_back()
    expect(shown(page)).to_have_text(said[1])
    assert page.url == addresses[0]
    page.go_back()
    expect(shown(page)).to_have_text(said[0])
    expect(whole).to_be_hidden()
    page.go_forward()
    expect(shown(page)).to_have_text(said[1])
    page.reload()
    expect(shown(page)).to_have_text(said[1])
    assert page.url == addresses[0]
    ready(page)
    whole.click()
    expect(whole).to_be_hidden()
    expect(shown(page)).to_have_text(said[0])
    assert page.url.endswith("?span=month")


def test_a_part_at_either_end_is_of_the_week_that_was_seen_however_long_the_page_was_open(
    visit: Visitor, hub: BrowserHub, noted: str
) -> None:
    """The hub's clock is between two minutes, and goes on."""
    try:
        hub.now = NOW + timedelta(seconds=37)
        page = ready(visit(f"{noted}?span=week", width=DESK))
        seen = shown(page).inner_text()
        week = {"since": "2026-07-07T12:30:37Z", "until": "2026-07-14T12:30:37Z"}
        hub.now += timedelta(minutes=30)
        for left in (True, False):
            _, box = curve_of(page, "ph")
            drag(page, box, 200 if left else -200, after=1 if left else box["width"] - 1)
            page.mouse.move(box["x"] + (-5 if left else box["width"] + 5), box["y"] + 90)
            drag(page, box, -205 if left else 205, after=200 if left else box["width"] - 200)
            page.mouse.up()
            expect(shown(page)).not_to_have_text(seen)
            assert f"until={week['until']}" in page.url
            assert (f"from={week['since']}&" in page.url, page.url.endswith(f"to={week['until']}")) == (left, not left)
            charts = page.locator("#charts")
            zoomed = page.url
            assert charts.get_attribute("data-shown") == zoomed.partition("?")[2], "as the hub writes it too"
            page.keyboard.press("Tab")
            page.get_by_role("slider").first.focus()
            page.keyboard.press("0" if left else "-")
            for _ in range(0 if left else 5):
                page.keyboard.press("-")
            expect(shown(page)).to_have_text(seen)
            page.goto(zoomed)
            page.get_by_role("link", name="Whole period").click()
            expect(shown(page)).to_have_text(seen)
            assert page.url.endswith(f"?span=week&until={week['until']}")
            ready(page)
        page.get_by_role("link", name="Later").click()
        page.wait_for_url(re.compile(r"\?span=week$"))
    finally:
        hub.now = NOW


@EVERY_LOOK
def test_what_is_read_stands_where_the_limits_stood_and_moves_nothing(
    visit: Visitor, noted: str, width: int, theme: Theme, language: Language
) -> None:
    page = ready(visit(noted, width=width, theme=theme, language=language))
    panel, box = curve_of(page, "ph")
    before, limits = box_of(panel), panel.locator(".limits")
    expect(limits).to_be_visible()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 40)
    expect(panel.locator(".readout")).to_contain_text(re.compile(r"7[.,]"))
    expect(limits).to_be_hidden()
    assert box_of(panel) == before
    page.mouse.move(box["x"] - 30, box["y"] + 40)
    expect(limits).to_be_visible()
    assert box_of(panel) == before


@pytest.mark.parametrize("language", ["en", "fr"])
def test_on_a_phone_the_period_takes_two_rows_that_a_thumb_can_touch(
    visit: Visitor, noted: str, language: Language
) -> None:
    page = visit(f"{noted}?{PART}", width=PHONE, language=language)
    dates = page.locator(".dates > summary")
    targets = [dates, *page.locator(".travel .buttons a").all()]
    boxes = [box_of(each) for each in targets]
    assert len(boxes) == 4
    assert min(each["height"] for each in boxes) >= 44
    assert len({each["y"] for each in boxes}) == 2
    assert box_of(page.locator(".travel"))["height"] <= 110
    expect(page.get_by_text("Europe/Paris")).to_have_count(2)
    expect(page.locator(".zone").locator("visible=true")).to_have_count(0)
    dates.click()
    expect(page.locator(".zone").locator("visible=true")).to_have_count(1)


def box_of(panel: Locator) -> dict[str, float]:
    found: dict[str, float] = panel.evaluate("each => each.getBoundingClientRect().toJSON()")
    return {name: found[name] for name in ("x", "y", "width", "height")}


def test_what_is_zoomed_into_stays_where_it_is_in_the_window(visit: Visitor, noted: str) -> None:
    page = ready(visit(f"{noted}?span=season", width=DESK))
    panel, box = curve_of(page, "orp")
    drag(page, box, after=box["width"] - 300)
    page.mouse.up()
    expect(page.get_by_role("link", name="Whole period")).to_be_visible()
    expect(page.get_by_text("Each point is a day")).to_be_hidden()
    after = panel.locator(".plot svg.curve").bounding_box()
    assert after is not None
    assert (after["x"], after["y"]) == pytest.approx((box["x"], box["y"]), abs=1)


def test_table_print_files_and_language_are_of_what_was_zoomed_into(visit: Visitor, noted: str) -> None:
    page = ready(visit(f"{noted}?span=month", width=DESK))
    _, box = curve_of(page, "ph")
    drag(page, box, 40)
    page.mouse.up()
    expect(page.get_by_role("link", name="Whole period")).to_be_visible()
    said, zoomed = shown(page).inner_text(), page.url
    first, last = re.findall(r"(?:from|to)=([^&]+)Z", zoomed)
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    instants = [line.partition(",")[0] for line in download.value.path().read_text().splitlines()[1:]]
    assert len(instants) > 100
    assert first <= min(instants) < max(instants) < last
    page.locator("details.menu > summary").first.click()
    page.get_by_role("link", name="Français").click()
    expect(page.get_by_role("link", name="Période entière")).to_be_visible()
    assert all(end in page.url.replace("%3A", ":") for end in (first, last))
    page.get_by_role("link", name="Imprimer").click()
    expect(page.locator(".paper-head")).to_contain_text("juin 2026" if "June 2026" in said else "juin ")
    page.goto(zoomed)
    page.get_by_role("link", name="En tableau").click()
    expect(page.get_by_role("table")).to_be_visible()
    visit.check(page, "table")
    page.get_by_role("link", name="En courbes").click()
    expect(page.locator("#charts[data-ready]")).to_be_visible()
    assert page.url == zoomed


def test_without_script_a_period_is_chosen_by_its_days_and_left_by_links(visit: Visitor, noted: str) -> None:
    page = visit.open(script=False, width=PHONE)
    page.goto(visit.hub.url + noted)
    expect(page.locator("#help")).to_be_hidden()
    shown(page).click()
    page.get_by_label("First day").fill("2026-07-06")
    page.get_by_label("Last day").fill("2026-07-07")
    page.get_by_role("button", name="Show").click()
    expect(shown(page)).to_contain_text("6\u00a0July\u00a02026 to 7\u00a0July\u00a02026")
    page.get_by_role("link", name="Earlier").click()
    expect(shown(page)).to_contain_text("4\u00a0July\u00a02026 to 5\u00a0July\u00a02026")
    page.get_by_role("link", name="As a table").click()
    page.wait_for_url("**/table?*")
    assert 40 < page.locator("tbody tr").count() <= 49
    page.get_by_role("link", name="Later").click()
    expect(shown(page)).to_contain_text("6\u00a0July\u00a02026 to 7\u00a0July\u00a02026")
    page.get_by_role("link", name="As curves").click()
    page.get_by_role("link", name="Whole period").click()
    expect(page.get_by_role("link", name="Whole period")).to_be_hidden()


@EVERY_LOOK
def test_a_part_by_its_address(visit: Visitor, noted: str, width: int, theme: Theme, language: Language) -> None:
    page = ready(visit(f"{noted}?{PART}", width=width, theme=theme, language=language))
    expect(page.locator("#help")).to_be_visible()
    shown(page).click()
    expect(page.locator(".dates input").first).to_be_visible()
    visit.check(page, "dates")
    page.keyboard.press("Escape")
    expect(page.locator(".dates input").first).to_be_hidden()


def test_what_is_no_period_is_a_page_that_says_so(visit: Visitor, noted: str) -> None:
    page = visit(f"{noted}?from=2026-07-12&to=tomorrow", status=400)
    expect(page.get_by_text("write it like 2026-07-14")).to_be_visible()
    visit.expected("400")


LENGTH_MIN = """() => (([from, to]) => (new Date(to) - new Date(from)) / 60000)(
    ["from", "to"].map(name => new URLSearchParams(location.search).get(name)))"""


def test_the_keyboard_zooms_about_what_is_read_and_keeps_the_focus(visit: Visitor, noted: str) -> None:
    page = ready(visit(f"{noted}?span=week", width=DESK))
    plot = page.get_by_role("slider", name=re.compile("^pH: curve"))
    text = page.locator("figure[data-quantity=ph] .readout")
    expect(plot).to_have_accessible_description(re.compile(r"\+ and − zoom, and 0 shows the whole period"))
    page.get_by_role("slider").first.focus()
    page.keyboard.press("Tab")
    expect(plot).to_be_focused()
    for _ in range(40):
        page.keyboard.press("ArrowLeft")
    read, whole = text.inner_text(), shown(page).inner_text()
    hair = page.locator("figure[data-quantity=ph] .hair")
    left = (hair.bounding_box() or {"x": 0})["x"]
    page.keyboard.press("+")
    expect(page).to_have_url(re.compile("from="))
    assert length_min(page) == pytest.approx(7 * 24 * 60 / 2, abs=2)
    expect(plot).to_be_focused()
    expect(text).to_have_text(read)
    assert (hair.bounding_box() or {"x": 0})["x"] == pytest.approx(left, abs=2)
    visit.check(page, "zoomed by keyboard")
    half = shown(page).inner_text()
    for _ in range(20):
        page.keyboard.press("+")  # faster than the hub answers
    page.wait_for_function(LENGTH_MIN + "<= 11")
    assert length_min(page) >= 10, "no shorter"
    expect(text).to_have_text(read)
    expect(hair).to_be_visible()
    page.keyboard.press("-")
    page.wait_for_function(LENGTH_MIN + ">= 20")
    assert length_min(page) <= 24
    page.keyboard.press("0")
    expect(shown(page)).to_have_text(whole)
    assert page.url.endswith("?span=week")
    expect(plot).to_be_focused()
    expect(text).to_have_text(read)
    page.keyboard.press("-")
    page.keyboard.press("+")
    expect(shown(page)).to_have_text(half)
    page.keyboard.press("Escape")
    expect(text).to_be_empty()
    expect(shown(page)).to_have_text(half)


class Fingers:
    """Fingers on a page's screen, as the browser itself hears them: it scrolls, if it may."""

    def __init__(self, page: Page) -> None:
        self._devices = page.context.new_cdp_session(page)

    def put(self, kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": x, "y": y, "id": n} for n, (x, y) in enumerate(places)]
        self._devices.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def pinch(self, box: FloatRect, begin: tuple[float, float], end: tuple[float, float]) -> None:
        """Two fingers, from shares of the width to others, the second one coming later and both somewhat askew."""
        self.draw(box, begin, end)
        self.put("touchEnd")

    def draw(self, box: FloatRect, begin: tuple[float, float], end: tuple[float, float]) -> None:
        y = box["y"] + box["height"] / 2

        def at(part: float) -> list[tuple[float, float]]:
            shares = (one + (other - one) * part for one, other in zip(begin, end, strict=True))
            return [(box["x"] + box["width"] * share, y + 10 * n + 12 * part) for n, share in enumerate(shares)]

        self.put("touchStart", at(0)[0])
        self.put("touchStart", *at(0))
        for n in range(1, 9):
            self.put("touchMove", *at(n / 8))


def test_two_fingers_zoom_all_curves_about_their_middle(visit: Visitor, noted: str) -> None:
    page = ready(visit(f"{noted}?span=week", width=PHONE))
    panel, box = curve_of(page, "ph")
    fingers = Fingers(page)
    fingers.draw(box, (0.4, 0.6), (0.25, 0.75))
    expect(page.locator("#charts.pinched")).to_be_visible()
    boxes = page.locator(".curve svg svg").evaluate_all("all => all.map(each => each.getAttribute('viewBox'))")
    assert len(set(boxes)) == 1, "all together"
    assert float(boxes[0].split()[0]) == pytest.approx(30, abs=2)
    expect(panel.locator(".readout")).to_be_empty()
    fingers.put("touchEnd")
    expect(page.get_by_role("link", name="Whole period")).to_be_visible()
    assert length_min(page) == pytest.approx(7 * 24 * 60 * 0.4, rel=0.05)
    (first,) = re.findall(r"from=([^&]+)", page.url)
    assert abs(datetime.fromisoformat(first) - (NOW - timedelta(days=7 * 0.7))) < timedelta(hours=5)
    expect(page.locator("#charts.pinched")).to_have_count(0)
    visit.check(page, "pinched")
    assert page.evaluate("visualViewport.scale") == 1

    panel, box = curve_of(page, "ph")
    fingers.pinch(box, (0.3, 0.7), (0.4, 0.6))
    expect(page).not_to_have_url(re.compile(re.escape(first)))
    assert length_min(page) == pytest.approx(7 * 24 * 60 * 0.8, rel=0.07)
    wider = shown(page).inner_text()
    panel, box = curve_of(page, "ph")
    fingers.pinch(box, (0.2, 0.8), (0.45, 0.55))
    expect(shown(page)).not_to_have_text(wider)
    assert page.url.endswith("?span=week"), "not wider than the whole"
    page.go_back()
    expect(shown(page)).to_have_text(wider)


def test_fingers_that_zoom_again_before_the_hub_has_answered_zoom_deeper(visit: Visitor, noted: str) -> None:
    page = ready(visit(f"{noted}?span=week", width=PHONE))
    _, box = curve_of(page, "ph")
    fingers, held = Fingers(page), list[Route]()

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/sites/*from=*", hold)
    with page.expect_request("**/sites/*from=*"):
        fingers.pinch(box, (0.4, 0.6), (0.25, 0.75))
    with page.expect_request("**/sites/*from=*"):
        fingers.pinch(box, (0.4, 0.6), (0.25, 0.75))
    while len(held) < 2:
        page.evaluate("0")  # a route is told of later than its request
    for each in held[::-1]:
        each.continue_()
    expect(page.locator("#charts.pinched")).to_have_count(0)
    assert length_min(page) == pytest.approx(7 * 24 * 60 * 0.4 * 0.4, rel=0.05)


SCROLLED = """() => new Promise(then => requestAnimationFrame(() => requestAnimationFrame(() => then(scrollY))))"""


def test_two_fingers_that_are_drawn_down_too_zoom_and_do_not_scroll(visit: Visitor, noted: str) -> None:
    page = ready(visit(f"{noted}?span=week", width=PHONE))
    _, box = curve_of(page, "ph")
    before, fingers = page.evaluate(SCROLLED), Fingers(page)
    middle, y = box["x"] + box["width"] / 2, box["y"] + 150
    fingers.put("touchStart", (middle - 20, y))
    page.evaluate(SCROLLED)  # nobody has two fingers down within a frame
    fingers.put("touchStart", (middle - 20, y), (middle + 20, y))
    for n in range(1, 9):
        fingers.put("touchMove", (middle - 20 - 5 * n, y - 12 * n), (middle + 20 + 5 * n, y - 12 * n))
    assert page.evaluate(SCROLLED) == before
    fingers.put("touchEnd")
    expect(page.get_by_role("link", name="Whole period")).to_be_visible()
    assert page.evaluate("visualViewport.scale") == 1


def test_no_scroll_waits_for_the_script_before_a_finger_is_on_a_curve(visit: Visitor, noted: str) -> None:
    page = ready(visit(f"{noted}?span=week", width=PHONE))
    devices = page.context.new_cdp_session(page)

    def waits() -> bool:
        """Whether a browser asks this page before it scrolls."""
        found = []
        for each in ("document.getElementById('period')", "document", "window"):
            thing = devices.send("Runtime.evaluate", {"expression": each})["result"]["objectId"]
            found += devices.send("DOMDebugger.getEventListeners", {"objectId": thing, "depth": -1})["listeners"]
        return any(each["type"] in {"touchmove", "wheel"} and not each["passive"] for each in found)

    assert not waits()
    _, box = curve_of(page, "ph")
    fingers = Fingers(page)
    fingers.put("touchStart", (box["x"] + 60, box["y"] + 60))
    assert waits(), "for a second one"
    fingers.put("touchEnd")
    assert not waits()


def test_fingers_that_do_not_zoom_ask_for_nothing(visit: Visitor, noted: str) -> None:
    page = ready(visit(f"{noted}?span=week", width=PHONE))
    panel, box = curve_of(page, "ph")
    fingers = Fingers(page)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "/sites/" in request.url else None)
    fingers.pinch(box, (0.4, 0.6), (0.45, 0.55))
    expect(page.locator("#charts.pinched")).to_have_count(0)
    fingers.draw(box, (0.4, 0.6), (0.3, 0.7))
    expect(page.locator("#charts.pinched")).to_be_visible()
    fingers.put("touchCancel")
    expect(page.locator("#charts.pinched")).to_have_count(0)
    assert panel.locator(".curve svg svg").get_attribute("viewBox") == "0 0 100 100"
    y = box["y"] + box["height"] / 2
    fingers.put("touchStart", (box["x"] + 60, y))
    for n in range(1, 9):
        fingers.put("touchMove", (box["x"] + 60 + 10 * n, y))
    expect(panel.locator(".readout")).to_contain_text("7.")
    fingers.put("touchEnd")
    expect(panel.locator(".readout")).to_contain_text("7.")
    assert asked == []


def test_one_finger_that_is_drawn_down_a_curve_scrolls_the_page(visit: Visitor, noted: str) -> None:
    page = ready(visit(f"{noted}?span=week", width=PHONE))
    panel, box = curve_of(page, "ph")
    before, fingers = page.evaluate("scrollY"), Fingers(page)
    x, y = box["x"] + 100, box["y"] + 150
    fingers.put("touchStart", (x, y))
    for n in range(1, 9):
        fingers.put("touchMove", (x + n / 4, y - 15 * n))
    fingers.put("touchEnd")
    page.wait_for_function("before => scrollY > before + 60", arg=before)
    expect(panel.locator(".readout")).to_be_empty()


def test_a_zoom_is_given_up_with_escape(visit: Visitor, noted: str) -> None:
    page = ready(visit(f"{noted}?span=month", width=DESK))
    panel, box = curve_of(page, "ph")
    drag(page, box)
    page.keyboard.press("Escape")
    page.mouse.up()
    expect(panel.locator(".chosen")).to_be_hidden()
    expect(page.get_by_role("link", name="Whole period")).to_be_hidden()


def test_a_part_that_cannot_be_loaded_is_said_and_the_curves_stay(visit: Visitor, noted: str) -> None:
    page = ready(visit(f"{noted}?span=month", width=DESK))
    panel, box = curve_of(page, "ph")
    page.route("**/sites/*from=*", lambda route: route.abort())
    drag(page, box)
    page.mouse.up()
    expect(panel.locator(".readout")).to_have_text("The readings could not be loaded.")
    expect(panel.locator(".chosen")).to_be_hidden()
    expect(panel.locator("path.line")).to_be_visible()
    assert page.url.endswith("?span=month")
    visit.expected("ERR_FAILED")


def test_a_part_without_readings_says_so_and_back_leads_out_of_it(visit: Visitor, station: BrowserHub) -> None:
    page = ready(visit("/sites/baxo:1?span=week", hub=station, width=DESK))
    page.goto(station.url + "/sites/baxo:1?from=2026-06-01&to=2026-06-02")
    expect(page.get_by_role("heading", name="Nothing was measured in this period")).to_be_visible()
    visit.check(page, "nothing")
    page.get_by_role("link", name="Whole period").click()
    page.go_back()
    expect(page.get_by_role("heading", name="Nothing was measured in this period")).to_be_visible()


def test_two_quantities_are_read_at_one_instant(visit: Visitor, noted: str) -> None:
    page = visit(noted, width=DESK)
    panel, box = curve_of(page, "ph")
    page.mouse.move(box["x"] + 300, box["y"] + 40)
    expect(page.locator(".readout").last).not_to_be_empty()
    times = {each.inner_text().partition("·")[0] for each in page.locator(".readout").all() if each.inner_text()}
    assert len(times) == 1
    assert "7." in panel.locator(".readout").inner_text()


def test_a_doubted_value_is_marked_where_it_was_and_says_why(visit: Visitor, noted: str) -> None:
    page = visit(noted, width=DESK)
    panel, box = curve_of(page, "ph")
    plot = page.evaluate("JSON.parse(document.getElementById('plot').textContent).plot")
    (line,) = next(each for each in plot["panels"] if each["quantity"] == "ph")["lines"]
    at = line["doubted"]["at"][-1]
    page.mouse.move(box["x"] + box["width"] * (at - plot["since"]) / (plot["until"] - plot["since"]), box["y"] + 20)
    expect(panel.locator(".readout .doubt")).to_contain_text("out of the water")


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_print_needs_no_script(visit: Visitor, noted: str, language: Language) -> None:
    page = visit(f"{noted}/print", width=DESK, language=language)
    page.emulate_media(media="print")
    visit.check(page, "paper")
    assert page.locator("svg.curve").count()
    assert page.get_by_role("slider").count() == 0
    pdf = page.pdf(format="A4")
    assert pdf.startswith(b"%PDF")


@EVERY_LOOK
def test_the_table(visit: Visitor, noted: str, width: int, theme: Theme, language: Language) -> None:
    page = visit(f"{noted}/table", width=width, theme=theme, language=language)
    assert page.locator("tbody tr").count() == 8
    attached = page.locator(".scroll").evaluate("each => getComputedStyle(each).backgroundAttachment")
    assert attached.startswith("local, local, scroll, scroll"), "a shade where there is more, covered at the ends"


def test_what_is_seen_is_had_as_a_file(visit: Visitor, noted: str) -> None:
    page = visit(noted, width=DESK)
    with page.expect_download() as download:
        page.get_by_role("link", name="CSV").click()
    lines = download.value.path().read_text().splitlines()
    assert lines[0].startswith("at,probe,site,quantity")
    assert len(lines) > 500


def test_a_site_of_somebody_else_is_none(visit: Visitor, noted: str) -> None:
    from margelle.simulate.people import NEIGHBOUR

    page = visit(noted, user=NEIGHBOUR, status=404, language="fr")
    expect(page.get_by_role("heading", level=1)).to_contain_text("rien à cette adresse")
    visit.expected("404")


@EVERY_LOOK
def test_on_a_phone_the_curves_are_in_sight_and_the_other_acts_are_found_by_keyboard(
    visit: Visitor, hub: BrowserHub, width: int, theme: Theme, language: Language
) -> None:
    page = visit(site_called(hub, "Piscine du gîte"), width=width, theme=theme, language=language)
    more = page.get_by_text({"en": "More", "fr": "Autres"}[language], exact=True)
    curve = page.locator(".panel .plot").first.bounding_box()
    assert curve is not None
    assert curve["y"] + 40 < HEIGHTS[width], "the first curve begins above the fold"
    more.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    act = page.get_by_role("link", name="Interventions", exact=True)
    expect(act).to_be_focused()
    visit.check(page, f"more {language}")
    page.keyboard.press("Escape")
    expect(act).to_be_hidden()
    expect(more).to_be_focused()
    more.click()
    act.click()
    expect(page).to_have_url(re.compile("/events$"))
