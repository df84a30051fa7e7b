"""People in the browser: users, organisations, sharing, keys, one's own page, the audit log."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace
from playwright.sync_api import expect

from margelle.serve.pages import FACE
from margelle.serve.sign_in import Attempts, FaceDesk
from margelle.simulate.people import NEIGHBOUR, OWNER
from tests.browser.conftest import DESK, EVERY_LOOK, PHONE, Language, Theme, Visitor
from tests.browser.hub import BrowserHub


def site_of(hub: BrowserHub, owner: str = OWNER) -> str:
    """One of the owner's sites."""
    return hub.run(hub.store.sites(seen_by=owner))[0].id


@EVERY_LOOK
@pytest.mark.parametrize("path", ["/people", "/people/organisations", "/audit", "/me", "/me/keys"])
def test_the_pages_about_people(visit: Visitor, path: str, width: int, theme: Theme, language: Language) -> None:
    visit(path, width=width, theme=theme, language=language)


@EVERY_LOOK
def test_the_people_of_a_site(visit: Visitor, width: int, theme: Theme, language: Language) -> None:
    visit(f"/sites/{site_of(visit.hub)}/people", width=width, theme=theme, language=language)


def test_somebody_is_invited_and_joins(visit: Visitor) -> None:
    page = visit("/people")
    page.get_by_label("E-mail").fill("nina@example.org")
    page.get_by_label("First name").fill("Nina")
    page.get_by_role("button", name="Make the invitation").click()
    expect(page.locator("#secret")).to_be_visible()
    visit.check(page, "link")
    link = page.locator("#secret").inner_text()
    other = visit.open(user=None, width=DESK)
    other.goto(link)
    visit.check(other, "invitation")
    other.get_by_label("Password").fill("a short sentence")
    other.get_by_role("button", name="Join").click()
    expect(other.get_by_role("status")).to_have_text("Welcome: you are signed in.")
    page.goto(f"{visit.hub.url}/people")
    row = page.get_by_role("listitem").filter(has_text="nina@example.org")
    expect(row).to_contain_text("user")
    row.locator("summary").click()
    visit.check(page, "change")
    row.get_by_role("button", name="Remove for good").click()
    expect(page.get_by_role("status")).to_have_text("Removed.")


def test_an_organisation_is_founded_with_a_member_and_an_account(visit: Visitor) -> None:
    page = visit("/people/organisations", width=DESK)
    page.get_by_label("Name").fill("The club")
    page.get_by_role("button", name="Found it").click()
    page.get_by_label("E-mail").fill(NEIGHBOUR)
    page.get_by_label("Role").select_option("technician")
    page.get_by_role("button", name="Share").click()
    page.get_by_label("Add an account").select_option(index=0)
    page.get_by_role("button", name="Add an account").click()
    expect(page.get_by_role("button", name=re.compile("Take out"))).to_be_visible()
    visit.check(page, "furnished")
    page.get_by_role("button", name=re.compile("Take out")).click()
    page.locator("summary", has_text="Dissolve").click()
    page.get_by_role("button", name="Dissolve", exact=True).click()
    expect(page.get_by_role("status")).to_have_text("Dissolved.")


def test_a_site_is_shared_and_the_share_taken_back(visit: Visitor) -> None:
    page = visit(f"/sites/{site_of(visit.hub)}/people", width=DESK)
    page.get_by_label("E-mail").fill(NEIGHBOUR)
    page.get_by_role("button", name="Share", exact=True).click()
    row = page.get_by_role("listitem").filter(has_text=NEIGHBOUR).first
    expect(row).to_contain_text("Viewer")
    row.locator("summary").click()
    visit.check(page, "shared")
    row.get_by_role("button", name="Take back").click()
    expect(page.get_by_role("status")).to_have_text("Taken back.")


@EVERY_LOOK
def test_a_public_link_is_made_printed_and_read(visit: Visitor, width: int, theme: Theme, language: Language) -> None:
    page = visit(f"/sites/{site_of(visit.hub)}/people", width=width, theme=theme, language=language)
    page.locator("#link-name").fill("Pool sign")
    page.get_by_role("button", name={"en": "Make a link", "fr": "Créer un lien"}[language]).click()
    expect(page.locator("#secret")).to_be_visible()
    visit.check(page, "made")
    board = visit.open(user=None, width=width, theme=theme, language=language)
    board.goto(page.locator("#secret").inner_text())
    visit.check(board, "board")
    assert board.locator("body").inner_text().count("@") == 0


def test_a_key_is_shown_once(visit: Visitor) -> None:
    page = visit("/me/keys")
    page.get_by_label("Name").fill("Grafana")
    page.get_by_role("button", name="Make the key").click()
    expect(page.locator("#secret")).to_be_visible()
    visit.check(page, "made")
    key = page.locator("#secret").inner_text()
    page.goto(f"{visit.hub.url}/me/keys")
    assert key not in page.content()
    page.get_by_role("button", name="Take back Grafana").click()
    expect(page.get_by_role("status")).to_have_text("The key is taken back.")


def test_another_language_and_theme_are_kept(visit: Visitor) -> None:
    page = visit("/me", width=PHONE)
    page.get_by_label("Français").check()
    page.get_by_label("Dark").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("Enregistré.")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.get_by_label("English").check()
    page.get_by_role("button", name="Enregistrer").click()


def test_a_display_on_a_wall_keeps_itself_current_and_says_when_it_cannot(visit: Visitor) -> None:
    hub, site = visit.hub, site_of(visit.hub)
    desk = FaceDesk(FACE, hub.store, hub.clock, Attempts(hub.store))
    token, _ = hub.run(desk.issue_named("link", OWNER, "wall", life_s=86400, site=site))
    board = visit.open(user=None, width=DESK)
    board.add_init_script("Math.random = () => 0")
    board.clock.install()
    board.goto(f"{hub.url}/p/{token}")
    probe = hub.run(hub.store.probes(site))[0]
    point = hub.run(hub.store.latest(probe.id, hub.now))["ph"]
    hub.run(hub.store.add([replace(point, at=hub.now, value=7.77, raw="7.77", doubts=())], hub.now))
    board.clock.run_for(300_500)
    expect(board.get_by_text("7.77")).to_be_visible()
    board.context.set_offline(True)
    board.clock.run_for(300_500)
    expect(board.locator("[data-offline-notice]")).to_contain_text("Not refreshed")
    visit.check(board, "offline")
    board.context.set_offline(False)
    hub.run(hub.store.drop_grants(OWNER, keep=[]))
    board.clock.run_for(300_500)
    expect(board.get_by_role("heading", level=1)).to_have_text("There is nothing at this address.")
    visit.expected("ERR_INTERNET_DISCONNECTED")
    visit.expected("404")
