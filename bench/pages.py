"""The pages: an overview of 500 sites, and a site with a year of seven hourly quantities, on the server and in a browser on a throttled phone.

The phone is a slow 4G connection (150 ms, 1.6 Mbit/s down, 750 kbit/s up) and a processor four times slower than this machine's, in headless chromium; each
visit is a first one, with nothing kept. A curve is in sight at the end of the first frame in which the middle of the first drawing is in the window with nothing
before it. The charts are ready once they also answer: from then on a finger is put on the first one in every frame, and the end of the frame counts in which
there is a readout. Later the script draws the lines from all their points, which is told too but has no aim. The peer is the aim: 100 ms of server time and 150 kB for any
page, charts that are ready within a second; and for the year's JSON InfluxDB too, where it is installed.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

from playwright.sync_api import Browser, CDPSession, Page, sync_playwright
from tests.asgi import call
from tests.browser.conftest import CHROMIUM, FLAGS
from tests.browser.fleet import OPERATOR, settle
from tests.browser.hub import BrowserHub, served
from tests.conftest import NOW
from tests.serve.vendors import NoActions

from bench import influx
from bench.report import Line
from margelle.serve.app import build
from margelle.serve.pages import FACE
from margelle.serve.pages.session import COOKIE
from margelle.serve.sign_in import Attempts, FaceDesk
from margelle.store import open_store
from margelle.store.vault import Vault
from margelle.vendors import VENDORS

SITES = 500
ROUNDS = 9
VISITS = 5
AIM_MS, AIM_KB, AIM_READY_MS = 100.0, 150.0, 1000.0
SLOW_4G = {"offline": False, "latency": 150, "downloadThroughput": 1.6e6 / 8, "uploadThroughput": 750e3 / 8}
SLOWER = 4

PAINT = "first-contentful-paint"
IN_SIGHT, ANSWERED, FINE = "curve-in-sight", "finger-answered", "charts-fine"
LOOKOUT = f"""
const look = () => {{
  const curve = document.querySelector("#charts .plot svg.curve path.line");
  const {{ left, top, width, height }} = curve?.getBoundingClientRect() ?? {{ width: 0 }};
  const there = width > 0 && document.elementFromPoint(left + width / 2, top + height / 2)?.closest(".plot");
  if (!there || !there.contains(curve)) return requestAnimationFrame(look);
  setTimeout(() => performance.mark("{IN_SIGHT}"));
  requestAnimationFrame(touch);
}};
const touch = () => {{
  const plot = document.querySelector("#charts .plot");
  const {{ left, top, width, height }} = plot.getBoundingClientRect();
  const finger = {{ pointerType: "touch", isPrimary: true, bubbles: true, clientX: left + width / 2, clientY: top + height / 2 }};
  for (const kind of ["pointerdown", "pointerup"]) plot.dispatchEvent(new PointerEvent(kind, finger));
  if (document.querySelector("#charts .readout").textContent) setTimeout(() => performance.mark("{ANSWERED}"));
  else requestAnimationFrame(touch);
}};
requestAnimationFrame(look);
"""
"""Asks before each frame is painted, and marks the end of the one in which there is a curve to be seen, then of the one in which a finger has been answered. A browser makes no frame before it has the style sheet."""

PAGES = {
    f"overview of {SITES} sites": "/",
    "a site's week": "/sites/ondilo:1",
    "a site's year": "/sites/ondilo:1?span=year",
    "a site's year as JSON": "/sites/ondilo:1/plot?span=year",
    "a site's year on paper": "/sites/ondilo:1/print?span=year",
}
JSON = {PAGES["a site's year as JSON"]}


def measure(folder: Path) -> list[Line]:
    """Fill a store, ask it for its pages, and look at them."""
    url = f"sqlite:///{folder / 'margelle.sqlite'}"
    asyncio.run(_fill(folder, url))
    lines = asyncio.run(_serve(folder, url))
    lines += asyncio.run(influx.measure(folder, url, folder / "key", NOW))
    if CHROMIUM is None:
        sys.exit("no chromium here: apt install chromium")
    with served(empty=True, store=open_store(url, Vault.open(folder / "key"))) as hub, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        for name in (f"overview of {SITES} sites", "a site's week", "a site's year"):
            lines += _look(browser, hub, name, PAGES[name])
        browser.close()
    return lines


async def _fill(folder: Path, url: str) -> None:
    store = open_store(url, Vault.open(folder / "key"))
    await settle(store, NOW, SITES, days=7)
    await settle(store, NOW, 2, days=366)
    await settle(store, NOW, SITES, days=0)  # the account reaches them all again
    await store.close()


async def _serve(folder: Path, url: str) -> list[Line]:
    """Server time, each round after something was stored, and the size of what is sent. It is the processor's time, so that other work on the machine does not count."""
    store = open_store(url, Vault.open(folder / "key"))
    app = build(store, list(VENDORS.values()), {name: {} for name in VENDORS}, lambda: NOW, NoActions())
    token = await FaceDesk(FACE, store, lambda: NOW, Attempts(store)).issue("access", OPERATOR, life_s=86400)
    headers = {"cookie": f"{COOKIE}={token}", "accept-encoding": "gzip", "accept": "text/html,*/*"}
    lines: list[Line] = []
    for name, path in PAGES.items():
        asked = headers | ({"accept": "application/json"} if path in JSON else {})
        await call(app, "GET", path, asked)
        times, sizes = [], []
        for n in range(ROUNDS):
            await store.put_memo("bench", str(n).encode())
            begin_s = process_time()
            answer = await call(app, "GET", path, asked)
            times.append((process_time() - begin_s) * 1000)
            sizes.append(len(answer.body) / 1000)
            assert answer.status == 200
        lines.append(Line(f"{name}: server time (CPU)", "ms", times, [AIM_MS] * ROUNDS, "the aim", better="lower"))
        lines.append(Line(f"{name}: its size, sent", "kB", sizes, [AIM_KB] * ROUNDS, "the aim", better="lower"))
    await store.close()
    return lines


def _look(browser: Browser, hub: BrowserHub, name: str, path: str) -> list[Line]:
    """First contentful paint, charts ready, and all bytes of a first visit."""
    paints, sent = [], []
    ready: dict[str, list[float]] = {"a curve in sight": [], "charts ready": []}
    fine: list[float] = []
    for _ in range(VISITS):
        context = browser.new_context(
            viewport={"width": 390, "height": 844}, device_scale_factor=2, service_workers="block"
        )
        context.add_cookies([{"name": COOKIE, "value": hub.session(OPERATOR), "url": hub.url}])
        page = context.new_page()
        devices = context.new_cdp_session(page)
        received = _throttled(devices)
        if path.startswith("/sites"):
            page.add_init_script(LOOKOUT)
        page.goto(hub.url + path, wait_until="load")
        paints.append(_at_ms(page, PAINT))
        if path.startswith("/sites"):
            for of, mark in zip(ready, (IN_SIGHT, ANSWERED), strict=True):
                ready[of].append(max(_at_ms(page, mark), paints[-1]))
            fine.append(_at_ms(page, FINE))
        page.wait_for_timeout(300)
        sent.append(received() / 1000)
        context.close()
    lines = [
        Line(f"{name}: first contentful paint", "ms", paints, [AIM_READY_MS] * VISITS, "the aim", better="lower"),
        Line(f"{name}: a first visit, all files", "kB", sent, [AIM_KB] * VISITS, "the aim", better="lower"),
    ]
    if fine:
        lines += [
            Line(f"{name}: {of}", "ms", times, [AIM_READY_MS] * VISITS, "the aim", better="lower")
            for of, times in ready.items()
        ]
        lines.append(Line(f"{name}: all points drawn", "ms", fine, fine, "itself (no aim)", better="lower"))
    return lines


def _at_ms(page: Page, mark: str) -> float:
    """When the page, from its beginning, came to what has this name."""
    page.wait_for_function("name => performance.getEntriesByName(name).length", arg=mark)
    return float(page.evaluate("name => performance.getEntriesByName(name)[0].startTime", mark))


def _throttled(devices: CDPSession) -> Callable[[], float]:
    """Slow the page down; returns what tells the bytes that it has received."""
    total = 0.0

    def finished(event: dict[str, Any]) -> None:
        nonlocal total
        total += event["encodedDataLength"]

    devices.on("Network.loadingFinished", finished)
    devices.send("Network.enable")
    devices.send("Network.emulateNetworkConditions", SLOW_4G)
    devices.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    return lambda: total
