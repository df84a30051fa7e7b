from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.conftest import DESK, Visitor


def test_the_api_is_explored_in_the_browser_under_its_policy(visit: Visitor) -> None:
    page = visit.open(width=DESK)
    page.goto(f"{visit.hub.url}/api/v1/")
    page.get_by_text("What can be measured on this hub").click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    expect(page.locator(".live-responses-table .response .response-col_status")).to_contain_text("200")
    expect(page.locator(".live-responses-table")).to_contain_text("temperature")
