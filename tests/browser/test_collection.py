"""Collecting, seen in a browser: accounts, what comes next and why, what is wrong, and what people do about it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from margelle.ports import Incident
from tests.browser.conftest import DESK, EVERY_LOOK, PHONE, Language, Theme, Visitor
from tests.browser.whole import LOU, Whole, whole


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
