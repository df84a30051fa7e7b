"""The interactive page of the API: Swagger UI, from the package `swagger-ui-bundle`, under the least that it needs of a browser.

It shows icons from `data:` addresses; beyond its own files it needs nothing else: no inline script or style, no `eval`.
It knows OpenAPI up to 3.0, so it reads that form of the document.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response

from margelle.serve.api import API

_TYPES: Final = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".png": "image/png"}
_FILES: Final = ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png")
_START: Final = f"""\
window.addEventListener("load", () => {{
  SwaggerUIBundle({{
    url: "{API}openapi-3.0.json",
    dom_id: "#explorer",
    deepLinking: true,
    persistAuthorization: false,
    validatorUrl: null,
    docExpansion: "list",
  }});
}});
"""
_PAGE: Final = f"""\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Margelle API</title>
<link rel="icon" href="{API}explorer/favicon-32x32.png">
<link rel="stylesheet" href="{API}explorer/swagger-ui.css">
<script src="{API}explorer/swagger-ui-bundle.js" defer></script>
<script src="{API}explorer/start.js" defer></script>
</head>
<body><main id="explorer"></main></body>
</html>
"""
_CSP: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


async def page(_: Request) -> Response:
    """The page."""
    headers = {"content-security-policy": _CSP, "cache-control": "no-cache", "referrer-policy": "same-origin"}
    return Response(_PAGE, headers=headers, media_type="text/html; charset=utf-8")


async def asset(request: Request) -> Response:
    """A file of it."""
    found = _assets().get(request.path_params["name"])
    if found is None:
        return Response(status_code=404)
    content, kind, tag = found
    headers = {"cache-control": "no-cache", "etag": tag}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(content, headers=headers, media_type=kind)


@cache
def _assets() -> dict[str, tuple[bytes, str, str]]:
    import swagger_ui_bundle  # noqa: PLC0415 - only who opens the page loads its megabyte

    (folder,) = (Path(swagger_ui_bundle.__file__).parent / "vendor").glob("swagger-ui-*")
    told = {name: (folder / name).read_bytes() for name in _FILES} | {"start.js": _START.encode()}
    return {
        name: (content, _TYPES[Path(name).suffix], f'"{hashlib.sha256(content).hexdigest()[:16]}"')
        for name, content in told.items()
    }
