"""The hub's own pages in a browser: settings, faces and what arrives there, tags, the first run and the demo."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.error import HTTPError

import pytest
from playwright.sync_api import expect

from margelle.serve import newcomer
from tests.browser.conftest import EVERY_LOOK, PHONE, Language, Theme, Visitor
from tests.browser.whole import LOU, Whole, whole

FILE = """\
title = "Margelle"

[collect]
timeout_s = 20.0

[baxo.tags]
REDOX = "orp"
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    with whole(tmp_path_factory.mktemp("whole"), file=FILE) as one:
        one.connect("baxo")
        yield one


@EVERY_LOOK
def test_every_setting_in_force(visit: Visitor, place: Whole, width: int, theme: Theme, language: Language) -> None:
    page = visit("/hub", hub=place.hub, width=width, theme=theme, language=language)
    expect(page.get_by_text("margelle.toml:4")).to_be_visible()
    row = page.locator("li", has=page.get_by_text("collect.timeout_s", exact=True))
    row.locator("summary").click()
    expect(row.get_by_text("timeout_s = 20.0")).to_be_visible()


def test_who_is_no_operator_sees_no_settings(visit: Visitor, place: Whole) -> None:
    visit("/hub", hub=place.hub, user=LOU, status=403)
    visit.expected("403")


@EVERY_LOOK
def test_a_face_and_what_arrives_there(
    visit: Visitor, place: Whole, width: int, theme: Theme, language: Language
) -> None:
    agent = {"User-Agent": "HomeAssistant/2026.7 aiohttp/3.14"}
    request = urllib.request.Request(f"{place.hub.url}/ondilo/api/customer/v1/pools?access_token=feed", headers=agent)
    with suppress(HTTPError):
        urllib.request.urlopen(request)
    page = visit("/hub/faces?face=ondilo", hub=place.hub, width=width, theme=theme, language=language)
    expect(page.get_by_text(f"{place.hub.url}/ondilo", exact=True).first).to_be_visible()
    expect(page.get_by_text("GET /ondilo/api/customer/v1/pools", exact=True).first).to_be_visible()
    expect(page.get_by_text(re.compile("HomeAssistant/2026.7")).first).to_be_visible()
    assert "feed" not in page.content()


def test_what_arrives_is_seen_without_loading_the_page_anew(visit: Visitor, place: Whole) -> None:
    page = visit("/hub/faces?face=flipr", hub=place.hub)
    with suppress(HTTPError):
        urllib.request.urlopen(f"{place.hub.url}/flipr/modules")
    expect(page.get_by_text("GET /flipr/modules")).to_be_visible()


def test_who_is_no_operator_sees_addresses_and_not_what_others_ask(visit: Visitor, place: Whole) -> None:
    page = visit("/hub/faces", hub=place.hub, user=LOU)
    expect(page.get_by_text("What arrives")).to_have_count(0)
    visit("/hub/faces/ondilo/calls", hub=place.hub, user=LOU, status=403)
    visit.expected("403")


@EVERY_LOOK
def test_tags_are_said_to_be_quantities(
    visit: Visitor, place: Whole, width: int, theme: Theme, language: Language
) -> None:
    sites = sorted(site.id for site in place.hub.run(place.hub.store.sites()) if site.vendor == "baxo")
    site = sites[{("light", PHONE): 0, ("dark", PHONE): 1, ("light", 1440): 2, ("dark", 1440): 3}[theme, width]]
    page = visit(f"/tags/{site}", hub=place.hub, width=width, theme=theme, language=language)
    level = page.get_by_label("NIVEAU")
    assert level.input_value().startswith("level")
    assert page.get_by_label("REDOX").is_disabled()
    page.get_by_role("button", name={"en": "Save", "fr": "Enregistrer"}[language]).click()
    expect(page.get_by_role("status")).to_be_visible()
    visit.check(page, f"saved-{width}")
    mapping = place.house.meanings.in_force("baxo")
    device = site.rpartition(":")[2]
    assert mapping[f"{device}/PH"] == "ph"
    assert mapping[f"{device}/NIVEAU"].startswith("level")
    assert mapping["REDOX"] == "orp"


def test_what_is_newly_said_is_fetched_without_a_restart(visit: Visitor, place: Whole) -> None:
    site = min(site.id for site in place.hub.run(place.hub.store.sites()) if site.vendor == "baxo")
    page = visit.open(hub=place.hub)
    page.goto(f"{place.hub.url}/tags/{site}")
    page.get_by_label("DEBIT").select_option("flow")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_be_visible()
    place.hub.run(place.collector.round())
    flow = place.hub.run(place.hub.store.history(f"{site}/device", "flow", limit=5))
    assert len(flow) == 5


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Whole]:
    with whole(tmp_path, nobody=True, collects=True) as one:
        yield one


@EVERY_LOOK
def test_the_first_run(visit: Visitor, empty: Whole, width: int, theme: Theme, language: Language) -> None:
    """From nothing to the first values, by page."""
    code = empty.hub.run(newcomer.offer(empty.hub.store))
    page = visit("/", hub=empty.hub, user=None, width=width, theme=theme, language=language)
    page.wait_for_url(re.compile("/welcome"))
    page.locator("#code").fill("AAAA-AAAA")
    page.locator("#firstname").fill("Anna")
    page.locator("#login").fill("anna@example.org")
    page.locator("#password").fill("l'eau du bassin")
    join = page.get_by_role("button", name={"en": "This hub is mine", "fr": "Ce hub est à moi"}[language])
    join.click()
    expect(page.get_by_role("alert")).to_be_visible()
    visit.expected("403")
    visit.check(page, f"wrong-{width}")
    page.locator("#code").fill(code.lower())
    page.locator("#password").fill("l'eau du bassin")
    join.click()
    page.wait_for_url(re.compile("/connect"))
    visit.check(page, f"connect-{width}")
    page.get_by_role("link", name=re.compile("Flipr")).click()
    page.locator("#login").fill(empty.sky.login)
    page.locator("#password").fill(empty.sky.password)
    page.get_by_role("button").last.click()
    page.wait_for_url(re.compile("/collection/flipr"))
    newest = {"en": "Newest reading", "fr": "Dernière mesure"}[language]
    expect(page.get_by_text(newest).first).to_be_visible(timeout=30_000)
    user = empty.hub.run(empty.hub.store.user("anna@example.org"))
    assert user is not None
    assert user.operator
    assert not empty.hub.run(newcomer.offer(empty.hub.store))


def test_the_demo_is_one_click_away_marked_as_one_and_apart_from_all_that_is_real(visit: Visitor, empty: Whole) -> None:
    page = visit("/welcome", hub=empty.hub, user=None)
    page.get_by_role("button", name="Look at the demo").click()
    expect(page.get_by_text("This is a demo")).to_be_visible(timeout=20_000)
    expect(page.get_by_role("heading", name="Piscine du mas")).to_be_visible()
    visit.check(page, "demo")
    assert not empty.hub.run(empty.hub.store.sites())
    assert not empty.hub.run(empty.hub.store.count())
    page.get_by_role("button", name="Leave the demo").click()
    expect(page.get_by_text("This is a demo")).to_have_count(0)
