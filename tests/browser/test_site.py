from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from margelle.domain.event import Event
from margelle.simulate.people import OWNER
from tests.browser.conftest import DESK, EVERY_LOOK, HEIGHTS, PHONE, Language, Theme, Visitor
from tests.browser.hub import BrowserHub
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
    expect(page.locator("#charts[data-ready] canvas").first).to_be_visible()
    return page


@EVERY_LOOK
def test_a_sites_week(visit: Visitor, noted: str, width: int, theme: Theme, language: Language) -> None:
    page = ready(visit(noted, width=width, theme=theme, language=language))
    visit.check(page, "drawn")
    expect(page.get_by_text("pH minus, 300 g" if language == "en" else "pH moins, 300 g")).to_be_visible()
    expect(page.locator("canvas")).to_have_count(page.locator("figure.panel").count())


@pytest.mark.parametrize("span", ["day", "month", "season", "year", "all"])
def test_every_span_is_drawn(visit: Visitor, noted: str, span: str) -> None:
    ready(visit(f"{noted}?span={span}", width=DESK))


def test_without_script_the_server_draws(visit: Visitor, noted: str) -> None:
    page = visit.open(script=False, width=DESK)
    page.goto(visit.hub.url + noted)
    expect(page.locator("svg.curve path.line").first).to_be_attached()
    assert page.locator("svg.curve").count() == page.locator("figure.panel").count()
    page.get_by_role("link", name="As a table").click()
    assert page.locator("table tbody tr").count() >= 7


FRAMES = """figures => figures.map(figure => {
  const box = element => { const {left, top, width, height} = element.getBoundingClientRect(); return [left, top, width, height]; };
  const plot = figure.querySelector(".plot"), over = figure.querySelector(".u-over");
  const [across, down] = over ? [over, over] : [plot.querySelector(".grid"), [...plot.querySelectorAll(".grid")].at(-1)];
  const [left, , width] = box(across), [, top, , height] = box(down);
  return [...box(figure), ...box(plot), left, top, width, height].map(Math.round);
})"""
"""Of each panel: where it stands, where its plot does, and where the curve is drawn."""


@EVERY_LOOK
def test_the_script_draws_where_the_server_drew_and_nothing_moves(
    visit: Visitor, noted: str, width: int, theme: Theme, language: Language
) -> None:
    page = visit.open(width=width, theme=theme, language=language)
    held: list[Route] = []
    page.route("**/chart.js*", lambda route: held.extend([route]))
    page.add_init_script(
        "window.moved = 0; new PerformanceObserver(list => list.getEntries().forEach(each => moved += each.value))"
        ".observe({type: 'layout-shift'})"
    )
    page.goto(visit.hub.url + noted, wait_until="commit")
    expect(page.locator("#plot")).to_be_attached()
    page.evaluate("document.fonts.ready")
    first = page.locator("figure.panel").first
    expect(first.locator("svg.curve path.line").first).to_be_visible()
    drawn = page.locator("figure.panel").evaluate_all(FRAMES)
    page.evaluate("moved = 0")
    for route in held:
        route.continue_()
    ready(page)
    moved = page.evaluate("new Promise(then => requestAnimationFrame(() => setTimeout(() => then(moved))))")
    visit.check(page)
    assert moved == 0
    assert page.locator("svg.curve").count() == 0
    assert page.locator("figure.panel").evaluate_all(FRAMES) == drawn


def test_a_finger_reads_values_doubts_and_what_was_done(visit: Visitor, noted: str) -> None:
    page = ready(visit(noted, width=PHONE))
    panel = page.locator("figure[data-quantity=ph]")
    panel.scroll_into_view_if_needed()
    box = panel.locator(".u-over").bounding_box()
    assert box is not None
    page.touchscreen.tap(box["x"] + box["width"] * 0.5, box["y"] + box["height"] / 2)
    expect(panel.locator(".readout")).to_contain_text("7.")
    expect(page.locator("figure[data-quantity=orp] .readout")).to_contain_text("mV")


def test_a_part_is_zoomed_into_and_left_again(visit: Visitor, noted: str) -> None:
    page = ready(visit(f"{noted}?span=month", width=DESK))
    over = page.locator("figure[data-quantity=ph] .u-over")
    over.scroll_into_view_if_needed()
    box = over.bounding_box()
    assert box is not None
    y = box["y"] + box["height"] / 2
    with page.expect_response("**/plot?*") as answer:
        page.mouse.move(box["x"] + 200, y)
        page.mouse.down()
        page.mouse.move(box["x"] + 400, y, steps=4)
        page.mouse.up()
    assert answer.value.ok
    whole = page.get_by_role("button", name="Whole period")
    whole.click()
    expect(whole).to_be_hidden()


def test_two_quantities_are_read_at_one_instant(visit: Visitor, noted: str) -> None:
    page = ready(visit(noted, width=DESK))
    page.locator("figure[data-quantity=ph]").scroll_into_view_if_needed()
    box = page.locator("figure[data-quantity=ph] .u-over").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 300, box["y"] + 40)
    times = {each.inner_text().partition("·")[0] for each in page.locator(".readout").all() if each.inner_text()}
    assert len(times) == 1
    assert "7." in page.locator("figure[data-quantity=ph] .readout").inner_text()


def test_a_doubted_value_is_marked_where_it_was_and_says_why(visit: Visitor, noted: str) -> None:
    page = ready(visit(noted, width=DESK))
    panel = page.locator("figure[data-quantity=ph]")
    panel.scroll_into_view_if_needed()
    plot = page.evaluate("JSON.parse(document.getElementById('plot').textContent).plot")
    (line,) = next(each for each in plot["panels"] if each["quantity"] == "ph")["lines"]
    at = line["doubted"]["at"][-1]
    box = panel.locator(".u-over").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * (at - plot["since"]) / (plot["until"] - plot["since"]), box["y"] + 20)
    expect(panel.locator(".readout .doubt")).to_contain_text("out of the water")


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_print_needs_no_script(visit: Visitor, noted: str, language: Language) -> None:
    page = visit(f"{noted}/print", width=DESK, language=language)
    page.emulate_media(media="print")
    visit.check(page, "paper")
    assert page.locator("canvas").count() == 0
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
