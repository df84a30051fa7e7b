"""At the pool's edge, in the browser: measuring by hand, interventions, acts on the water, over a weak signal too."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from margelle.domain.site import Recommendation
from margelle.simulate.people import OWNER
from tests.browser.conftest import DESK, EVERY_LOOK, PHONE, Language, Theme, Visitor
from tests.browser.test_people import site_of


@EVERY_LOOK
@pytest.mark.parametrize("what", ["measure", "done", "events", "act"])
def test_the_pages_of_what_is_done(visit: Visitor, what: str, width: int, theme: Theme, language: Language) -> None:
    visit(f"/sites/{site_of(visit.hub)}/{what}", width=width, theme=theme, language=language)


def test_a_strip_is_written_down_and_found_again(visit: Visitor) -> None:
    site = site_of(visit.hub)
    page = visit(f"/sites/{site}/measure", width=PHONE)
    page.get_by_label("pH", exact=True).fill("7,4")
    page.get_by_label("Free chlorine").fill("50")
    expect(page.locator("#about-free_chlorine")).to_contain_text("Unusual")
    visit.check(page, "typed")
    page.get_by_role("button", name="Keep", exact=True).click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing is kept yet.")
    expect(page.locator("#about-free_chlorine")).to_contain_text("Not plausible: beyond 0 to 20")
    visit.expected("status of 400")
    visit.check(page, "unusual")
    page.get_by_role("button", name="It is right: keep it").click()
    expect(page.get_by_role("status")).to_have_text("Kept, with a doubt: see below.")
    expect(page.locator(".values")).to_contain_text("pH 7.40")
    visit.check(page, "doubted")


@pytest.mark.parametrize(
    ("language", "bad"),
    [("en", "That is no number. Write it like 7.2."), ("fr", "Ce n’est pas un nombre. Écrivez-le comme 7,2.")],
)
def test_what_is_no_number_is_said_to_be_none_while_it_is_typed(visit: Visitor, language: Language, bad: str) -> None:
    page = visit(f"/sites/{site_of(visit.hub)}/measure", width=PHONE, language=language)
    field, hint = page.locator("#value-ph"), page.locator("#about-ph")
    before = hint.inner_text()
    for typed in ("abc", "7,,2", "7.2.", "7,2 ppm"):
        field.fill(typed)
        expect(hint).to_have_text(bad)
        expect(field).to_have_attribute("aria-invalid", "true")
    visit.check(page, "no-number")
    for typed in ("7,2", " 7.2 ", "7", "7,", ""):
        field.fill(typed)
        expect(hint).to_have_text(before)
        expect(field).not_to_have_attribute("aria-invalid", "true")
    page.locator("details.fold > summary").click()
    for typed in ("3200", "3 200", "3\u202f200", "3\u00a0200,5"):
        page.locator("#value-salt").fill(typed)
        expect(page.locator("#value-salt")).not_to_have_attribute("aria-invalid", "true")
    page.locator("#value-salt").fill("")
    field.fill("abc")
    page.locator("form[data-keeps] .buttons button").first.click()
    expect(page.get_by_role("alert").first).to_be_visible()
    visit.expected("status of 400")
    expect(hint).to_have_text(bad)
    field.fill("7,2")
    expect(hint).to_have_text(before)


@pytest.mark.parametrize(
    ("language", "said", "discard"),
    [
        ("en", r"What you typed at \d\d:\d\d and did not send is here again\.", "Discard"),
        ("fr", r"Ce que vous avez saisi à \d\d:\d\d sans l’envoyer est de nouveau ici\.", "Effacer"),
    ],
)
def test_what_was_typed_and_left_comes_back_to_be_seen_and_can_be_discarded(
    visit: Visitor, language: Language, said: str, discard: str
) -> None:
    address = f"/sites/{site_of(visit.hub)}/measure"
    page = visit(address, width=PHONE, language=language)
    at = page.locator("#at").input_value()
    page.locator("details.fold > summary").click()
    page.locator("#value-copper").fill("0,3")
    later = page.context.new_page()
    later.goto(f"{visit.hub.url}{address}")
    again = later.locator("[data-again]")
    expect(again).to_contain_text(re.compile(said))
    expect(later.locator("#value-copper")).to_be_visible()
    expect(later.locator("#value-copper")).to_have_value("0,3")
    assert "at" not in later.evaluate("JSON.parse(Object.values(localStorage)[0]).typed"), at
    later.locator("details.fold > summary").click()
    expect(later.locator("#value-copper")).to_be_visible()
    visit.check(later, "again")
    later.get_by_role("button", name=discard).click()
    expect(again).to_be_hidden()
    expect(later.locator("#value-copper")).to_have_value("")
    later.reload()
    expect(later.locator("#value-copper")).to_have_value("")
    expect(later.locator("[data-again]")).to_be_hidden()


def test_what_was_typed_and_left_more_than_an_hour_ago_does_not_come_back(visit: Visitor) -> None:
    page = visit(f"/sites/{site_of(visit.hub)}/measure", width=PHONE)
    page.locator("#value-ph").fill("7,4")
    page.evaluate(
        """() => { for (const [name, text] of Object.entries(localStorage)) {
            const kept = JSON.parse(text); localStorage.setItem(name, JSON.stringify({ ...kept, at: kept.at - 3700e3 })); } }"""
    )
    page.reload()
    expect(page.locator("#value-ph")).to_have_value("")
    assert page.evaluate("localStorage.length") == 0


def test_a_time_that_was_set_comes_back_with_what_was_typed_and_is_said(visit: Visitor) -> None:
    page = visit(f"/sites/{site_of(visit.hub)}/measure", width=PHONE)
    page.locator("#value-ph").fill("7,4")
    page.locator("#at").fill("2026-01-02T03:04")
    page.reload()
    expect(page.locator("[data-again]")).to_contain_text("is here again, with its own time.")
    expect(page.locator("#at")).to_have_value("2026-01-02T03:04")


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_a_reading_by_hand_is_corrected_and_taken_back(visit: Visitor, script: bool) -> None:
    address = f"{visit.hub.url}/sites/{site_of(visit.hub)}/measure"
    page = visit.open(script=script)
    page.goto(address)
    page.get_by_label("pH", exact=True).fill("7,9")
    page.get_by_role("button", name="Keep", exact=True).click()
    expect(page.get_by_role("status").first).to_contain_text("Kept.")
    page.get_by_role("link", name="Correct").first.click()
    expect(page.get_by_label("pH", exact=True)).to_have_value("7.9")
    if script:
        visit.check(page, "correct")
    page.get_by_label("pH", exact=True).fill("7,3")
    page.get_by_role("button", name="Keep", exact=True).click()
    page.wait_for_url("**said=hand.*")  # others may have measured at the same minute
    page.goto(address)
    page.get_by_role("link", name="Take back").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Take back the reading of")
    if script:
        visit.check(page, "take back")
    page.get_by_role("button", name="Take back").click()
    expect(page.get_by_role("status").first).to_have_text("Taken back; the trace stays.")
    expect(page.locator(".taken s").first).to_have_text("pH 7.30")
    if script:
        visit.check(page, "taken back")


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_what_was_done_is_noted_with_one_tap_and_taken_back(visit: Visitor, script: bool) -> None:
    site = site_of(visit.hub)
    page = visit.open(script=script)
    page.goto(f"{visit.hub.url}/sites/{site}/done")
    page.get_by_role("button", name="pH minus, 300 g").click()
    page.wait_for_url("**said=done.kept")
    page.goto(f"{visit.hub.url}/sites/{site}/events")
    line = page.get_by_role("listitem").filter(has_text="pH minus").first
    expect(line).to_contain_text(OWNER)
    line.get_by_role("button", name="Take back").click()
    page.wait_for_url("**said=done.removed")
    page.goto(f"{visit.hub.url}/sites/{site}/events?gone=1")
    expect(page.locator("s").first).to_have_text("pH minus, 300 g")


def test_without_a_signal_what_was_typed_stays_and_is_sent_later_once(visit: Visitor) -> None:
    site = site_of(visit.hub)
    page = visit(f"/sites/{site}/done", width=PHONE)
    page.get_by_label("What", exact=True).select_option("refill")
    page.get_by_label("Amount").fill("2.5")
    page.get_by_label("Unit").select_option("m3")
    page.get_by_label("Note").fill("after the storm")
    page.context.set_offline(True)
    page.get_by_role("button", name="Note it").click()
    form = page.locator("form").filter(has=page.get_by_label("Note"))
    expect(form.locator("[data-unsent]")).to_be_visible()
    visit.check(page, "unsent")
    visit.expected("ERR_INTERNET_DISCONNECTED")
    page.context.set_offline(False)
    page.reload()
    expect(page.get_by_label("Note")).to_have_value("after the storm")
    expect(page.locator("[data-again]:visible")).to_contain_text("is here again, with its own time.")
    page.get_by_role("button", name="Note it").click()
    page.wait_for_url("**said=done.kept")
    page.goto(f"{visit.hub.url}/sites/{site}/done")
    expect(page.get_by_label("Note")).to_have_value("")
    found = visit.hub.run(visit.hub.store.events(site))
    assert [event.note for event in found].count("after the storm") == 1


def test_a_recommendation_is_done_after_it_was_confirmed(visit: Visitor) -> None:
    hub, site = visit.hub, site_of(visit.hub)
    one = Recommendation("sim:r1", site, "1", "Nettoyer le filtre", "Rincez-le.", hub.now, hub.now)
    hub.run(hub.store.put_recommendation(one))
    page = visit(f"/sites/{site}/act", width=DESK)
    page.get_by_role("listitem").filter(has_text="Nettoyer").get_by_role("button").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Done: Nettoyer le filtre")
    visit.check(page, "proposed")
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("status")).to_contain_text("Done.")
    visit.check(page, "acted")
