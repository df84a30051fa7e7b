"""Connecting an account in a minute, in a browser: by password, by the maker's own page, and a site of one's own."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from margelle.simulate.people import OWNER
from tests.browser.conftest import EVERY_LOOK, Language, Theme, Visitor
from tests.browser.whole import LOU, Whole, whole


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    with whole(tmp_path_factory.mktemp("whole"), collects=True) as one:
        yield one


@EVERY_LOOK
def test_what_can_be_connected(visit: Visitor, place: Whole, width: int, theme: Theme, language: Language) -> None:
    page = visit("/connect", hub=place.hub, width=width, theme=theme, language=language)
    page.get_by_role("link", name=re.compile("Flipr")).click()
    expect(page.get_by_label(re.compile("Password|Mot de passe"))).to_be_visible()
    visit.check(page, f"password-{width}-{language}")


def test_a_login_is_connected_and_its_first_values_are_seen_to_arrive(visit: Visitor, place: Whole) -> None:
    page = visit.open(hub=place.hub)
    page.goto(f"{place.hub.url}/connect/flipr")
    page.get_by_label("E-mail at Flipr").fill(place.sky.login)
    page.get_by_label("Password at Flipr").fill("not this one")
    page.get_by_role("button", name="Sign in at Flipr").click()
    expect(page.get_by_role("alert")).to_contain_text("do not belong together")
    visit.expected("400")
    visit.check(page, "refused")
    assert page.get_by_label("Password at Flipr").input_value() == ""
    page.get_by_label("Password at Flipr").fill(place.sky.password)
    page.get_by_role("button", name="Sign in at Flipr").click()
    page.wait_for_url(re.compile("/collection/flipr"))
    expect(page.get_by_text("Signed in.")).to_be_visible()
    expect(page.get_by_text("Newest reading").first).to_be_visible(timeout=30_000)
    visit.check(page, "arrived")
    entries = place.hub.run(place.hub.store.audit())
    assert (entries[0].act, entries[0].subject, entries[0].outcome) == ("connect", "flipr", "signed in")
    assert place.sky.password not in repr(entries)


def _authorize(page: Page, place: Whole) -> None:
    page.locator("input[name=login]").fill(place.sky.login)
    page.locator("input[name=password]").fill(place.sky.password)
    page.locator("[name=proceed], button[type=submit], input[type=submit]").first.click()


def test_the_makers_page_sends_the_browser_back_and_the_account_is_there(visit: Visitor, place: Whole) -> None:
    """The hub is at another host than the cloud, as in life: the session's cookie does not come along at first."""
    page = visit.open(hub=place.hub)
    here = place.hub.url.replace("127.0.0.1", "localhost")
    page.context.add_cookies(
        [{"name": "margelle_session", "value": place.hub.session(OWNER), "url": here, "sameSite": "Strict"}]
    )
    page.goto(f"{here}/connect/ondilo")
    visit.check(page, "browser")
    page.get_by_role("button", name=re.compile("Go on to")).click()
    expect(page.get_by_role("link", name=re.compile("^Open "))).to_be_visible()
    visit.check(page, "leave")
    page.get_by_role("link", name=re.compile("^Open ")).click()
    _authorize(page, place)
    page.wait_for_url(re.compile("localhost.*/collection/ondilo"))
    expect(page.get_by_text("Signed in.")).to_be_visible()


def test_an_answer_to_somebody_elses_question_connects_nothing(visit: Visitor, place: Whole) -> None:
    mine = visit.open(hub=place.hub)
    mine.goto(f"{place.hub.url}/connect/ondilo")
    mine.get_by_role("button", name=re.compile("Go on to")).click()
    address = mine.get_by_role("link", name=re.compile("^Open ")).get_attribute("href") or ""
    state = re.search("state=([0-9a-f]+)", address)
    assert state is not None
    theirs = visit.open(hub=place.hub, user=LOU)
    theirs.goto(f"{place.hub.url}/connect/ondilo/back?code=abc&state={state[1]}")
    expect(theirs.get_by_text("belongs to another question")).to_be_visible()
    visit.expected("400")
    assert not place.hub.run(place.hub.store.accounts(LOU))


def test_the_address_at_which_a_browser_ended_is_pasted(visit: Visitor, place: Whole) -> None:
    page = visit.open(hub=place.hub, user=LOU)
    page.goto(f"{place.hub.url}/connect/ondilo")
    page.get_by_role("button", name=re.compile("Go on to")).click()
    link = page.get_by_role("link", name=re.compile("^Open ")).get_attribute("href") or ""
    other = visit.open(hub=place.hub, user=None)
    other.goto(link)
    ended: list[str] = []
    other.on("request", lambda request: ended.append(request.url) if "/back?" in request.url else None)
    _authorize(other, place)
    expect(other.get_by_text("not signed in at this hub")).to_be_visible()
    visit.expected("401")
    page.get_by_label("The whole address").fill(ended[0])
    page.get_by_role("button", name="Go on with it").click()
    page.wait_for_url(re.compile("/collection/ondilo"))
    assert [one.owner for one in place.hub.run(place.hub.store.accounts(LOU))] == [LOU]


@EVERY_LOOK
def test_a_site_of_ones_own(visit: Visitor, place: Whole, width: int, theme: Theme, language: Language) -> None:
    page = visit("/connect/site", hub=place.hub, width=width, theme=theme, language=language)
    name = f"Bassin {width} {theme}"
    page.get_by_label({"en": "Name", "fr": "Nom"}[language]).fill(name)
    page.get_by_label(re.compile("Volume")).fill("48,5")
    page.get_by_role("button", name={"en": "Add the site", "fr": "Ajouter le bassin"}[language]).click()
    expect(page.get_by_role("heading", name=name)).to_be_visible()  # one tap from its first reading
    visit.check(page)
    page.goto(f"{place.hub.url}/collection")
    page.get_by_role("link", name=re.compile(name)).click()
    page.get_by_label({"en": "Name", "fr": "Nom"}[language]).fill(f"{name}, couvert")
    page.get_by_role("button", name={"en": "Save", "fr": "Enregistrer"}[language]).click()
    expect(page.get_by_text(f"{name}, couvert")).to_be_visible()
    (site,) = [one for one in place.hub.run(place.hub.store.sites()) if one.name == f"{name}, couvert"]
    assert (site.volume_m3, site.time_zone, site.kind) == (48.5, "Europe/Paris", "pool")


def test_two_quick_taps_add_one_site(visit: Visitor, place: Whole) -> None:
    page = visit("/connect/site", hub=place.hub)
    page.get_by_label("Name").fill("Twice")
    page.evaluate("""() => {
        const form = document.querySelector("main form");
        const sent = () => fetch(form.action || location.href, {method: "POST", body: new URLSearchParams(new FormData(form))});
        return Promise.all([sent(), sent()]);
    }""")
    page.get_by_role("button", name="Add the site").click()
    expect(page.get_by_role("status").filter(has_text="The site is there.")).to_be_visible()
    assert [site.name for site in place.hub.run(place.hub.store.sites())].count("Twice") == 1
