from __future__ import annotations

import json

from playwright.sync_api import Page, expect

from tests.browser.conftest import Visitor
from tests.browser.hub import BrowserHub, served

_CONTROLLED = "navigator.serviceWorker.ready.then(() => new Promise(done => navigator.serviceWorker.controller ? done(1) : navigator.serviceWorker.addEventListener('controllerchange', () => done(1))))"


def installed(visit: Visitor, hub: BrowserHub) -> Page:
    """The first page, seen once with the worker in charge."""
    page = visit.open(hub=hub, service_workers="allow")
    page.goto(hub.url)
    page.evaluate(_CONTROLLED)
    page.reload()
    return page


def pages_kept(page: Page) -> int:
    found: int = page.evaluate("caches.open('margelle-pages').then(c => c.keys()).then(k => k.length)")
    return found


def test_without_the_hub_the_last_known_state_is_shown_and_says_how_old_it_is(visit: Visitor) -> None:
    with served() as hub:
        page = installed(visit, hub)
        expect(page.locator("#old")).to_be_hidden()
        page.wait_for_function("caches.open('margelle-pages').then(c => c.keys()).then(k => k.length)")
        page.locator("article.site h2 a").first.click()
        expect(page.locator("#charts[data-ready]")).to_be_attached()
        name = page.get_by_role("heading", level=1).inner_text()
    page.reload()
    expect(page.locator("#old")).to_contain_text(
        "The hub does not answer. This is the last known state, of Tue 14 July 14:30"
    )
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    expect(page.locator("#charts[data-ready] path.line").first).to_be_visible()
    page.goto(hub.url)
    expect(page.locator("#old")).to_be_visible()
    visit.check(page, "old")
    page.goto(f"{hub.url}/me")
    expect(page.get_by_text("this page is not kept here")).to_be_visible()
    page.get_by_role("link", name="To the water").click()
    expect(page.locator("#old")).to_be_visible()
    visit.troubles.clear()  # what could not be reached


def test_without_the_hub_another_period_is_said_not_to_be_kept(visit: Visitor) -> None:
    with served() as hub:
        page = installed(visit, hub)
        page.locator("article.site h2 a").first.click()
        expect(page.locator("#charts[data-ready]")).to_be_attached()
        site = page.url
        expect(page.locator("#not-asked")).to_be_hidden()
    for query in ("", "?span=week", "?lang=en"):
        page.goto(f"{site}{query}")
        expect(page.locator("#old")).to_be_visible()
        expect(page.locator("#not-asked")).to_be_hidden()
    for query in ("?span=year", "?from=2026-07-01&to=2026-07-02", "?span=week&until=2026-07-01"):
        page.goto(f"{site}{query}")
        expect(page.locator("#not-asked")).to_contain_text("What you asked for is not kept here")
        expect(page.locator("nav.tabs [aria-current]")).to_have_text("Week")
    visit.troubles.clear()  # what could not be reached


def test_signing_out_forgets_what_was_kept(visit: Visitor) -> None:
    with served() as hub:
        page = installed(visit, hub)
        page.wait_for_function("caches.open('margelle-pages').then(c => c.keys()).then(k => k.length)")
        page.locator("details.menu > summary").click()
        page.get_by_role("button", name="Sign out").click()
        page.wait_for_url("**/sign-in")
        assert pages_kept(page) == 0


def test_the_pages_can_be_put_on_a_home_screen(visit: Visitor) -> None:
    page = visit("/sign-in", user=None)
    address = page.locator("link[rel=manifest]").get_attribute("href")
    answer = page.request.get(f"{visit.hub.url}{address}")
    assert answer.headers["content-type"] == "application/manifest+json"
    manifest = json.loads(answer.text())
    assert (manifest["start_url"], manifest["display"]) == ("/", "standalone")
    for icon in manifest["icons"]:
        found = page.request.get(visit.hub.url + icon["src"])
        assert (found.status, found.headers["content-type"]) == (200, "image/png")
