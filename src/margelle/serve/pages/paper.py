"""Templates made into answers, and the files beside them. Jinja2 is loaded when the first page is asked for."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request
from starlette.responses import Response

from margelle.serve.pages.words import LANGUAGES, Words

if TYPE_CHECKING:
    from jinja2 import Environment

_HERE: Final = Path(__file__).parent
_TYPES: Final = {".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".woff2": "font/woff2"}
_CSP: Final = (
    "default-src 'none'; style-src 'self'; font-src 'self'; img-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
# Browsers send the Origin of a form, by which a foreign one is told, only under a policy that is not no-referrer.
_HEADERS: Final = {
    "content-security-policy": _CSP,
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
    "vary": "accept-language, cookie",
}


def page(template: str, words: Words, status: int = 200, **values: Any) -> Response:
    """The page of a template in the language of `words`."""
    other = next(language for language in LANGUAGES if language != words.language)
    html = (
        _environment()
        .get_template(template)
        .render(t=words, lang=words.language, other=other, asset=_address, **values)
    )
    return Response(html, status, _HEADERS, "text/html; charset=utf-8")


async def asset(request: Request) -> Response:
    """A style sheet, font or picture. Its address changes with its content, so that browsers keep it."""
    known = _assets().get(request.path_params["name"])
    if known is None:
        return Response(status_code=404)
    content, media_type, tag = known
    headers = {"cache-control": "public, max-age=31536000, immutable", "etag": f'"{tag}"'}
    if request.headers.get("if-none-match") == f'"{tag}"':
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=media_type)


def _address(name: str) -> str:
    return f"/static/{name}?{_assets()[name][2]}"


@cache
def _assets() -> dict[str, tuple[bytes, str, str]]:
    """By name: content, media type, and the beginning of the content's SHA-256."""
    files = [path for path in (_HERE / "static").iterdir() if path.suffix in _TYPES]
    return {
        path.name: (path.read_bytes(), _TYPES[path.suffix], hashlib.sha256(path.read_bytes()).hexdigest()[:12])
        for path in files
    }


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # noqa: PLC0415 - only who sees a page waits for it

    return Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
