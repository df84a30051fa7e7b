"""Templates made into answers, and the files beside them. Jinja2 is loaded when the first page is asked for."""

from __future__ import annotations

import gzip
import hashlib
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct
from starlette.requests import Request
from starlette.responses import Response

from margelle.errors import ConfigError
from margelle.serve.pages.words import LANGUAGES, Words

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup

_HERE: Final = Path(__file__).parent
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
}
_PACKED: Final = {"br": ".br", "gzip": ".gz"}
"""By encoding, the best first: what a file's compressed form is called behind its name."""
BUILT: Final = ("margelle.css", "margelle.js", "swaps.js", "chart.js", "worker.js")
"""What `make setup` builds from frontend/ into static/."""
_LEAST_PACKED: Final = 1400
"""In bytes: what fits in one packet of a network is sent as it is."""
_LEVEL: Final = 5
_QUOTED: Final = re.compile(r"(“|«\s?)(.*?)(”|\s?»)", re.DOTALL)
_CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
# Browsers send the Origin of a form, by which a foreign one is told, only under a policy that is not no-referrer.
_HEADERS: Final = {
    "content-security-policy": _CSP,
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
    "vary": "accept-language, cookie",
}


def page(template: str, words: Words, status: int = 200, *, encodings: str = "", **values: Any) -> Response:
    """The page of a template in the language of `words`, compressed where `encodings` (an Accept-Encoding header) has gzip."""
    other = next(language for language in LANGUAGES if language != words.language)
    used: dict[str, str] = {}

    def asset(name: str) -> str:
        return used.setdefault(name, _address(name))

    html = (
        _environment().get_template(template).render(t=words, lang=words.language, other=other, asset=asset, **values)
    )
    headers = _HEADERS | {"link": _early(used)}
    return packed(Response(html, status, headers, "text/html; charset=utf-8"), encodings)


def _early(used: Mapping[str, str]) -> str:
    """A page's style sheet as a Link header, so that a browser asks for it before it has read the page. Nothing else: it would take from the share of what is seen first."""
    sheets = (address for name, address in used.items() if name.endswith(".css"))
    return ", ".join(f"<{address}>; rel=preload; as=style" for address in sheets)


def packed(answer: Response, encodings: str) -> Response:
    """`answer` with its body compressed where that is worth it and `encodings` (an Accept-Encoding header) has gzip."""
    if "gzip" in encodings and len(answer.body) > _LEAST_PACKED:
        answer.body = gzip.compress(answer.body, _LEVEL, mtime=0)
        answer.headers["content-encoding"] = "gzip"
        answer.headers["content-length"] = str(len(answer.body))
        answer.headers.add_vary_header("accept-encoding")
    return answer


class Asset(Struct, frozen=True):
    """A file beside the templates: as it is and, by encoding, as it was compressed when it was built. `tag` is the beginning of its SHA-256."""

    content: bytes
    media_type: str
    tag: str
    packed: dict[str, bytes]


async def asset(request: Request) -> Response:
    """A style sheet, script, font or picture. Its address changes with its content, so that browsers keep it."""
    known = _assets().get(request.path_params["name"])
    if known is None:
        return Response(status_code=404)
    headers = {
        "cache-control": "public, max-age=31536000, immutable",
        "etag": f'"{known.tag}"',
        "vary": "accept-encoding",
    }
    if request.headers.get("if-none-match") == f'"{known.tag}"':
        return Response(status_code=304, headers=headers)
    accepted = request.headers.get("accept-encoding", "")
    encoding = next((each for each in known.packed if each in accepted), None)
    if encoding is None:
        return Response(known.content, headers=headers, media_type=known.media_type)
    return Response(
        known.packed[encoding], headers=headers | {"content-encoding": encoding}, media_type=known.media_type
    )


async def worker(request: Request) -> Response:
    """The service worker, from the root, since it may only answer for what lies below itself; browsers ask for it anew each day."""
    answer = await asset(Request({**request.scope, "path_params": {"name": "worker.js"}}))
    answer.headers["cache-control"] = "no-cache"
    answer.headers["content-security-policy"] = _CSP
    return answer


def manifest(title: str, language: str) -> Response:
    """What makes the pages an app on a phone's home screen."""
    icons = [
        ("icon-192.png", "192x192", "any"),
        ("icon-512.png", "512x512", "any"),
        ("icon-maskable.png", "512x512", "maskable"),
    ]
    body = {
        "name": title,
        "short_name": title[:12],
        "lang": language,
        "id": "/",
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": "#f4f1ea",
        "theme_color": "#f4f1ea",
        "icons": [
            {"src": _address(name), "sizes": sizes, "type": "image/png", "purpose": purpose}
            for name, sizes, purpose in icons
        ],
    }
    return Response(msgspec.json.encode(body), 200, {"cache-control": "no-cache"}, "application/manifest+json")


def demand_built() -> None:
    """Raises ConfigError where the style sheet and scripts have not been built yet."""
    missing = [name for name in BUILT if not (_HERE / "static" / name).is_file()]
    if missing:
        raise ConfigError(
            f"The pages' {' and '.join(missing)} {'has' if len(missing) == 1 else 'have'} not been built.",
            hint="In a clone, `make setup` builds them; or serve without pages, with --set pages=false.",
        )


def _address(name: str) -> str:
    return f"/static/{name}?{_assets()[name].tag}"


@cache
def _assets() -> dict[str, Asset]:
    return {path.name: _asset(path) for path in (_HERE / "static").iterdir() if path.suffix in _TYPES}


def _asset(path: Path) -> Asset:
    content = path.read_bytes()
    packed = {
        encoding: beside.read_bytes()
        for encoding, suffix in _PACKED.items()
        if (beside := path.with_name(path.name + suffix)).is_file()
    }
    return Asset(content, _TYPES[path.suffix], hashlib.sha256(content).hexdigest()[:12], packed)


def quoting(text: str) -> Markup:
    """`text`, in which what stands between quotation marks is somebody else's, in a language that nobody has told: a screen reader must not read it as the page's."""
    from markupsafe import Markup, escape  # noqa: PLC0415 - as Jinja2, which brings it

    return Markup(_QUOTED.sub(r'\1<span lang="">\2</span>\3', str(escape(text))))  # noqa: S704 - escaped


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - only who sees a page waits for it

    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters["quoting"] = quoting
    environment.globals["icon"] = environment.get_template("icon.html").module  # signs stand in every template
    return environment
