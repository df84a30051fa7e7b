from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.conftest import DESK, EVERY_LOOK, PHONE, Language, Theme, Visitor
from tests.browser.fleet import OPERATOR, settle
from tests.browser.hub import BrowserHub, served
from tests.conftest import NOW


@EVERY_LOOK
def test_a_few_sites(visit: Visitor, width: int, theme: Theme, language: Language) -> None:
    page = visit("/", width=width, theme=theme, language=language)
    expect(page.locator("article.site")).to_have_count(4)


@pytest.fixture(scope="module")
def fleet(chromium: Browser) -> Iterator[BrowserHub]:
    with served(empty=True) as hub:
        hub.run(settle(hub.store, NOW, 120))
        yield hub


@EVERY_LOOK
def test_many_sites(visit: Visitor, fleet: BrowserHub, width: int, theme: Theme, language: Language) -> None:
    page = visit("/", user=OPERATOR, hub=fleet, width=width, theme=theme, language=language)
    states = page.locator("#rows .badge").all_inner_texts()
    order = {"en": ["Act", "Silent", "Watch", "Good"], "fr": ["Agir", "Silencieux", "Surveiller", "Bon"]}[language]
    assert states == sorted(states, key=order.index), "the neediest first"


def test_typing_finds_a_site_at_once_whatever_its_accents(visit: Visitor, fleet: BrowserHub) -> None:
    page = visit("/", user=OPERATOR, hub=fleet, width=DESK)
    page.get_by_label("Search").press_sequentially("gite evian")
    expect(page.locator("#found .count")).to_contain_text("5 sites")
    assert "q=gite+evian" in page.url
    expect(page.get_by_label("Search")).to_be_focused()
    page.get_by_label("State").select_option("silent")
    expect(page.locator("#rows tr, #found .empty")).to_have_count(1)


def test_the_list_goes_on_as_one_reads_it(visit: Visitor, fleet: BrowserHub) -> None:
    page = visit("/", user=OPERATOR, hub=fleet, width=PHONE)
    expect(page.locator("#rows tr:not(.further)")).to_have_count(40)
    page.locator(".further").scroll_into_view_if_needed()
    expect(page.locator("#rows tr:not(.further)")).to_have_count(80)


def test_without_script_the_list_is_found_and_read_by_pages(visit: Visitor, fleet: BrowserHub) -> None:
    page = visit.open(user=OPERATOR, hub=fleet, script=False)
    page.goto(f"{fleet.url}/")
    page.get_by_role("link", name="Show more").click()
    page.wait_for_url("**page=2")
    page.get_by_label("State").select_option("silent")
    page.get_by_role("button", name="Find").click()
    page.wait_for_url("**state=silent**")
    assert set(page.locator("#rows .badge").all_inner_texts()) == {"Silent"}


def test_what_the_headline_counts_is_one_tap_away(visit: Visitor, fleet: BrowserHub) -> None:
    page = visit("/", user=OPERATOR, hub=fleet)
    page.get_by_role("heading", level=1).get_by_role("link", name="are silent").click()
    page.wait_for_url("**state=silent")
    assert set(page.locator("#rows .badge").all_inner_texts()) == {"Silent"}


@pytest.mark.parametrize("width", [320, PHONE])
def test_on_a_phone_a_row_is_one_target_and_two_are_seen_at_once(visit: Visitor, fleet: BrowserHub, width: int) -> None:
    page = visit.open(user=OPERATOR, hub=fleet)
    page.set_viewport_size({"width": width, "height": 844})
    page.goto(fleet.url)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    rows = page.locator("#rows tr")
    heights = rows.evaluate_all("all => all.map(each => each.getBoundingClientRect().height)")
    assert heights[0] + heights[1] < 400
    ends = page.evaluate(
        "['tr', '.badge'].map(of => document.querySelector(`#rows ${of}`).getBoundingClientRect().right)"
    )
    assert ends[0] - ends[1] == pytest.approx(16, abs=1), "all badges end where the row does"
    rows.first.locator(".drawn").click(force=True)  # nowhere near the name
    page.wait_for_url("**/sites/**")


def test_something_newer_is_announced_and_nothing_moves(visit: Visitor, fleet: BrowserHub) -> None:
    page = visit.open(user=OPERATOR, hub=fleet)
    page.clock.install()
    page.goto(fleet.url)
    before = page.locator("#rows").inner_text()
    notice = page.get_by_text("Newer readings are there.")
    with page.expect_response("**/newer*") as answer:
        page.clock.run_for(61_000)
    assert answer.value.status == 204
    expect(notice).to_have_count(0)
    from msgspec.structs import replace

    latest = fleet.run(fleet.store.latest("ondilo:1/p", NOW))["ph"]
    fleet.run(fleet.store.add([replace(latest, at=NOW)], NOW))
    page.clock.run_for(61_000)
    expect(notice).to_be_visible()
    assert page.locator("#rows").inner_text() == before
