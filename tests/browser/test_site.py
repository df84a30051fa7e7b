from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta

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
        expect(page.locator(".zoomed")).to_be_visible()


def drag(page: Page, box: FloatRect) -> None:
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 200, y)
    page.mouse.down()
    page.mouse.move(box["x"] + 400, y, steps=4)


def test_a_part_is_zoomed_into_and_left_again(visit: Visitor, noted: str) -> None:
    page = ready(visit(f"{noted}?span=month", width=DESK))
    panel, box = curve_of(page, "ph")
    whole = page.get_by_role("button", name="Whole period")
    label = panel.locator("svg.curve").get_attribute("aria-label")
    drag(page, box)
    expect(panel.locator(".chosen")).to_be_visible()
    visit.check(page, "chosen")
    with page.expect_response("**/plot?*") as answer:
        page.mouse.up()
    assert answer.value.ok
    expect(whole).to_be_visible()
    assert panel.locator("svg.curve").get_attribute("aria-label") != label
    visit.check(page, "zoomed")
    page.mouse.move(box["x"] + 300, box["y"] + 40)
    expect(panel.locator(".readout")).to_contain_text("7.")
    whole.click()
    expect(whole).to_be_hidden()
    assert panel.locator("svg.curve").get_attribute("aria-label") == label
    panel, box = curve_of(page, "ph")
    page.mouse.move(box["x"] + 300, box["y"] + 40)
    expect(panel.locator(".readout")).to_contain_text("7.")


def test_a_zoom_is_given_up_with_escape(visit: Visitor, noted: str) -> None:
    page = ready(visit(f"{noted}?span=month", width=DESK))
    panel, box = curve_of(page, "ph")
    drag(page, box)
    page.keyboard.press("Escape")
    page.mouse.up()
    expect(panel.locator(".chosen")).to_be_hidden()
    expect(page.get_by_role("button", name="Whole period")).to_be_hidden()


def test_a_part_that_cannot_be_loaded_is_said_and_the_curves_stay(visit: Visitor, noted: str) -> None:
    page = ready(visit(f"{noted}?span=month", width=DESK))
    panel, box = curve_of(page, "ph")
    page.route("**/plot?*", lambda route: route.abort())
    drag(page, box)
    page.mouse.up()
    expect(panel.locator(".readout")).to_have_text("The readings could not be loaded.")
    expect(panel.locator(".chosen")).to_be_hidden()
    expect(panel.locator("path.line")).to_be_visible()
    visit.expected("ERR_FAILED")


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
