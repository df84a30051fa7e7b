from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from margelle.simulate.people import OWNER
from tests.browser.conftest import DESK, EVERY_LOOK, PHONE, Language, Theme, Visitor
from tests.browser.hub import PASSWORD, BrowserHub, served


@EVERY_LOOK
def test_the_door(visit: Visitor, width: int, theme: Theme, language: Language) -> None:
    page = visit("/sign-in", user=None, width=width, theme=theme, language=language)
    assert page.locator("html").get_attribute("lang") == language


@pytest.mark.parametrize("width", [320, PHONE])
def test_on_a_phone_whatever_is_tapped_is_as_large_as_a_thumb_and_no_tab_is_cut_off(visit: Visitor, width: int) -> None:
    page = visit.open(language="fr")
    page.set_viewport_size({"width": width, "height": 844})
    site = next(
        each.id for each in visit.hub.run(visit.hub.store.sites(seen_by=OWNER)) if each.name == "Piscine du gîte"
    )
    paths = (
        "/",
        "/people",
        "/audit",
        "/me",
        "/me/keys",
        *(f"/sites/{site}{at}" for at in ("", "/done", "/act", "/people")),
    )
    for path in paths:
        page.goto(visit.hub.url + path)
        low = page.locator("main .button:visible").evaluate_all(
            "all => all.filter(each => each.getBoundingClientRect().height < 44).map(each => each.textContent)"
        )
        assert not low, f"{path}: {low}"
        wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, f"{path} is {wide} px wider than its window"
        if width == PHONE:
            cut = page.locator(".tabs").evaluate_all("all => all.some(each => each.scrollWidth > each.clientWidth)")
            assert not cut, f"{path}: a tab is cut off"


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_one_signs_in_and_out_and_comes_back_to_the_page_that_was_wanted(visit: Visitor, script: bool) -> None:
    page = visit.open(user=None, script=script)
    page.goto(f"{visit.hub.url}/nowhere-yet")
    visit.expected("404")
    page.goto(f"{visit.hub.url}/sign-in?next=%2F%3Ftheme%3Ddark")
    page.get_by_label("E-mail").fill(OWNER)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{visit.hub.url}/?theme=dark")
    page.locator("details.menu > summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{visit.hub.url}/sign-in")


def test_the_theme_and_the_language_chosen_in_the_menu_stay(visit: Visitor) -> None:
    page = visit("/", width=DESK)
    page.locator("details.menu > summary").click()
    page.get_by_role("link", name="Dark").click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.locator("details.menu > summary").click()
    visit.check(page, "menu")
    page.get_by_role("link", name="Français").click()
    page.goto(visit.hub.url)
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator("html")).to_have_attribute("lang", "fr")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(10, 23, 25)"


def test_the_menu_closes_on_escape_and_gives_the_focus_back(visit: Visitor) -> None:
    page = visit("/", width=PHONE)
    menu = page.locator("details.menu")
    menu.locator("summary").click()
    page.keyboard.press("Escape")
    assert menu.get_attribute("open") is None
    expect(menu.locator("summary")).to_be_focused()


def test_an_address_without_a_page_says_so(visit: Visitor) -> None:
    page = visit("/nowhere", status=404, language="fr")
    expect(page.get_by_role("heading", level=1)).to_have_text("Il n’y a rien à cette adresse.")
    visit.expected("404")


@pytest.fixture
def bare(chromium: Browser) -> Iterator[BrowserHub]:
    with served(empty=True) as hub:
        yield hub


def test_a_hub_that_knows_nobody_says_how_to_become_known(visit: Visitor, bare: BrowserHub) -> None:
    page = visit("/", user=None, hub=bare)
    expect(page.get_by_text("margelle user add")).to_be_visible()
