"""`make screenshots`: the README's pictures, taken with chromium from a hub with simulated water, whose clock stands still."""

from __future__ import annotations

import sys
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Final, Literal

from playwright.sync_api import Browser, sync_playwright
from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.hub import BrowserHub, served

from margelle.domain.event import Event
from margelle.serve.pages.session import COOKIE
from margelle.simulate.people import OWNER

PICTURES: Final = Path(__file__).parents[1] / "docs" / "pictures"
SIZES: Final = {"desk": (1280, 860, 1.0), "phone": (390, 844, 2.0)}
"""Width and height in CSS pixels, and how many pixels of the picture one of them is."""
THEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
SITE: Final = "Piscine du mas"


def main() -> None:
    """Take them all anew."""
    if CHROMIUM is None:
        sys.exit("There is no chromium here: apt install chromium.")
    PICTURES.mkdir(exist_ok=True)
    with served() as hub, sync_playwright() as playwright:
        paths = {"overview": "/", "site": f"{_tended(hub)}?span=month"}
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        for (name, path), size, theme in product(paths.items(), SIZES, THEMES):
            _take(browser, hub, path, size=size, theme=theme, file=PICTURES / f"{name}-{size}-{theme}.png")
        browser.close()


def _tended(hub: BrowserHub) -> str:
    """The path of a site whose owner has noted what was done."""
    site = next(each.id for each in hub.run(hub.store.sites(seen_by=OWNER)) if each.name == SITE)
    for days, grams in ((4, 250.0), (18, 300.0)):
        at = hub.now - timedelta(days=days, hours=3)
        dose = Event(f"dose-{days}", site, "dose", at, OWNER, at, "ph_minus", grams, "g")
        hub.run(hub.store.put_event(dose))
    wash = hub.now - timedelta(days=11, hours=2)
    hub.run(hub.store.put_event(Event("wash", site, "backwash", wash, OWNER, wash)))
    return f"/sites/{site}"


def _take(
    browser: Browser, hub: BrowserHub, path: str, *, size: str, theme: Literal["light", "dark"], file: Path
) -> None:
    width, height, scale = SIZES[size]
    context = browser.new_context(
        viewport={"width": width, "height": height},
        device_scale_factor=scale,
        color_scheme=theme,
        locale="en-GB",
        has_touch=size == "phone",
        service_workers="block",
    )
    context.add_cookies([{"name": COOKIE, "value": hub.session(OWNER), "url": hub.url}])
    page = context.new_page()
    page.goto(hub.url + path)
    page.evaluate("document.fonts.ready")
    if path.startswith("/sites"):
        page.wait_for_function("() => performance.getEntriesByName('charts-fine').length")
    page.screenshot(path=file)
    print(file)
    context.close()


if __name__ == "__main__":
    main()
