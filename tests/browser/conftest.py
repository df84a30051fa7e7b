"""Pages in a real browser: Debian's chromium, on a hub of this process, each visit held against console errors, the policy and axe-core.

Pictures of pages that are not sound are left in .screenshots/, and with MARGELLE_PICTURES=1 of all that was seen.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from margelle.serve.pages.session import COOKIE
from margelle.serve.pages.visit import LANGUAGE_COOKIE
from margelle.simulate.people import OWNER
from tests.browser.hub import BrowserHub, served
from tests.system import program

ROOT: Final = Path(__file__).parents[2]
PICTURES: Final = ROOT / ".screenshots"
PICTURED: Final = bool(os.environ.get("MARGELLE_PICTURES"))
"""Whether all is photographed, which takes as long as to look at it."""
AXE: Final = ROOT / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
PHONE, DESK = 390, 1440
HEIGHTS: Final = {PHONE: 844, DESK: 900}
CHROMIUM: Final = shutil.which("chromium")
FEATURES: Final = (
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",  # for the address bar, which no test has: pages of their own in every new window
    *("AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades"),
    *(
        "HttpsFirstBalancedModeAutoEnable",
        "LensOverlay",
        "MediaRouter",
        "PaintHolding",
        "ThirdPartyStoragePartitioning",
    ),
    *("AvoidCorsURLLoaderRestartOnRedirect", "OptimizationHints", "NetworkTimeServiceQuerying", "PreconnectToSearch"),
)
"""What the browser is to do without. Of two lists the last one counts, so Playwright's own are here too."""
FLAGS: Final = (
    f"--disable-features={','.join(FEATURES)}",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--font-render-hinting=none",
)

PATIENCE_MS: Final = 20_000
"""Machines that test many things at once are slow; what is there is never waited for."""
expect.set_options(timeout=PATIENCE_MS)

Theme = Literal["light", "dark"]
Language = Literal["en", "fr"]

EVERY_LOOK: Final = pytest.mark.parametrize(
    ("width", "theme", "language"),
    [(PHONE, "light", "fr"), (PHONE, "dark", "en"), (DESK, "light", "en"), (DESK, "dark", "fr")],
)
"""A phone and a desk, light and dark, French and English, each with each other once."""


@pytest.fixture(scope="package")
def hub() -> Iterator[BrowserHub]:
    """A hub with five pools and a month of their water; tests that change it do so to things of their own."""
    with served() as one:
        yield one


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """One browser for all tests of this folder; it ends with them, since its event loop stands in other tests' way."""
    path = program("chromium", "chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        yield browser
        browser.close()


class Visitor:
    """Opens pages, and fails where they are not sound."""

    def __init__(self, hub: BrowserHub, browser: Browser, name: str) -> None:
        self.hub, self._browser, self._name = hub, browser, name
        self._contexts: list[BrowserContext] = []
        self.troubles: list[str] = []
        self._shots = 0

    def __call__(
        self,
        path: str,
        *,
        user: str | None = OWNER,
        width: int = PHONE,
        theme: Theme = "light",
        language: Language = "en",
        script: bool = True,
        hub: BrowserHub | None = None,
        status: int = 200,
    ) -> Page:
        """The page at `path` as this user sees it (None: who has not signed in), after it was checked.

        The browser's console must stay silent, also after the visit: `expected` forgives what a test has brought about.
        """
        page = self.open(user=user, width=width, theme=theme, language=language, script=script, hub=hub)
        answer = page.goto((hub or self.hub).url + path)
        assert answer is not None
        assert answer.status == status, f"{path} answers {answer.status}"
        self.check(page)
        return page

    def open(
        self,
        *,
        user: str | None = OWNER,
        width: int = PHONE,
        theme: Theme = "light",
        language: Language = "en",
        script: bool = True,
        hub: BrowserHub | None = None,
        **options: Any,
    ) -> Page:
        """An empty page of a new browser context, signed in at the hub."""
        hub = hub or self.hub
        context = self._browser.new_context(
            viewport={"width": width, "height": HEIGHTS[width]},
            color_scheme=theme,
            locale={"en": "en-GB", "fr": "fr-FR"}[language],
            java_script_enabled=script,
            has_touch=width == PHONE,
            service_workers=options.pop("service_workers", "block"),  # one page answered by itself, unless a test asks
            reduced_motion="reduce",
            **options,
        )
        cookies = {LANGUAGE_COOKIE: language} | ({COOKIE: hub.session(user)} if user else {})
        context.add_cookies([{"name": name, "value": value, "url": hub.url} for name, value in cookies.items()])
        context.set_default_timeout(PATIENCE_MS)
        self._contexts.append(context)
        page = context.new_page()
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.troubles.append(f"script: {error}"))
        return page

    def check(self, page: Page, name: str = "") -> None:
        """Hold the page as it is now against axe-core and the width of its window; photograph it, where it is not sound.

        Who has clicked must first expect something of the page that comes: the one before it would do, too, or be half gone.
        """
        self._shots += 1
        page.wait_for_load_state()
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        serious = _axe(page)
        if PICTURED or wide > 0 or serious:
            self._photograph(page, name)
        assert wide <= 0, f"{page.url} is {wide} px wider than its window"
        assert not serious, f"{page.url}: " + "\n".join(serious)

    def _photograph(self, page: Page, name: str) -> None:
        size = page.viewport_size or {"width": 0, "height": 0}
        mode = "dark" if page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") else "light"
        stem = re.sub(r"[^a-z0-9]+", "-", f"{self._name}-{name or self._shots}".lower()).strip("-")
        PICTURES.mkdir(exist_ok=True)
        page.screenshot(path=PICTURES / f"{stem}-{size['width']}-{mode}.png", full_page=True)

    def expected(self, pattern: str) -> None:
        """Forget what the console said that matches; something must."""
        matching = [each for each in self.troubles if re.search(pattern, each)]
        assert matching, f"the console did not say {pattern!r}, but {self.troubles}"
        self.troubles = [each for each in self.troubles if each not in matching]

    def close(self) -> None:
        """End it; fails where the console had something to say."""
        for context in self._contexts:
            context.close()
        assert not self.troubles, "\n".join(self.troubles)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and "blocked by Playwright" not in message.text:
            where = urlsplit(str(message.location.get("url", ""))).path
            self.troubles.append(f"{message.type}: {message.text} ({where})")


def _axe(page: Page) -> list[str]:
    """What axe-core finds that is serious or critical."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{each['impact']}: {each['id']}, {each['help']}: {each['nodes'][0]['html'][:300]} "
        f"({each['nodes'][0].get('failureSummary', '')})"
        for each in found["violations"]
        if each["impact"] in {"serious", "critical"}
    ]


@pytest.fixture
def visit(chromium: Browser, hub: BrowserHub, request: pytest.FixtureRequest) -> Iterator[Visitor]:
    """Opens pages: `visit("/people", width=DESK, theme="dark", language="fr")`."""
    one = Visitor(hub, chromium, request.node.name)
    yield one
    one.close()
