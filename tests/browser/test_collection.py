"""Collecting, seen in a browser: accounts, what comes next and why, what is wrong, and what people do about it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from margelle.ports import Incident
from tests.browser.conftest import EVERY_LOOK, Language, Theme, Visitor
from tests.browser.whole import Whole, whole


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    """A hub that has collected from an account at each of two clouds."""
    with whole(tmp_path_factory.mktemp("whole")) as one:
        one.connect("ondilo")
        one.connect("flipr")
        yield one


@EVERY_LOOK
def test_the_accounts(visit: Visitor, place: Whole, width: int, theme: Theme, language: Language) -> None:
    page = visit("/collection", hub=place.hub, width=width, theme=theme, language=language)
    expect(page.get_by_role("link", name="Ondilo ICO")).to_be_visible()
    expect(page.get_by_text({"en": "Collected", "fr": "Collecté"}[language]).first).to_be_visible()


@EVERY_LOOK
def test_an_account(visit: Visitor, place: Whole, width: int, theme: Theme, language: Language) -> None:
    wrong = Incident(
        "ondilo",
        "ondilo",
        "sign-in",
        "The cloud answered 401.",
        "Sign in again.",
        place.hub.now,
        place.hub.now,
        3,
    )
    place.hub.run(place.hub.store.note_incident(wrong))
    page = visit("/collection/ondilo", hub=place.hub, width=width, theme=theme, language=language)
    place.hub.run(place.hub.store.end_incident("ondilo", "ondilo", None, place.hub.now))
    why = {"en": "The probe measures every 60 minutes", "fr": "La sonde mesure toutes les 60 minutes"}[language]
    expect(page.get_by_text(why).first).to_be_attached()
    expect(page.get_by_text({"en": "The login is refused", "fr": "La connexion est refusée"}[language])).to_be_visible()


def test_a_receipt_is_read_and_taken_away(visit: Visitor, place: Whole) -> None:
    page = visit("/collection/ondilo", hub=place.hub)
    page.get_by_role("region", name="Receipts").get_by_role("link").first.click()
    expect(page.get_by_role("region", name="Answer")).to_be_visible()
    visit.check(page, "receipt")
    with page.expect_download() as taken:
        page.get_by_role("link", name="Download").click()
    assert taken.value.suggested_filename.startswith("ondilo-")
    assert "Bearer" not in taken.value.path().read_text()


def test_an_account_is_paused_asked_and_removed_on_its_page(visit: Visitor, place: Whole) -> None:
    page = visit("/collection/flipr", hub=place.hub)
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("status")).to_contain_text("is paused")
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_text("collected again")).to_be_visible()
    page.get_by_role("button", name="Ask now").click()
    expect(page.get_by_role("alert").or_(page.get_by_role("status"))).to_be_visible()
    page.get_by_role("link", name=re.compile("Remove")).click()
    expect(page.get_by_label(re.compile("Yes, remove"))).to_be_visible()
    visit.check(page, "removing")
    page.get_by_label(re.compile("Yes, remove")).check()
    page.get_by_role("button", name="Remove the account").click()
    expect(page.get_by_text("Its measurements stay")).to_be_visible()
    assert place.hub.run(place.hub.store.account("flipr")) is None
    assert place.hub.run(place.hub.store.count()) > 0
    acts = [entry.act for entry in place.hub.run(place.hub.store.audit())][:4]
    assert acts == ["remove account", "ask now", "resume", "pause"]


@EVERY_LOOK
def test_what_nobody_can_judge_is_not_called_good(
    visit: Visitor, place: Whole, width: int, theme: Theme, language: Language
) -> None:
    """The stations' tags are mapped to nothing here; what is known of their past is told in the reader's language."""
    if not any(one.vendor == "baxo" for one in place.hub.run(place.hub.store.accounts())):
        place.connect("baxo")
    station = next(one for one in place.hub.run(place.hub.store.sites()) if one.vendor == "baxo")
    page = visit(f"/sites/{station.id}", hub=place.hub, width=width, theme=theme, language=language)
    expect(page.locator(".badge.unjudged")).to_have_text({"en": "Not judged", "fr": "Non évalué"}[language])
    expect(page.locator(".badge.unjudged svg")).to_be_visible()
    remarks = visit("/collection/baxo", hub=place.hub, width=width, theme=theme, language=language)
    said = {"en": "Kept under their own names", "fr": "Gardés sous leur propre nom"}[language]
    expect(remarks.get_by_text(said).first).to_be_attached()
    assert remarks.locator("main [lang=en]").count() == 0
