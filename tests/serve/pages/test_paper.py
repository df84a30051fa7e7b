from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest

from margelle.errors import ConfigError
from margelle.serve import pages
from margelle.serve.pages import paper
from margelle.serve.pages.paper import quoting
from tests.asgi import call
from tests.serve.pages.conftest import Hub
from tests.serve.pages.text import tags

STATIC = Path(pages.__file__).parent / "static"
CSS = (STATIC / "margelle.css").read_text()


async def test_what_a_page_refers_to_is_there_and_kept_by_browsers_until_it_changes(hub: Hub) -> None:
    app = hub.app()
    elements = tags((await call(app, "GET", "/")).text)
    addresses = {value for _, each in elements for key, value in each.items() if key in {"src", "href"} and value}
    files = {address for address in addresses if address.startswith("/static/")}
    assert len(files) == 4
    for address in files:
        answer = await call(app, "GET", address)
        assert answer.status == 200
        assert "immutable" in answer.headers["cache-control"]
        again = await call(app, "GET", address, {"if-none-match": answer.headers["etag"]})
        assert (again.status, again.body) == (304, b"")


async def test_a_file_comes_compressed_to_who_can_read_that(hub: Hub) -> None:
    plain = await call(hub.app(), "GET", "/static/margelle.css")
    gzipped = await call(hub.app(), "GET", "/static/margelle.css", {"accept-encoding": "gzip, deflate"})
    assert "content-encoding" not in plain.headers
    assert gzipped.headers["content-encoding"] == "gzip"
    assert gzip.decompress(gzipped.body) == plain.body
    brotli = await call(hub.app(), "GET", "/static/margelle.css", {"accept-encoding": "gzip, br"})
    assert brotli.headers["content-encoding"] == "br"
    assert len(brotli.body) < len(gzipped.body)


async def test_a_page_comes_compressed_to_who_can_read_that(hub: Hub) -> None:
    plain = await call(hub.app(), "GET", "/")
    packed = await call(hub.app(), "GET", "/", {"accept-encoding": "gzip"})
    assert gzip.decompress(packed.body) == plain.body
    assert "accept-encoding" in packed.headers["vary"]


def test_without_the_built_files_the_hub_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paper, "BUILT", ("margelle.css", "absent.js"))
    with pytest.raises(ConfigError, match=r"absent\.js has not been built.* `make setup` builds"):
        paper.demand_built()


async def test_what_the_style_sheet_refers_to_is_there(hub: Hub) -> None:
    fonts = re.findall(r"url\(\"?([^)\"]+)\"?\)", CSS)
    assert len(fonts) == 4
    for font in fonts:
        answer = await call(hub.app(), "GET", f"/static/{font}")
        assert (answer.status, answer.headers["content-type"]) == (200, "font/woff2")
        assert answer.body.startswith(b"wOF2")


@pytest.mark.parametrize("name", ["../words.py", "..%2Fwords.py", "%2e%2e/words.py", "newsreader.OFL.txt", "x.css", ""])
async def test_nothing_else_is_served(hub: Hub, name: str) -> None:
    assert (await call(hub.app(), "GET", f"/static/{name}")).status == 404


def test_every_font_comes_with_its_licence() -> None:
    for font in STATIC.glob("*.woff2"):
        name = font.stem.removesuffix("-more")
        assert "SIL OPEN FONT LICENSE" in (STATIC / f"{name}.OFL.txt").read_text()


async def test_a_browser_is_told_of_the_style_before_it_has_read_the_page_and_of_scripts_last(hub: Hub) -> None:
    answer = await call(hub.app(), "GET", "/")
    ((address, kind),) = re.findall(r"<(/static/[\w.]+\?\w+)>; rel=preload; as=(\w+)", answer.headers["link"])
    assert kind == "style"
    assert f'"{address}"' in answer.text
    assert (await call(hub.app(), "GET", address)).status == 200
    end = answer.text.index("</footer>")
    assert "<script" not in answer.text[:end]
    for script in re.findall(r'<script defer src="([^"]+)"', answer.text[end:]):
        assert (await call(hub.app(), "GET", script)).status == 200


CSS_SOURCES = Path(__file__).parents[3] / "frontend" / "css"
PAIRS = re.findall(
    r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);", (CSS_SOURCES / "palette.css").read_text()
)
LIGHT = {name: light for name, light, _ in PAIRS}
DARK = {name: dark for name, _, dark in PAIRS}


def test_what_others_wrote_comes_with_its_licence() -> None:
    known = json.loads((CSS_SOURCES.parent / "package.json").read_text())["dependencies"]
    assert set(known) == {"htmx.org"}
    for name in known:
        assert "Permission" in (STATIC / f"{name}.LICENSE.txt").read_text()


def test_no_colour_is_named_but_in_the_palette() -> None:
    assert len(PAIRS) > 20
    for sheet in CSS_SOURCES.glob("*.css"):
        if sheet.name not in {"palette.css", "print.css"}:
            assert not re.search(r"#[0-9a-f]{3,8}\b", sheet.read_text()), sheet.name


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, "contrast ratio"."""

    def luminance(colour: str) -> float:
        channels = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(
    ("text", "ground", "least"),
    [
        ("ink", "paper", 7),
        ("ink", "ground", 7),
        ("basin-ink", "basin", 7),
        ("soft", "paper", 4.5),
        ("soft", "ground", 4.5),
        ("basin-soft", "basin", 4.5),
        ("on-depth", "depth", 4.5),
        ("link", "ground", 4.5),
        ("link", "paper", 4.5),
        ("paper", "link", 4.5),
        ("alert", "paper", 4.5),
        ("alert", "basin", 4.5),
        ("watch", "basin", 4.5),
        ("ink", "ideal", 7),
        ("ink", "tolerable", 7),
        ("line", "ideal", 3),
        ("line", "tolerable", 3),
        ("line-1", "paper", 3),
        ("line-1", "ideal", 3),
        ("line-2", "paper", 3),
        ("line-2", "ideal", 3),
        ("line-3", "paper", 3),
        ("line-3", "ideal", 3),
        ("alert", "ideal", 3),
        ("soft", "ideal", 4.5),
        ("ink", "stale-basin", 7),
        ("soft", "stale-basin", 4.5),
        ("ink", "stale-depth", 4.5),
        ("line", "paper", 3),
        ("band", "paper", 3),
        ("surface", "basin", 3),
        ("good", "good-ground", 4.5),
        ("watch", "watch-ground", 4.5),
        ("alert", "alert-ground", 4.5),
        ("ink", "good-ground", 7),
        ("ink", "watch-ground", 7),
        ("ink", "alert-ground", 7),
        ("good", "paper", 4.5),
        ("watch", "paper", 4.5),
        ("ink", "shade", 7),
        ("link", "shade", 4.5),
        ("soft", "shade", 4.5),
        ("ink", "field", 7),
        ("soft", "field", 4.5),
        ("alert", "ground", 4.5),
        ("paper", "alert", 4.5),
        ("edge", "paper", 3),
        ("edge", "field", 3),
        ("surface", "paper", 3),
        ("surface", "ground", 3),
    ],
)
def test_everything_can_be_read_in_sunlight(colours: dict[str, str], text: str, ground: str, least: float) -> None:
    assert contrast(colours[text], colours[ground]) >= least


@pytest.mark.parametrize(
    ("text", "html"),
    [
        (
            "écarté par X : «\u00a0The <probe> is out\u00a0»",
            'écarté par X : «\u00a0<span lang="">The &lt;probe&gt; is out</span>\u00a0»',
        ),
        ("“one” for “two”", '“<span lang="">one</span>” for “<span lang="">two</span>”'),
        ("Rien & rien", "Rien &amp; rien"),
    ],
)
def test_what_somebody_else_says_is_marked_as_of_another_language(text: str, html: str) -> None:
    assert quoting(text) == html
